"""QED: questions typed into a search engine, with the paragraph that answers; each paragraph a document.

Lamm et al., QED: A Framework and Dataset for Explanations in Question Answering, TACL 2021.
"""

from pathlib import Path

from eval.dataset import Dataset, Documents, Example
from eval.formats.records import Record, lines


class _Question(Record):
    example_id: int
    title_text: str
    question_text: str
    paragraph_text: str
    answer_spans: list[tuple[int, int]]
    answer_type: str


def read(path: Path) -> Dataset:
    """Read the questions that one sentence answers; an example's tag is its article's title.

    Raises:
        DatasetError: A line is malformed, or an answer does not stand at its offset.
    """
    documents = Documents(path.stem)
    examples = []
    for place, each in lines(path, _Question):
        text, title = each.paragraph_text, each.title_text
        spans = [span for span in each.answer_spans if span[0] >= 0]  # -1: it does not stand in the paragraph
        if each.answer_type != "single_sentence" or not spans:
            continue
        evidence = [documents.evidence(text, title, *_quote(text, span), place) for span in spans]
        examples.append(
            Example(
                id=str(each.example_id),
                question=f"{each.question_text}?",
                answerable=True,
                answers=tuple(answer.quote for answer in evidence),
                evidence=tuple(evidence),
                tags=(title,),
            )
        )
    return Dataset(path.stem, tuple(examples), documents.all())


def _quote(text: str, span: tuple[int, int]) -> tuple[int, str]:
    return span[0], text[span[0] : span[1]]
