"""Recall and IoU as computed by hand."""

from pathlib import Path

from eval.chunking import Reference, iou, load, recall
from index.document import Span
from index.passages import Passage

REFERENCE = Reference("Who?", "a", (Span(10, 20), Span(30, 40)))


def passage(document_id: str, start: int, end: int) -> Passage:
    return Passage(f"{document_id}#{start}", document_id, "x" * (end - start), start, end, None, "", ())


def test_recall_is_the_share_of_the_reference_that_is_shown() -> None:
    assert recall(REFERENCE, [passage("c/a.txt", 15, 35)]) == 10 / 20
    assert recall(REFERENCE, [passage("c/b.txt", 15, 35)]) == 0


def test_iou_counts_what_is_shown_for_nothing() -> None:
    assert iou(REFERENCE, [passage("c/a.txt", 15, 35)]) == 10 / (20 + 10)
    assert iou(REFERENCE, [passage("c/a.txt", 15, 35), passage("c/b.txt", 0, 10)]) == 10 / (30 + 10)


def test_references_are_read_with_their_spans(tmp_path: Path) -> None:
    references = '[{""content"": ""x"", ""start_index"": 10, ""end_index"": 20}]'
    (tmp_path / "q.csv").write_text(f'question,references,corpus_id\nWho?,"{references}",a\n')
    assert list(load(tmp_path / "q.csv")) == [Reference("Who?", "a", (Span(10, 20),))]
