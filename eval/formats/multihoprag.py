"""MultiHop-RAG: questions about several news articles; the facts that any question rests on are the documents.

Tang and Yang, MultiHop-RAG: Benchmarking Retrieval-Augmented Generation for Multi-Hop Queries, COLM 2024. An article's
facts are a document, a fact a line; the articles themselves are not part of the file.
"""

from dataclasses import replace
from pathlib import Path

from eval.dataset import Dataset, Documents, Evidence, Example
from eval.formats.records import Record, whole
from index.errors import DatasetError

_NULL = "null_query"


class _Query(Record):
    id: str
    question: str
    question_type: str


class _Fact(Record):
    title: str
    url: str
    fact: str


class _Truth(Record):
    answer: str
    evidence_list: list[_Fact]


def read(folder: Path) -> Dataset:
    """Read `queries.json` and `ground_truth.json`; an example's tag is its type, and a null query is unanswerable.

    Raises:
        DatasetError: A file is missing or malformed, or a question has no truth.
    """
    queries = whole(folder / "queries.json", list[_Query])
    truths = whole(folder / "ground_truth.json", dict[str, _Truth])
    facts: dict[str, dict[str, None]] = {}
    titles: dict[str, str] = {}
    for each in (fact for truth in truths.values() for fact in truth.evidence_list):
        facts.setdefault(each.url, {}).setdefault(each.fact)
        titles.setdefault(each.url, each.title)
    texts = {url: "\n".join(said) for url, said in facts.items()}
    documents = Documents(folder.name)
    for url, text in texts.items():
        documents.add(text, titles[url])
    examples = []
    for number, query in enumerate(queries):
        place = f"{folder / 'queries.json'}, [{number}]"
        if query.id not in truths:
            raise DatasetError(f"{place}: ground_truth.json has no entry {query.id}.")
        truth, answerable = truths[query.id], query.question_type != _NULL
        evidence = [
            replace(_evidence(documents, each, texts[each.url], place), fact=fact)
            for fact, each in enumerate(dict.fromkeys(truth.evidence_list))
        ]
        examples.append(
            Example(
                id=query.id,
                question=query.question,
                answerable=answerable,
                answers=(truth.answer,) if answerable else (),
                evidence=tuple(evidence),
                tags=(query.question_type,),
            )
        )
    return Dataset(folder.name, tuple(examples), documents.all())


def _evidence(documents: Documents, fact: _Fact, text: str, place: str) -> Evidence:
    start = f"\n{text}\n".index(f"\n{fact.fact}\n")  # a whole line: a fact may stand inside another
    return documents.evidence(text, fact.title, start, fact.fact, place)
