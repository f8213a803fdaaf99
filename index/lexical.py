"""tantivy: BM25 (the only importer of tantivy). DERIVED from the catalog, rebuildable."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tantivy

from index.document import Span
from index.errors import LibraryError
from index.passages import Passage
from index.private import make_subfolder

_ANALYSER = "footnote"
_HEAP_BYTES = 50_000_000


class Lexical:
    """A BM25 index over passages, in a folder of its own or, without one, in memory.

    It is added to, and never removed from: tantivy's statistics go on counting what was deleted, so
    scores would tell a library's history. To forget a passage, build it anew.
    """

    def __init__(self, folder: Path | None) -> None:
        """Open the index, or make it.

        Raises:
            LibraryError: tantivy cannot open it.
        """
        schema = (
            tantivy.SchemaBuilder()
            .add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
            .add_text_field("document_id", tokenizer_name="raw", index_option="basic")
            .add_text_field("text", tokenizer_name=_ANALYSER, index_option="freq")
            .build()
        )
        if folder is not None:
            make_subfolder(folder)
        try:
            self._index = tantivy.Index(schema, path=str(folder) if folder else None)
        except ValueError as error:
            raise LibraryError(f"The word index {folder} cannot be opened ({error}).") from error
        self._schema = schema
        self._index.register_tokenizer(_ANALYSER, _analyser())

    def add(self, passages: Iterable[Passage]) -> None:
        """Write passages and commit.

        Raises:
            LibraryError: tantivy cannot write them.
        """
        try:
            writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)
            for passage in passages:
                writer.add_document(tantivy.Document(id=passage.id, document_id=passage.document_id, text=passage.text))
            writer.commit()
            writer.wait_merging_threads()
        except ValueError as error:
            raise LibraryError(f"The word index cannot be written ({error}).") from error
        self._index.reload()

    def count(self) -> int:
        """How many passages it holds."""
        return int(self._index.searcher().num_docs)

    def close(self) -> None:
        """Nothing is held; tantivy lets go by itself."""

    def search(self, query: str, count: int, documents: Collection[str] | None) -> list[tuple[str, float]]:
        """Ids and BM25 scores of the `count` best passages for a question's words, best first, ties by id.

        Every word is just a word: quotes, hyphens, `AND`, `*` or `:` are no operators.
        """
        terms = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "text", term, index_option="freq"))
            for term in dict.fromkeys(word.stem for word in words(query))
        ]
        if not terms:
            return []
        wanted = tantivy.Query.boolean_query(terms)
        if documents is not None:
            only = tantivy.Query.term_set_query(self._schema, "document_id", sorted(documents))
            wanted = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Must, wanted),
                    (tantivy.Occur.Must, tantivy.Query.const_score_query(only, 0.0)),
                ]
            )
        searcher = self._index.searcher()
        asked = 2 * count
        hits = searcher.search(wanted, asked).hits
        while len(hits) == asked and hits[-1][0] == hits[count - 1][0]:  # equal ones come as they were written
            asked *= 4
            hits = searcher.search(wanted, asked).hits
        found = [(str(searcher.doc(address)["id"][0]), float(score)) for score, address in hits]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:count]


@dataclass(frozen=True, slots=True)
class Word:
    """A word as the index knows it (lower case, without accents, stemmed) and where it stands."""

    stem: str
    span: Span


def words(text: str) -> list[Word]:
    """The words of a text, in order."""
    tokens = _analyser().pre_tokenize(text).tokens
    return [Word(token.text, Span(token.char_offset_from, token.char_offset_to)) for token in tokens]


@cache
def _analyser() -> tantivy.TextAnalyzer:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(40))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )
