"""A language model by its setting: what is refused, what its server is asked, and a real one that speaks gibberish."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from threading import Event
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from llama_index.core.llms import CompletionResponse, CompletionResponseGen, CustomLLM, LLMMetadata

import rag
from eval.served import free_port
from index.errors import ModelError, ModelTrouble
from rag import llm
from rag.llm import MOST_WRITTEN, WINDOW, Message, load, tokens
from tests import behaviours
from tests.behaviours import BURNED, said
from tests.llm_server import Script, speaking


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("llama3", "No language model can be read"),
        ("@http://localhost:1/v1", "No language model can be read"),
        ("llama 3@http://localhost:1/v1", "No language model can be read"),
        ("llama3@localhost:1", "No language model can be read"),
        ("llama3@ftp://localhost/v1", "No language model can be read"),
        ("llama3@http://localhost:port/v1", "cannot be read"),
        ("llama3@http:///v1", "is none of a server"),
        ("llama3@http://localhost/v1?context=much", "cannot be read"),
        ("llama3@http://localhost/v1?context=-1", "is none of a server"),
        ("llama3@http://sk-secret@localhost/v1", "put it into FOOTNOTE_LLM_KEY"),
        ("llama3@http://me:sk-secret@localhost/v1", "put it into FOOTNOTE_LLM_KEY"),
        ("llama3@http://localhost/v1?api_key=sk-secret", "is none of a server"),
        ("claude@nothing-like-this", "install llama-index-llms-nothing-like-this"),
    ],
)
def test_a_setting_that_cannot_be_used(setting: str, why: str) -> None:
    with pytest.raises(ModelError, match=why) as error:
        load(setting)
    assert "sk-secret" not in str(error.value)


def test_the_command_line_says_so_in_one_line(seeds: Path) -> None:
    script = [sys.executable, str(Path(rag.__file__).parent.parent / "app.py"), "ask", "Who?", "--docs", str(seeds)]
    ran = subprocess.run([*script, "--llm", "llama3"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1)
    assert "name one as MODEL@http://host:port/v1" in ran.stderr


@pytest.mark.parametrize(
    ("setting", "name", "place", "remote"),
    [
        ("llama3:8b@http://localhost:11434/v1", "llama3:8b", "localhost:11434", ""),
        ("m@http://127.0.0.1:80/v1/", "m", "127.0.0.1:80", ""),
        ("m@http://[::1]:80/v1", "m", "::1:80", ""),
        ("org/m@https://models.example/api/v1", "org/m", "models.example", "models.example"),
        ("m@http://192.168.0.7:8000/v1", "m", "192.168.0.7:8000", "192.168.0.7"),
    ],
)
def test_who_is_asked_and_where(setting: str, name: str, place: str, remote: str) -> None:
    model = load(setting)
    assert (model.name, model.place, model.remote) == (name, place, remote)


@pytest.mark.parametrize(
    ("told", "window"),
    [
        ({"data": [{"id": "scripted", "max_model_len": 2048}]}, 2048),
        ({"data": [{"id": "scripted", "meta": {"n_ctx": 1024, "n_ctx_train": 8192}}]}, 1024),
        ({"data": [{"id": "a", "max_model_len": 1}, {"id": "scripted", "context_length": 9000}]}, 9000),
        ({"data": [{"id": "a", "max_model_len": 1}, {"id": "b", "max_model_len": 2}]}, WINDOW),
        ({"data": [{"id": "scripted"}]}, WINDOW),
        ([], WINDOW),
        ({"data": [{"id": "scripted", "context_length": "many"}]}, WINDOW),
    ],
)
def test_the_window_is_asked_for(told: Any, window: int) -> None:
    script = Script(said(""))
    script.models = told
    with speaking(script) as setting:
        model = load(setting)
        assert model.room() == window - min(MOST_WRITTEN, window // 3)
        assert load(f"{setting}?context=512").room() == 512 - 512 // 3
    assert model.window == (window if window != WINDOW else 0)  # a guess is not kept


def test_a_key_is_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM_KEY", "sk-secret")
    model = load("m@http://localhost:1/v1")
    assert "sk-secret" not in repr(model) + repr(model.connect())
    monkeypatch.setenv("FOOTNOTE_LLM_KEY", "sk-ü")
    with pytest.raises(ModelError, match="copy it again"):
        load("m@http://localhost:1/v1")


def test_a_line_is_given_up_with_its_answer() -> None:
    script = Script(behaviours.hanging("The mill"))
    with speaking(script) as setting:
        model, stopped = load(setting), Event()
        pieces = iter(model.write([Message("user", "?")], stopped))
        assert next(pieces) == "The mill"
        stopped.set()
        with pytest.raises(ModelTrouble, match="You stopped"):
            next(pieces)


def test_a_server_that_is_not_there_yet_is_asked_again() -> None:
    model = load("scripted@http://127.0.0.1:9/v1")
    assert model.room() == WINDOW - MOST_WRITTEN
    assert model.window == 0


@pytest.mark.parametrize("text", ["", "a word", "né à Zürich", "水の都", "0.5 1,234.56 7e-3", "def f(x): return x**2"])
def test_tokens_are_not_counted_short(text: str) -> None:
    from index.embeddings import tokenizer

    assert tokens(text) >= len(tokenizer().encode(text, add_special_tokens=False).ids)


@pytest.mark.parametrize("hidden", ["\u202e", "\x1b", "\u200b", "\U000e0041"])
def test_a_name_hides_nothing(hidden: str) -> None:
    model = load(f"lla{hidden}ma@http://localhost:1/v1{hidden}")
    assert (model.name, model.setting) == ("llama", "llama@http://localhost:1/v1")


@pytest.mark.parametrize(
    "told", [{"data": [{"id": ["scripted"], "n_ctx": 5}]}, {"data": [{"id": {}, "name": "scripted"}]}]
)
def test_models_that_are_told_of_in_any_way(told: Any) -> None:
    script = Script(said(""))
    script.models = told
    with speaking(script) as setting:
        assert load(setting).room() in (WINDOW - MOST_WRITTEN, 5 - 5 // 3)


class Echo(CustomLLM):
    """An integration of llama-index's, of a kind that comes with a package of its own."""

    model: str
    temperature: float
    max_tokens: int

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=2_000, model_name=self.model)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text="")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        if self.model == "broken":
            raise RuntimeError("no key")
        text = ""
        for word in ["The mill of Orsa", " burned", " in 1902.", " It was sad."]:
            text += word
            yield CompletionResponse(text=text, delta=word)


