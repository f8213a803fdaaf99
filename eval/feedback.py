"""What readers said of answers in the chat -> a set of questions: their complaints become a gate."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import rag
from eval.dataset import Evidence, Example
from eval.dataset import Turn as Said
from index.errors import DatasetError
from rag.answer import Answer
from rag.chat import Conversation, Turn
from rag.conversations import every

Texts = Callable[[str], str]
"""A document's id -> its canonical text, "" where there is no such document."""


def main(
    documents: Annotated[Path, typer.Argument(help="The folder whose chat was judged.", exists=True, file_okay=False)],
    library: Annotated[
        Path | None, typer.Option(help="Where that folder's library lives; FOLDER/.footnote unless you say.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The set to write.", dir_okay=False)] = Path("feedback.jsonl"),
) -> None:
    """Write what readers said of answers in the chat as a set of questions, with what they asked before."""
    if out.exists():
        raise DatasetError(f"{out} is there already; name another file with --out, or move it away.")
    with rag.open(documents, home=library, llm="") as docs:
        known = {file.id for file in docs.files() if file.state == "indexed"}
        conversations = every(docs.library.home)
        made = list(examples(conversations, lambda name: docs.document(name).text if name in known else ""))
    judged = sum(turn.judgement is not None for talk in conversations for turn in talk.turns)
    if not made:
        raise DatasetError(f"Of the {judged} answers judged in this chat none tells what is right; judge some there.")
    out.write_text("".join(json.dumps(_line(each), ensure_ascii=False) + "\n" for each in made), encoding="utf-8")
    typer.echo(f"{len(made)} of {judged} answers judged are questions in {out}; of others nobody said what is right.")


def examples(conversations: Sequence[Conversation], texts: Texts) -> Iterator[Example]:
    """An example for each judged answer of which the right one is known and stands in the documents still."""
    for talk in conversations:
        for place, turn in enumerate(talk.turns):
            if turn.judgement is None or (known := _known(turn, texts)) is None:
                continue
            answers, evidence = known
            yield Example(
                id=f"{talk.id}-{place + 1}",
                question=turn.answer.question,
                answerable=bool(answers),
                answers=answers,
                evidence=evidence,
                history=tuple(Said(each.answer.question, each.answer.text) for each in talk.turns[:place]),
                tags=("feedback", turn.judgement.verdict),
            )


def _known(turn: Turn, texts: Texts) -> tuple[tuple[str, ...], tuple[Evidence, ...]] | None:
    """The right answers and where they stand, none where nothing answers; None where nobody said what is right."""
    judged, answer = turn.judgement, turn.answer
    if judged is None or answer.mode == "help":
        return None
    if judged.verdict == "unanswerable" or (judged.verdict == "right" and answer.status == "abstained"):
        return None if turn.documents else ((), ())  # of some documents only: others may say
    if judged.verdict == "right":
        right = answer.text[answer.short.start : answer.short.end] if answer.short else answer.text
        quoted = _quoted(answer, texts)
    else:
        right = judged.quote
        quoted = [(judged.document_id, judged.quote)] if _stands_once(judged.document_id, judged.quote, texts) else []
    return ((right,), tuple(Evidence(id, quote, fact=1) for id, quote in quoted)) if quoted else None


def _quoted(answer: Answer, texts: Texts) -> list[tuple[str, str]]:
    """The document and words of each citation; a quote that stands there twice is its passage's."""
    passages = {hit.passage.id: hit.passage.text for hit in answer.hits}
    tried = [(each.document_id, (each.quote, passages[each.passage_id])) for each in answer.citations]
    return [
        (id, quote) for id, quotes in tried if (quote := next((q for q in quotes if _stands_once(id, q, texts)), ""))
    ]


def _stands_once(id: str, quote: str, texts: Texts) -> bool:
    return bool(quote) and texts(id).count(quote) == 1


def _line(example: Example) -> dict[str, Any]:
    """A line of a set of our own; see eval/formats/own.py."""
    return {
        "id": example.id,
        "question": example.question,
        "answers": example.answers,
        "evidence": [{"document": each.document, "quote": each.quote, "fact": each.fact} for each in example.evidence],
        "history": [{"question": each.question, "answer": each.answer} for each in example.history],
        "tags": example.tags,
    }
