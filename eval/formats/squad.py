"""SQuAD 1.1 and 2.0 JSON: each paragraph a document, each answer its own evidence.

Rajpurkar et al., SQuAD, EMNLP 2016; Rajpurkar, Jia and Liang, Know What You Don't Know, ACL 2018. What SQuAD 2.0
calls unanswerable is so by its own paragraph, so that its questions are asked of their paragraph only.
"""

from pathlib import Path

from eval.dataset import Dataset, Documents, Example
from eval.formats.records import Record, whole


class _Answer(Record):
    text: str
    answer_start: int


class _Question(Record):
    id: str
    question: str
    answers: list[_Answer]
    is_impossible: bool | None = None


class _Paragraph(Record):
    context: str
    qas: list[_Question]


class _Article(Record):
    title: str
    paragraphs: list[_Paragraph]


class _Squad(Record):
    data: list[_Article]


def read(path: Path) -> Dataset:
    """Read a file; an example's tag is its article's title, with blanks as QED spells it.

    Raises:
        DatasetError: The file is malformed, or an answer does not stand at its offset.
    """
    articles = whole(path, _Squad).data
    documents = Documents(path.stem)
    examples = []
    for a, article in enumerate(articles):
        for p, paragraph in enumerate(article.paragraphs):
            document = documents.add(paragraph.context, article.title)
            for q, question in enumerate(paragraph.qas):
                place = f"{path}: data[{a}].paragraphs[{p}].qas[{q}]"
                evidence = [
                    documents.evidence(paragraph.context, article.title, each.answer_start, each.text, place)
                    for each in question.answers
                    if not question.is_impossible
                ]
                examples.append(
                    Example(
                        id=question.id,
                        question=question.question,
                        answerable=bool(evidence),
                        answers=tuple(dict.fromkeys(each.quote for each in evidence)),
                        evidence=tuple(dict.fromkeys(evidence)),
                        tags=(article.title.replace("_", " "),),
                        within=() if question.is_impossible is None else (document,),
                    )
                )
    return Dataset(path.stem, tuple(examples), documents.all())
