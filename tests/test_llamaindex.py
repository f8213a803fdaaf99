"""Our retriever and query engine inside a stock llama-index pipeline."""

import re
from pathlib import Path

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode

import rag
from rag.llamaindex import FootnoteQueryEngine, FootnoteRetriever

QUESTION = "How many hostages are still held in Gaza?"


def test_nodes_are_our_passages_with_exact_offsets(docs: rag.Footnote) -> None:
    nodes = FootnoteRetriever(docs, k=3).retrieve(QUESTION)
    hits = docs.retrieve(QUESTION, k=3)
    assert [(node.node_id, node.score) for node in nodes] == [(hit.passage.id, hit.score) for hit in hits]
    for scored in nodes:
        node = scored.node
        text = docs.document(node.metadata["document_id"]).text
        assert text[node.start_char_idx : node.end_char_idx] == node.get_content(MetadataMode.LLM)


def test_a_stock_pipeline_reads_through_our_retriever(docs: rag.Footnote) -> None:
    engine = RetrieverQueryEngine.from_args(FootnoteRetriever(docs, k=3), llm=MockLLM())
    response = engine.query(QUESTION)
    assert len(response.source_nodes) == 3
    assert "115 hostages still held" in str(response)  # the mock model gives back the prompt it was given


def test_the_query_engine_answers_as_footnote_does(docs: rag.Footnote) -> None:
    response = FootnoteQueryEngine(docs).query(QUESTION)
    answer = docs.ask(QUESTION)
    assert response.response == answer.text
    assert response.metadata["answer"]["citations"][0]["quote"] == answer.citations[0].quote
    assert {node.node_id for node in response.source_nodes} == {citation.passage_id for citation in answer.citations}


def test_the_guide_s_example_runs_as_written(docs: rag.Footnote, capsys: pytest.CaptureFixture[str]) -> None:
    guide = (Path(__file__).parent.parent / "seeds/guide/python.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(from llama_index.*?)```", guide, re.DOTALL)
    exec(example, {"docs": docs})
    assert "Stop Footnote with Ctrl-C" in capsys.readouterr().out


def test_an_abstention_gives_its_reason_and_no_sources(docs: rag.Footnote) -> None:
    response = FootnoteQueryEngine(docs).query("What is the capital of Mongolia?")
    assert response.response == docs.ask("What is the capital of Mongolia?").reason
    assert response.source_nodes == []
    assert response.metadata["answer"]["status"] == "abstained"
