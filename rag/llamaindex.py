"""Our retriever and query engine as llama-index components: hits become nodes, an Answer a Response."""

from dataclasses import asdict

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import Response
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from rag.answer import Answer
from rag.footnote import Footnote
from rag.retrieve import Hit


class FootnoteRetriever(BaseRetriever):
    """Retrieves nodes whose text, id and character offsets are those of Footnote's passages."""

    def __init__(self, docs: Footnote, *, k: int = 5) -> None:
        """Retrieve at most `k` nodes a question from an open `Footnote`."""
        self._docs = docs
        self._k = k
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(hit) for hit in self._docs.retrieve(query_bundle.query_str, self._k)]


class FootnoteQueryEngine(BaseQueryEngine):
    """Answers through `Footnote.ask`; `response.metadata["answer"]` holds the whole Answer as plain data."""

    def __init__(self, docs: Footnote) -> None:
        """Answer from an open `Footnote`."""
        self._docs = docs
        super().__init__(callback_manager=None)

    def _query(self, query_bundle: QueryBundle) -> Response:
        answer = self._docs.ask(query_bundle.query_str)
        text = answer.text if answer.status == "answered" else answer.reason
        return Response(text, source_nodes=_cited(answer), metadata={"answer": asdict(answer)})

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return self._query(query_bundle)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}  # nothing here is prompted


def _node(hit: Hit) -> NodeWithScore:
    passage = hit.passage
    metadata = {"document_id": passage.document_id, "page": passage.page, "heading": passage.heading}
    node = TextNode(
        id_=passage.id,
        text=passage.text,
        start_char_idx=passage.start,
        end_char_idx=passage.end,
        metadata=metadata,
        # a model that reads the node sees the text alone, so that what it quotes stands in the document
        excluded_llm_metadata_keys=list(metadata),
        excluded_embed_metadata_keys=list(metadata),
    )
    return NodeWithScore(node=node, score=hit.score)


def _cited(answer: Answer) -> list[NodeWithScore]:
    """The passages that the answer's footnotes point into, in the order of the hits."""
    cited = {citation.passage_id for citation in answer.citations}
    return [_node(hit) for hit in answer.hits if hit.passage.id in cited]
