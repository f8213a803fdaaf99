"""The peer beside us: a plain llama-index pipeline over the same documents, with the same embedding weights.

SentenceSplitter as it comes, all-MiniLM-L6-v2 through sentence-transformers, Chroma, and the nodes nearest to the
question: what one gets who follows the documentation.
"""

from collections.abc import Mapping
from pathlib import Path

import chromadb
from chromadb.api import ClientAPI
from chromadb.config import Settings
from llama_index.core import Document, SimpleDirectoryReader, StorageContext, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import BaseNode, TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.chroma import ChromaVectorStore

from eval.run import Ranked
from index.export import packaged_model


class Peer:
    """Documents, indexed in memory."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        """Index documents, texts by id."""
        self._client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
        nodes = SentenceSplitter().get_nodes_from_documents(
            [Document(text=text, id_=id) for id, text in documents.items()]
        )
        self._index = _index(nodes, self._client, model())

    def retrieve(self, question: str, k: int) -> list[Ranked]:
        """The `k` nearest nodes, best first."""
        return [_ranked(found.node) for found in self._index.as_retriever(similarity_top_k=k).retrieve(question)]

    def close(self) -> None:
        """Forget the documents."""
        self._client.delete_collection("peer")


def model() -> HuggingFaceEmbedding:
    """The embedding model, loaded."""
    return HuggingFaceEmbedding(model_name=str(packaged_model()), device="cpu", show_progress_bar=False)


def ingest(folder: Path, home: Path, tokens: int, embedding: HuggingFaceEmbedding) -> list[BaseNode]:
    """The nodes of a folder's files, of about so many tokens each, once they are indexed in `home`."""
    nodes = SentenceSplitter(chunk_size=tokens, chunk_overlap=0).get_nodes_from_documents(
        SimpleDirectoryReader(str(folder)).load_data()
    )
    _index(nodes, chromadb.PersistentClient(str(home), Settings(anonymized_telemetry=False)), embedding)
    return nodes


def _index(nodes: list[BaseNode], client: ClientAPI, embedding: HuggingFaceEmbedding) -> VectorStoreIndex:
    store = ChromaVectorStore(chroma_collection=client.create_collection("peer", metadata={"hnsw:space": "cosine"}))
    return VectorStoreIndex(
        nodes, storage_context=StorageContext.from_defaults(vector_store=store), embed_model=embedding
    )


def _ranked(node: BaseNode) -> Ranked:
    """A node in short; one whose text llama-index did not find in its document again shows no characters."""
    start, end = (node.start_char_idx or 0, node.end_char_idx or 0) if isinstance(node, TextNode) else (0, 0)
    return Ranked(node.node_id, node.ref_doc_id or "", start, end)
