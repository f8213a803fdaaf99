"""Sets of questions: every format read as its authors mean it, and a malformed record named with its place."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import index.formats
import rag
from eval import formats
from eval.dataset import Dataset, Documents, Evidence, Example, Turn
from eval.formats import own
from index.document import Span, canonical
from index.errors import DatasetError
from tests.evaluation import SEEDS_SET

TEXT = "Ada wrote it. Bob read it. Ada wrote it."


def texts(document_id: str) -> str:
    if document_id != "d/a.txt":
        raise DatasetError(f"there is no document {document_id}")
    return TEXT


def question(**fields: object) -> dict[str, object]:
    evidence = [{"document": "d/a.txt", "quote": "Bob read it."}]
    return {"id": "1", "question": "Who read it?", "answers": ["Bob"], "evidence": evidence, **fields}


def lines(path: Path, *records: object) -> Path:
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in records) + "\n")
    return path


# --- our own ---


def test_our_own_set_is_read_with_the_place_of_every_quote(tmp_path: Path) -> None:
    said = [{"question": "Who wrote it?", "answer": "Ada."}]
    unanswerable = question(id="2", answers=[], evidence=[], history=said, tags=["who"])
    read = own.read(lines(tmp_path / "s.jsonl", question(), "", unanswerable), texts)
    assert read == Dataset(
        "s",
        (
            Example("1", "Who read it?", True, ("Bob",), (Evidence("d/a.txt", "Bob read it.", Span(14, 26), -1),)),
            Example("2", "Who read it?", False, history=(Turn("Who wrote it?", "Ada."),), tags=("who",)),
        ),
    )


def test_quotes_of_one_fact_are_alternatives(tmp_path: Path) -> None:
    quotes = [{"document": "d/a.txt", "quote": quote, "fact": 3} for quote in ("Bob", "read")]
    quotes.append({"document": "d/a.txt", "quote": "Bob read it."})
    (example,) = own.read(lines(tmp_path / "s.jsonl", question(evidence=quotes)), texts).examples
    assert [each.fact for each in example.evidence] == [3, 3, -3]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ("{", "line 2: invalid JSON"),
        (question(id=7), "line 2, id: must be text"),
        ({"id": "2", "question": "Who?"}, "line 2, answers: is missing"),
        ({"id": "2", "query": "Who?", "answers": []}, "line 2, query: is no field of such a record"),
        (question(id="2", answer="Bob"), "line 2, answer: is no field of such a record"),
        (question(id="2", evidence=[{"document": "d/a.txt"}]), r"line 2, evidence\[0\].quote: is missing"),
        (question(id="1"), "line 2: expected an id of its own, and 1 is taken"),
        (question(id="2", answers=[]), "line 2: expected answers and evidence both, or neither"),
        (question(id="2", evidence=[]), "line 2: expected answers and evidence both, or neither"),
        (question(id="2", evidence=[{"document": "d/b.txt", "quote": "Bob"}]), "line 2: there is no document d/b.txt"),
        (question(id="2", evidence=[{"document": "d/a.txt", "quote": "Ada wrote it."}]), "stands there 2 times"),
        (question(id="2", evidence=[{"document": "d/a.txt", "quote": "bob"}]), "“bob” stands there 0 times"),
        (question(id="2", evidence=[{"document": "d/a.txt", "quote": ""}]), "stands there 0 times"),
        (question(id="2", answers=[" "]), r"line 2, answers\[0\]: must not be blank"),
        (question(id="2", question=""), "line 2, question: must not be blank"),
    ],
)
def test_a_malformed_line_is_named_with_what_was_expected(tmp_path: Path, record: object, told: str) -> None:
    path = lines(tmp_path / "s.jsonl", question(), record)
    with pytest.raises(DatasetError, match=told) as refusal:
        own.read(path, texts)
    assert str(refusal.value).startswith(f"{path}, ")
    assert "\n" not in str(refusal.value)


def test_a_line_separator_inside_a_question_ends_no_line(tmp_path: Path) -> None:
    record = json.dumps(question(question="Who\u2028read\x85it?"), ensure_ascii=False)
    path = tmp_path / "s.jsonl"
    path.write_text(f"{record}\n", encoding="utf-8")
    assert own.read(path, texts).examples[0].question == "Who\u2028read\x85it?"


def test_the_seeds_set_is_what_it_is_to_be(docs: rag.Footnote) -> None:
    examples = own.read(SEEDS_SET, lambda id: docs.document(id).text).examples
    tags = [tag for example in examples for tag in example.tags]
    assert len(examples) >= 80
    assert sum(not example.answerable for example in examples) >= 30
    for kind in ("who", "when", "where", "how-many", "why", "list", "two-sentence", "follow-up", "false-premise"):
        assert tags.count(kind) >= 8, kind
    assert tags.count("paraphrased") >= 20
    assert tags.count("near-miss") >= 30
    for example in examples:
        assert ("follow-up" in example.tags) == bool(example.history), example.id
        assert ("answerable" in example.tags) == example.answerable, example.id
        assert len({each.lower() for each in example.answers}) == len(example.answers), example.id
    asked = [(example.question.lower(), example.history) for example in examples]
    assert len(set(asked)) == len(asked)


# --- other formats ---

SQUAD = {
    "data": [
        {
            "title": "A/B",
            "paragraphs": [
                {
                    "context": "Ada\u200b wrote it.\r\nBob read it.",
                    "qas": [
                        {"id": "1", "question": "Who read?", "answers": [{"text": "Bob", "answer_start": 16}] * 2},
                        {"id": "2", "question": "Who wrote?", "answers": [{"text": "Ada", "answer_start": 0}]},
                    ],
                }
            ],
        }
    ]
}


def test_squad_paragraphs_become_documents_and_offsets_follow_their_canonical_text(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(SQUAD))
    read = formats.load(path)
    assert dict(read.documents) == {"dev/00000-A_B.txt": "Ada wrote it.\nBob read it."}
    bob = Evidence("dev/00000-A_B.txt", "Bob", Span(14, 17))
    assert read.examples[0] == Example("1", "Who read?", True, ("Bob",), (bob,), tags=("A/B",))


def test_squad_2_asks_each_question_of_its_own_paragraph(tmp_path: Path) -> None:
    qas = [
        {"id": "1", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}], "is_impossible": False},
        {"id": "2", "question": "Who not?", "answers": [], "is_impossible": True},
    ]
    path = tmp_path / "dev2.json"
    path.write_text(json.dumps({"data": [{"title": "A", "paragraphs": [{"context": "Ada.", "qas": qas}]}]}))
    answerable, unanswerable = formats.load(path).examples
    assert answerable.answerable
    assert (unanswerable.answerable, unanswerable.answers, unanswerable.evidence) == (False, (), ())
    assert answerable.within == unanswerable.within == ("dev2/00000-A.txt",)


def test_an_answer_that_does_not_stand_at_its_offset_is_named_with_its_place(tmp_path: Path) -> None:
    broken = json.loads(json.dumps(SQUAD))
    broken["data"][0]["paragraphs"][0]["qas"][1]["answers"][0]["answer_start"] = 1
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(broken))
    with pytest.raises(
        DatasetError, match=r"dev.json: data\[0\].paragraphs\[0\].qas\[1\]: expected the text at its off"
    ):
        formats.load(path)
    del broken["data"][0]["paragraphs"][0]["qas"][1]["question"]
    path.write_text(json.dumps(broken))
    with pytest.raises(DatasetError, match=r"dev.json, data\[0\].paragraphs\[0\].qas\[1\].question: is missing"):
        formats.load(path)


def beir(folder: Path, judged: str) -> Path:
    folder.mkdir()
    lines(
        folder / "corpus.jsonl", {"_id": "d1", "title": "One", "text": "Ada."}, {"_id": "d2", "title": "", "text": "B."}
    )
    lines(folder / "queries.jsonl", {"_id": "q1", "text": "Who?"}, {"_id": "q2", "text": "Not judged?"})
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return folder


def test_beir_documents_judged_above_zero_are_evidence(tmp_path: Path) -> None:
    read = formats.load(beir(tmp_path / "set", "q1\td2\t1\nq1\td1\t0\n"))
    assert dict(read.documents) == {"set/00000-d1.txt": "One\n\nAda.", "set/00001-d2.txt": "B."}
    assert read.examples == (Example("q1", "Who?", True, evidence=(Evidence("set/00001-d2.txt"),)),)


def test_beir_keeps_grades(tmp_path: Path) -> None:
    (example,) = formats.load(beir(tmp_path / "set", "q1\td2\t2\nq1\td1\t1\n\n")).examples
    assert [(each.document, each.fact, each.grade) for each in example.evidence] == [
        ("set/00001-d2.txt", 0, 2),
        ("set/00000-d1.txt", 1, 1),
    ]


@pytest.mark.parametrize(
    ("judged", "told"),
    [
        ("q1\td2\t²\n", r"test.tsv, line 2: expected query, document and a whole number"),
        ("q1\td2\n", r"test.tsv, line 2: expected query, document and a whole number"),
        ("q1\td2\t1\nq9\td1\t1\n", r"test.tsv, line 3: expected a query and a document of this set, not q9, d1"),
    ],
)
def test_a_malformed_judgement_is_named(tmp_path: Path, judged: str, told: str) -> None:
    with pytest.raises(DatasetError, match=told):
        formats.load(beir(tmp_path / "set", judged))


def chunking(folder: Path, references: str) -> Path:
    (folder / "corpora").mkdir(parents=True)
    (folder / "corpora" / "a.md").write_text("# Ada wrote\nBob read")
    quoted = references.replace('"', '""')
    (folder / "questions.csv").write_text(f'question,references,corpus_id\n"Who\nread?","{quoted}",a\n')
    return folder


def test_chunking_references_keep_their_spans_in_the_plain_text(tmp_path: Path) -> None:
    references = (
        '[{"content": "Bob", "start_index": 12, "end_index": 15}, {"content": "#", "start_index": 0, "end_index": 1}]'
    )
    (example,) = formats.load(chunking(tmp_path / "set", references)).examples
    assert example.question == "Who\nread?"
    assert [(each.quote, each.span, each.fact) for each in example.evidence] == [
        ("Bob", Span(12, 15), 0),
        ("#", Span(0, 1), 1),
    ]


@pytest.mark.parametrize("references", ["", "{}", '[{"content": "Bob"}]'])
def test_malformed_references_are_named(tmp_path: Path, references: str) -> None:
    with pytest.raises(DatasetError, match=r"questions.csv, line 3: expected references, a JSON list of content"):
        formats.load(chunking(tmp_path / "set", references))


def test_claims_are_asked_of_their_own_document(tmp_path: Path) -> None:
    claim = {
        "claim": "Ada wrote.",
        "evidence": ["Skip", "Ada wrote it.", "Bob."],
        "supporting_sentences": [[1], [1, 2]],
        "meta": {"id": "w", "claim_title": "Ada"},
    }
    path = lines(tmp_path / "claims.jsonl", {**claim, "label": "supported"}, {**claim, "label": "partially_supported"})
    supported, partially = formats.load(path).examples
    assert [each.quote for each in supported.evidence] == ["Ada wrote it.", "Bob."]
    assert (partially.answerable, partially.evidence, partially.tags) == (False, (), ("partially_supported",))
    assert supported.within == partially.within == ("claims/00000-Ada.txt",)
    with pytest.raises(DatasetError, match="line 1, label: input should be 'supported', 'partially_supported' or"):
        formats.load(lines(path, {**claim, "label": "maybe"}))


def test_a_supporting_sentence_that_is_not_there_is_named(tmp_path: Path) -> None:
    claim = {
        "claim": "A.",
        "evidence": ["A."],
        "supporting_sentences": [[1]],
        "label": "supported",
        "meta": {"id": "w"},
    }
    with pytest.raises(DatasetError, match=r"line 1, supporting_sentences: expected numbers of sentences, 0 to 0"):
        formats.load(lines(tmp_path / "claims.jsonl", claim))


def test_summaries_are_claims(tmp_path: Path) -> None:
    path = tmp_path / "domain.json"
    rows = [{"id": str(label), "doc": "Ada.", "summary": "Ada?", "label": label} for label in (0, 1)]
    path.write_text(json.dumps(rows))
    edited, consistent = formats.load(path).examples
    assert (edited.answerable, consistent.answerable) == (False, True)
    assert edited.within == consistent.within
    path.write_text(json.dumps([*rows, {**rows[0], "label": 2}]))
    with pytest.raises(DatasetError, match=r"domain.json, \[2\].label: input should be 0 or 1"):
        formats.load(path)


def test_conversations_keep_what_was_said(tmp_path: Path) -> None:
    def label(kind: str, *passages: str) -> dict[str, object]:
        evidence = [{"passage_id": each, "passage_text": f"Text of {each}."} for each in passages]
        return {"responseType": kind, "response": f"{kind}!", "evidence": evidence}

    turns = [
        {"context": ["Who?"], "prevEvidence": [], "labels": [label("directAnswer", "A:1"), label("noAnswer")]},
        {"context": ["Who?", "Ada.", "When?"], "prevEvidence": [[]], "labels": [label("noAnswerNoRelevantInfo")]},
    ]
    path = tmp_path / "talks.json"
    path.write_text(json.dumps({"talk": {"seedArticle": {"title": "A", "level": 1}, "turns": turns}}))
    first, second = formats.load(path).examples
    assert (first.answerable, first.answers, first.history) == (True, ("directAnswer!",), ())
    assert first.evidence == (Evidence("talks/00000-A_1.txt"),)
    assert (second.answerable, second.question) == (False, "When?")
    assert second.history == (Turn("Who?", "Ada."),)


@pytest.mark.parametrize("context", [[], ["Who?", "Ada."]])
def test_a_conversation_that_ends_without_a_question_is_named(tmp_path: Path, context: list[str]) -> None:
    turns = [{"context": context, "prevEvidence": [], "labels": []}]
    path = tmp_path / "talks.json"
    path.write_text(json.dumps({"talk": {"turns": turns}}))
    with pytest.raises(DatasetError, match=r"talks.json, talk.turns\[0\].context: expected questions and answers in"):
        formats.load(path)


def multihop(folder: Path, **queries: str) -> Path:
    """A set of two facts of one article, and a question of each id and type."""
    (folder / "queries.json").write_text(
        json.dumps([{"id": id, "question": "Who?", "question_type": kind} for id, kind in queries.items()])
    )
    facts = [{"title": "News", "url": "u", "fact": fact} for fact in ("Ada wrote it.", "Bob read it.")]
    truths = {
        "one": {"answer": "Ada", "evidence_list": facts},
        "none": {"answer": "Insufficient information.", "evidence_list": []},
    }
    (folder / "ground_truth.json").write_text(json.dumps(truths))
    return folder


def test_multihop_facts_are_the_documents_and_null_queries_are_unanswerable(tmp_path: Path) -> None:
    read = formats.load(multihop(tmp_path, one="inference_query", none="null_query"))
    (text,) = read.documents.values()
    assert text == "Ada wrote it.\nBob read it."
    one, none = read.examples
    assert (one.answerable, one.answers, one.tags) == (True, ("Ada",), ("inference_query",))
    assert [each.span for each in one.evidence] == [Span(0, 13), Span(14, 26)]
    assert len({each.fact for each in one.evidence}) == 2
    assert (none.answerable, none.answers, none.evidence) == (False, (), ())


def test_a_multihop_question_without_a_truth_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"\[0\]: ground_truth.json has no entry other"):
        formats.load(multihop(tmp_path, other="null_query"))


def test_ids_are_given_once(tmp_path: Path) -> None:
    twice = json.loads(json.dumps(SQUAD))
    twice["data"][0]["paragraphs"][0]["qas"][1]["id"] = "1"
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(twice))
    with pytest.raises(DatasetError, match=r"dev.json: expected an id for each example, and 1 comes more than once"):
        formats.load(path)


@pytest.mark.parametrize("name", ["s.jsonl", "s.json", "s.txt"])
@pytest.mark.parametrize("record", [question(), {"answers": []}])
def test_a_set_of_our_own_is_told_by_its_fields_whatever_its_name(tmp_path: Path, name: str, record: object) -> None:
    path = lines(tmp_path / name, record, record)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert formats.is_own(path)


def test_qed_takes_the_questions_that_one_sentence_answers(tmp_path: Path) -> None:
    row = {"example_id": 1, "title_text": "A", "question_text": "who", "paragraph_text": "Ada wrote."}
    path = lines(
        tmp_path / "qed.jsonl",
        {**row, "answer_spans": [[0, 3]], "answer_type": "single_sentence"},
        {**row, "answer_spans": [[0, 3]], "answer_type": "multi_sentence"},
        {**row, "answer_spans": [[-1, -1]], "answer_type": "single_sentence"},
    )
    (example,) = formats.load(path).examples
    assert (example.question, example.answers) == ("who?", ("Ada",))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", '{"x": 1}\n', "is no set that can be read"),
        ("a.json", '{"data": [', r"a.json, line 1: expected JSON"),
        ("a.json", '{\n"data": [\n', r"a.json, line 3: expected JSON"),
        ("a.json", "[]", "is no set that can be read"),
        ("a.json", '{"data": []}', "holds no examples"),
        ("a.txt", "", "a.txt is empty; name a set of questions"),
    ],
)
def test_what_is_no_set_is_refused_with_a_sentence(tmp_path: Path, name: str, content: str, told: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=told):
        formats.load(tmp_path / name)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(DatasetError, match="cannot be read as UTF-8"):
        formats.load(tmp_path / "a.jsonl")


# --- datasets ---


@given(st.lists(st.text(), min_size=1), st.text())
def test_a_document_written_and_read_again_is_the_same_text(raws: list[str], title: str) -> None:
    documents = Documents("set")
    ids = [documents.add(raw, title) for raw in raws]
    kept = documents.all()
    assert [kept[id] for id in ids] == [canonical(raw)[0] for raw in raws]
    assert len(kept) == len(set(kept.values()))
    with tempfile.TemporaryDirectory() as name:
        Dataset("set", (), kept).write(Path(name))
        for id, text in kept.items():
            if text.strip():
                assert index.formats.read(id, (Path(name) / id).read_bytes()).text == text


def test_a_sample_is_spread_evenly() -> None:
    dataset = Dataset("s", tuple(Example(str(n), "?", True) for n in range(10)))
    assert [each.id for each in dataset.sample(4).examples] == ["0", "2", "5", "7"]
    assert dataset.sample(10) is dataset.sample(99) is dataset
