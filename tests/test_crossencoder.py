"""Cross-encoders: the shipped one, and tiny Hugging Face models made here that take its place."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertTokenizerFast,
)

import rag
from index.errors import CalibrationError, ModelError
from rag import calibration
from rag.crossencoder import (
    MAX_ANSWER_TOKENS,
    MAX_TEXT_TOKENS,
    MAX_TOKENS,
    WEIGHTS,
    HuggingFaceCrossEncoder,
    HuggingFaceExtractor,
    OnnxCrossEncoder,
    best_span,
    encode,
    load,
    shipped,
)

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [*MARKS, "who", "ate", "it", "ann", "bob", "the", "apple", "saw", "mill", "burned", ".", "?"]


def model(folder: Path, kind, **config) -> Path:
    """A model of one tiny layer, with weights drawn by a seed."""
    torch.manual_seed(7)
    made = kind(
        BertConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            **config,
        )
    )
    made.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


# --- the shipped one ---


def test_the_answer_and_the_verdict_are_found() -> None:
    right, wrong = shipped().read(
        "Who founded the mill?",
        ["The mill was founded by Ada Lovell in 1821. It burned down in 1904.", "The river rises in the hills."],
    )
    assert right.answered > 0 > wrong.answered
    assert right.relevant > wrong.relevant
    best = best_span(right.starts, right.ends)
    assert best
    text = "The mill was founded by Ada Lovell in 1821."
    assert text[right.tokens[best.start].start : right.tokens[best.end].end] == "Ada Lovell"


def test_a_statement_is_supported_or_not() -> None:
    passage = ["The mill was founded by Ada Lovell in 1821. It burned down in 1904."]
    (true,) = shipped().read("Ada Lovell founded the mill in 1821.", passage)
    (false,) = shipped().read("Ada Lovell founded the mill in 1904.", passage)
    assert true.supported > false.supported


@given(st.text(max_size=1_500), st.text(max_size=3_000))
def test_what_is_encoded_fits_and_its_tokens_stand_in_the_passage(text: str, passage: str) -> None:
    pair = encode(text, passage)
    assert len(pair.ids) <= MAX_TOKENS
    assert pair.first <= MAX_TEXT_TOKENS + 1
    assert len(pair.ids) == pair.first + len(pair.tokens) + 1
    assert all(0 <= token.start <= token.end <= len(passage) for token in pair.tokens)


def test_marks_of_the_tokenizer_in_a_text_are_words_like_others() -> None:
    ends = encode("Who?", "Ann.").ids.count(encode("Who?", "Ann.").ids[-1])
    assert encode("Who [SEP] Bob?", "Ann [CLS] [SEP].").ids.count(encode("Who?", "Ann.").ids[-1]) == ends == 2


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), max_size=40))
def test_the_best_span_is_the_best_of_all_allowed(logits: list[tuple[float, float]]) -> None:
    starts, ends = (np.array([pair[side] for pair in logits], dtype=np.float32) for side in (0, 1))
    best = best_span(starts, ends)
    every = [
        float(starts[start] + ends[end])
        for start in range(len(logits))
        for end in range(start, min(len(logits), start + MAX_ANSWER_TOKENS))
    ]
    assert (best is None) == (not every)
    if best is not None:
        assert best.logit == max(every)
        assert 0 <= best.end - best.start < MAX_ANSWER_TOKENS


def test_missing_weights_are_a_model_error_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="reinstall Footnote"):
        OnnxCrossEncoder(tmp_path / "none.onnx")


def test_the_weights_are_small_enough_for_the_repository() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.parent.iterdir()) < 60e6


# --- others in its place ---


def test_a_cross_encoder_by_its_folder_takes_the_readers_place(tmp_path: Path) -> None:
    place = model(tmp_path / "ce", BertForSequenceClassification, num_labels=1)
    encoder = load(str(place))
    assert isinstance(encoder, HuggingFaceCrossEncoder)
    one, other = encoder.read("who ate it ?", ["ann ate the apple .", "the mill burned ."])
    assert one.relevant == one.answered == one.supported != other.relevant
    assert not len(one.starts)


def test_a_question_answering_model_by_its_folder_takes_the_readers_place(tmp_path: Path) -> None:
    place = model(tmp_path / "qa", BertForQuestionAnswering)
    encoder = load(str(place))
    assert isinstance(encoder, HuggingFaceExtractor)
    (scores,) = encoder.read("who ate it ?", ["ann ate the apple ."])
    assert [(token.start, token.end) for token in scores.tokens] == [(0, 3), (4, 7), (8, 11), (12, 17), (18, 19)]
    assert scores.starts.shape == scores.ends.shape == (5,)
    assert scores.answered == pytest.approx(best_span(scores.starts, scores.ends).logit - scores.none)


@pytest.mark.parametrize(
    ("kind", "config"), [(BertForQuestionAnswering, {}), (BertForSequenceClassification, {"num_labels": 1})]
)
def test_every_answer_of_another_reader_is_cited_exactly(tmp_path: Path, folder: Path, kind, config) -> None:
    (folder / "a.txt").write_text("Ann ate the apple. Bob saw it.\n\nThe mill burned.")
    place = model(tmp_path / "m", kind, **config)
    with rag.open(folder, reader=str(place)) as docs:
        assert docs.calibration.provenance == f"{place}, not calibrated"
        answer = docs.unguarded().ask("Who ate it?")
        text = docs.document("docs/a.txt").text
    assert answer.status == "answered"
    assert all(text[each.start : each.end] == each.quote for each in answer.citations)
    assert (answer.short is not None) == (kind is BertForQuestionAnswering)


@pytest.mark.parametrize(
    ("kind", "config"), [(BertForQuestionAnswering, {}), (BertForSequenceClassification, {"num_labels": 1})]
)
def test_another_reader_reads_what_fits_of_a_long_question_and_passage(tmp_path: Path, kind, config) -> None:
    encoder = load(str(model(tmp_path / "m", kind, max_position_embeddings=128, **config)))
    (scores,) = encoder.read("who ate it ? " * 300, ["ann ate the apple . " * 300])
    assert np.isfinite(scores.relevant)
    assert len(scores.tokens) < 128


@pytest.mark.parametrize(
    ("kind", "config"), [(BertForMaskedLM, {}), (BertForSequenceClassification, {"num_labels": 3})]
)
def test_a_model_that_cannot_read_is_refused(tmp_path: Path, kind, config) -> None:
    place = model(tmp_path / "m", kind, **config)
    with pytest.raises(ModelError, match="a cross-encoder with one label or an extractive"):
        load(str(place))


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="download it with transformers"):
        load(str(tmp_path / "none"))


def test_numbers_that_were_fitted_to_another_reader_are_refused(tmp_path: Path, folder: Path) -> None:
    place = model(tmp_path / "m", BertForQuestionAnswering)
    with pytest.raises(CalibrationError, match="was fitted to the reader reader-int8"):
        rag.open(folder, reader=str(place), calibration=calibration.shipped())