class Wild(Echo):
    """One that hands on whatever its service sends."""

    def stream_chat(self, messages: Any, **kwargs: Any) -> Any:
        if self.model == "endless":
            yield from repeat(_response("", None), 1_000_000)
        odd = (None, {"usage": 5}, SimpleNamespace(choices=5, usage=SimpleNamespace(prompt_tokens="12")))
        for raw in (*odd, SimpleNamespace(choices=[None, SimpleNamespace(finish_reason=[1])], usage=[1])):
            yield _response("\ud83d", raw)
        yield _response("\u202eThe mill of Orsa burned in 1902.", None)


def _response(delta: str, raw: Any) -> Any:
    return SimpleNamespace(delta=delta or None, raw=raw)


@pytest.fixture
def integration(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of llama-index's that has one model."""
    from importlib.machinery import ModuleSpec

    module = ModuleType("llama_index.llms.echo_test")
    module.__spec__ = ModuleSpec(module.__name__, None)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_whatever_an_integration_hands_on(integration: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    integration.EchoTest = Wild  # type: ignore[attr-defined]
    monkeypatch.setattr(llm, "_MOST_PIECES", 1_000)
    with behaviours.library() as docs:
        docs.write_with("wild@echo-test")
        answer = docs.ask(BURNED)
        assert (answer.mode, answer.text, answer.notice) == ("generate", "The mill of Orsa burned in 1902.", "")
        docs.write_with("endless@echo-test")
        answer = docs.ask(BURNED)
        assert (answer.mode, "wrote on and on" in answer.notice) == ("extract", True)


def test_an_integration_of_llama_index_by_its_name(integration: ModuleType) -> None:
    module = integration
    module.EchoTest = Echo  # type: ignore[attr-defined]
    with behaviours.library() as docs:
        docs.write_with("parrot@echo-test")
        assert docs.writer is not None
        assert (docs.writer.model.remote, docs.writer.model.room()) == ("echo-test", 2_000 - 2_000 // 3)
        answer = docs.ask(BURNED)
        assert (answer.text, answer.unsupported, answer.notice) == (
            "The mill of Orsa burned in 1902.",
            ("It was sad.",),
            "",
        )
        docs.write_with("broken@echo-test")
        assert "no answer (RuntimeError)" in docs.ask(BURNED).notice
    module.EchoTest = int  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="has no language model"):
        load("parrot@echo-test")


@contextmanager
def _tiny_model(folder: Path, seed: int) -> Iterator[str]:
    """The setting of a model of random weights, as transformers serves it."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {each: id for id, each in enumerate(["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    letters = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    letters.pre_tokenizer, letters.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=letters, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    small = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=16_384,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(small).save_pretrained(folder)
    port, command = free_port(), Path(sys.executable).with_name("transformers")
    server = subprocess.Popen(
        [command, "serve", str(folder), "--port", str(port), "--device", "cpu", "--host", "127.0.0.1"],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(240):
            time.sleep(0.5)
            with suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).is_success:
                    break
        yield f"{folder}@http://127.0.0.1:{port}/v1?context=16384"
    finally:
        server.terminate()
        server.wait(60)


def test_the_gibberish_of_a_real_model_server_is_caught(tmp_path: Path) -> None:
    with behaviours.library() as docs, _tiny_model(tmp_path / "tiny", seed=7) as setting:
        docs.write_with(setting)
        answer = docs.ask(BURNED)
        quoted = rag.Footnote(docs.library, docs.reader, docs.calibration).ask(BURNED)
    assert answer.mode == "extract" or answer.status == "abstained"
    assert answer.text in ("", quoted.text)
    assert answer.notice or answer.unsupported
    assert "No language model answers" not in answer.notice
    assert "status" not in answer.notice
