"""What the tests of the evaluation share: the set over seeds/, its command line, and results made by hand."""

from pathlib import Path

from typer.testing import CliRunner

from eval.__main__ import app
from eval.dataset import Evidence, Example
from eval.run import Result, ranked
from index.document import Span
from index.passages import Passage
from rag.answer import Answer
from rag.cite import Citation
from rag.retrieve import Hit

SEEDS_SET = Path(__file__).parent.parent / "eval" / "sets" / "seeds.jsonl"

TEXT = "0123456789" * 10
PASSAGES = [Passage(f"d#{n}", "d", TEXT[n : n + 10], n, n + 10, None, "", ()) for n in range(0, 100, 10)]
GOLD = Evidence("d", TEXT[12:18], Span(12, 18))
ASKED = Example("1", "Who?", True, ("2345",), (GOLD,))
UNANSWERABLE = Example("2", "Who?", False)


def answer(*starts: int, confidence: float = 0.6, read: tuple[int, ...] = (0, 1, 2)) -> Answer:
    """Cites six characters from each start; abstains where there is none."""
    hits = tuple(Hit(PASSAGES[number], 0.5, rank, 1, 1) for rank, number in enumerate(read, start=1))
    citations = tuple(
        Citation(number, "d", f"d#{start // 10 * 10}", start, start + 6, TEXT[start : start + 6], None)
        for number, start in enumerate(starts, start=1)
    )
    status = "answered" if starts else "abstained"
    text = " ".join(citation.quote for citation in citations)
    return Answer("Who?", "Who?", status, text, citations=citations, hits=hits, confidence=confidence)


def result(
    example: Example, said: Answer, withheld: Answer | None = None, found: tuple[int, ...] = (0, 1, 2)
) -> Result:
    return Result(
        id=example.id,
        question=example.question,
        answer=said,
        withheld=withheld,
        stands=tuple(TEXT[each.start : each.end] for each in said.citations),
        hits=tuple(ranked(PASSAGES[number]) for number in found),
        relevant=("d#10",) if example.evidence else (),
        seconds=0.2,
    )


def command(*arguments: object) -> tuple[int, str]:
    """Exit code of `python -m eval` and all that it said, run in this process."""
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output
