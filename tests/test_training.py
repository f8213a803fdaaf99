"""The reader's training, on small files made here: what is changed, what is taught, and the one command."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import rag
from eval import formats
from eval.dataset import Dataset, Evidence, Example
from eval.proof import Case
from index import embeddings
from index.library import Library
from index.passages import Passage
from rag import calibration, crossencoder
from rag.calibration import Fusion
from training import __main__ as training
from training import data, perturb, standard, weigh
from training.data import Pair
from training.export import export, imported
from training.fit import batches, fit
from training.model import ReaderModel, batch, loss
from training.paraphrase import retold
from training.sets import merged, thinned
from training.standard import Trial
from training.statements import declarative, shortened, yes_or_no
from training.thesaurus import Thesaurus

SYLLABLES = ("ka", "lo", "mi", "ren", "tu", "sar", "vel", "don", "pi", "gra")


def training_files(folder: Path) -> tuple[Path, Path]:
    """Small files in the formats of SQuAD and QED: invented towns, their mayors, rivers and founding years."""
    chance = random.Random(7)

    def name() -> str:
        return "".join(chance.sample(SYLLABLES, 3)).capitalize()

    articles, lines = [], []
    for number in range(150):
        town, mayor, river, year = name(), name(), name(), str(chance.randrange(1000, 2000))
        text = f"{mayor} is the mayor of {town}. The river {river} runs through it. It was founded in {year}."
        asked = ((f"Who is the mayor of {town}?", mayor), (f"Which river runs through {town}?", river))
        qas = [
            {
                "id": f"{number}-{place}",
                "question": question,
                "answers": [{"text": gold, "answer_start": text.index(gold)}],
            }
            for place, (question, gold) in enumerate(asked)
        ]
        articles.append({"title": f"{town} {number}", "paragraphs": [{"context": text, "qas": qas}]})
        other = f"The town of {name()} was founded in {year} by {mayor}, people say. It lies by the sea."
        span = [other.index(mayor), other.index(mayor) + len(mayor)]
        question = f"who founded the town of {other.split()[3]}"
        lines.append(
            {
                "example_id": number,
                "title_text": f"Q{number}",
                "question_text": question,
                "paragraph_text": other,
                "answer_spans": [span],
                "answer_type": "single_sentence",
            }
        )
    squad, qed = folder / "train-v1.1.json", folder / "train.jsonl"
    squad.write_text(json.dumps({"data": articles}))
    qed.write_text("\n".join(map(json.dumps, lines)))
    return squad, qed


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return training_files(tmp_path_factory.mktemp("training"))


# --- what is changed ---


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Who wrote Faust?", "Goethe", "Goethe wrote Faust."),
        ("When was the mill built?", "1821", "The mill was built in 1821."),
        ("When did Ann leave?", "in May", "Ann leave in May."),
        ("How many towns lie on the river?", "Six", "Six towns lie on the river."),
        ("In what country is the mill?", "France", "France is the mill."),
        ("What is the capital of Velton?", "Milo", "Milo is the capital of Velton."),
        ("Name the mayor.", "Ann", None),
    ],
)
def test_a_question_and_its_answer_make_a_statement(question: str, answer: str, expected: str | None) -> None:
    assert declarative(question, answer) == expected


def test_a_shortened_sentence_says_nothing_new() -> None:
    sentence = "In 1821, the mill (a brick one) was built by Ada Lovell of Velton, who owned the land."
    for seed in range(20):
        words = shortened(sentence, random.Random(seed)).lower().rstrip(".").split()
        assert set(words) <= set(sentence.lower().replace(",", " , ").replace(".", "").split()) | {
            word + "," for word in sentence.lower().split()
        } | set(sentence.lower().split())


@pytest.mark.parametrize(
    "question",
    ["Who founded the largest mill of Velton in 1821?", "who founded the largest mill of velton in 1821?"],
)
def test_a_changed_question_is_another_question_with_the_same_end(question: str) -> None:
    names = ["Velton", "Milo", "Renlo", "1821", "1904", "harbour"]
    changed = {
        perturb.question(
            question,
            names,
            passage="Velton and Milo, 1821.",
            answer="Ada Lovell",
            rng=random.Random(seed),
        )
        for seed in range(60)
    }
    assert None not in changed
    assert question not in changed
    assert len(changed) > 10
    assert all(each.endswith("?") for each in changed)
    for sign in ("smallest", "1904", "ilo", "harbour", "Ada Lovell?"):
        assert any(sign in each for each in changed), sign


def test_a_not_comes_in_or_goes() -> None:
    asked = {
        perturb.question("When did it burn?", [], passage="", answer="1904", rng=random.Random(seed))
        for seed in range(20)
    }
    assert "When didn't it burn?" in asked
    stated = {
        perturb.statement("it was not red.", [], passage="", akin=_nothing_akin, rng=random.Random(seed))
        for seed in range(20)
    }
    assert stated == {"it was red."}


def test_a_number_is_swapped_for_a_number_and_a_name_for_a_name() -> None:
    names = ["Velton", "Milo", "1904", "harbour"]
    assert {perturb.swapped("Ada Lovell", names, random.Random(seed)) for seed in range(20)} == {"Velton", "Milo"}
    numbers = {perturb.swapped("1821", names, random.Random(seed)) for seed in range(20)}
    assert all(each.isdigit() and len(each) == 4 and each != "1821" for each in numbers)
    assert perturb.swapped("Ada", ["1904"], random.Random(0)) is None


def test_a_condition_is_added_that_the_passage_does_not_speak_of() -> None:
    stated = {
        perturb.statement(
            "it burnt.", ["Velton", "1904"], passage="It burnt at Velton.", akin=_nothing_akin, rng=random.Random(seed)
        )
        for seed in range(20)
    }
    assert stated == {"it burnt in 1904.", "it burnt after 1904.", "it burnt before 1904."}


def test_a_word_of_the_passage_becomes_one_of_the_same_things_that_it_does_not_say() -> None:
    akin = {"killed": ["wounded", "buried"], "people": ["houses"]}
    stated = {
        perturb.statement(
            "Ten people were killed.",
            [],
            passage="Ten were killed and buried.",
            akin=lambda word: akin.get(word, []),
            rng=random.Random(seed),
        )
        for seed in range(40)
    }
    assert "Ten people were wounded." in stated
    assert not any("buried" in str(each) for each in stated)


@pytest.mark.parametrize(
    ("sentence", "asked"),
    [
        ("The mill was not built of brick.", ("Was the mill built of brick?", "built of brick", "not built of brick")),
        (
            "Ada Lovell has been mayor since 1821, they say.",
            ("Has Ada Lovell been mayor since 1821?", "mayor since 1821", "mayor since 1821"),
        ),
        ("The mill, which was red, was sold.", None),
        ("The miller who came last was poor.", None),
        ("In Velton the mill was built.", None),
        ("It was built of brick.", None),
        ("They milled.", None),
    ],
)
def test_a_sentence_settles_a_yes_or_no_question(sentence: str, asked: tuple[str, str, str] | None) -> None:
    assert yes_or_no(sentence) == asked
    assert asked is None or asked[2] in sentence


def test_the_opposite_is_asked() -> None:
    end = "more than old"
    asked = {perturb.opposed(f"Was the first mill {end}?", end, random.Random(seed)) for seed in range(20)}
    assert asked == {
        "Was the first mill less than old?",
        "Was the first mill more than new?",
        "Was the first mill more than young?",
    }
    assert perturb.opposed("Was the first mill red?", "red", random.Random(1)) == "Wasn't the first mill red?"
    assert perturb.opposed("Velton?", "Velton", random.Random(1)) is None


def _thesaurus() -> Thesaurus:
    texts = ["Who owns the lawsuit of Velton?", "Who is the owner, and who was sued in 1821?", "Who built it?"] * 10
    return Thesaurus(embeddings.load(), [*texts, *["Who was killed, wounded or murdered, and who painted it?"] * 10])


def test_the_thesaurus_tells_what_says_the_same_from_what_is_only_akin() -> None:
    thesaurus = _thesaurus()
    assert "murdered" in thesaurus.same("killed")
    assert "wounded" in thesaurus.akin("killed")
    assert not set(thesaurus.same("killed")) & set(thesaurus.akin("killed"))
    assert "painted" not in thesaurus.akin("killed")
    assert thesaurus.same("unheard") == thesaurus.akin("unheard") == []


def test_a_text_is_said_in_other_words_and_of_the_same_things() -> None:
    thesaurus = _thesaurus()
    asked = "Who owns the mill and the lawsuit of Velton in 1821?"
    passage = "Ada owns the mill of Velton. The lawsuit of 1821 was lost."
    told = {retold(asked, passage, thesaurus, random.Random(seed)) for seed in range(60)}
    assert any("owner" in each for each in told)
    assert any("sued" in each for each in told)
    assert any("mill" not in each for each in told)
    assert all("Velton" in each and "1821" in each for each in told)
    assert retold(asked, "Nothing of the kind.", thesaurus, random.Random(1)) == asked


def _nothing_akin(word: str) -> list[str]:
    del word
    return []


# --- what is taught ---


def test_what_only_withheld_documents_answer_is_unanswerable() -> None:
    documents = {f"s/{n}.txt": str(n) for n in range(40)}
    asked = tuple(Example(id, "?", True, ("a",), (Evidence(id),)) for id in documents)
    half = thinned(merged("m", [Dataset("s", asked, documents)]), 0.5, seed=1)
    assert 10 < len(half.documents) < 30
    for example in half.examples:
        assert example.answerable == bool(example.evidence) == (f"m/{example.id}" in half.documents)
        assert bool(example.answers) == example.answerable


def test_the_pairs_of_a_question_say_what_is_known(files: tuple[Path, Path], tmp_path: Path) -> None:
    whole = merged("training", [formats.load(path) for path in files])
    library = Library(whole.write(tmp_path))
    library.sync()
    data.write(library, whole, Fusion(0.02), 7, tmp_path / "pairs.jsonl")
    data.write(library, whole, Fusion(0.02), 7, tmp_path / "again.jsonl")
    library.close()
    groups = data.read(tmp_path / "pairs.jsonl")
    assert (tmp_path / "pairs.jsonl").read_bytes() == (tmp_path / "again.jsonl").read_bytes()
    pairs = [pair for group in groups for pair in group]
    assert any(pair.answered is False and pair.relevant for pair in pairs)
    assert any(pair.supported for pair in pairs)
    assert any(pair.supported is False for pair in pairs)
    for pair in pairs:
        assert bool(pair.answers) == bool(pair.answered)
        assert all(0 <= start < end <= len(pair.passage) for start, end in pair.answers)
    texts = {evidence.document: whole.documents[evidence.document] for e in whole.examples for evidence in e.evidence}
    unseen = {texts[e.evidence[0].document] for e in whole.examples if data.held_out(e)}
    assert unseen
    assert not any(pair.passage in unseen for pair in pairs)


def test_the_answer_is_taught_wherever_it_stands_and_none_at_the_first_token() -> None:
    right = Pair("Who ate?", "Ann ate. Ann slept.", ((0, 3), (9, 12)), True, True)
    wrong = Pair("Who ate?", "Bob slept.", (), False, False)
    made = batch([(right, wrong)])
    first = crossencoder.encode(right.text, right.passage).first
    assert made.spans[0].nonzero().tolist() == [[first, 0], [first, 1], [first + 3, 0], [first + 3, 1]]
    assert made.spans[1].nonzero().tolist() == [[0, 0], [0, 1]]
    assert made.verdicts.tolist() == [[1, 1, -1], [0, 0, -1]]


def test_the_loss_falls_with_every_verdict_and_span_that_comes_right() -> None:
    right = Pair("Who ate?", "Ann ate.", ((0, 3),), True, True)
    wrong = Pair("Who ate?", "Bob slept.", (), False, False)
    made = batch([(right, wrong)])
    spans, verdicts = torch.zeros(*made.spans.shape), torch.zeros(2, 3)
    before = loss(spans, verdicts, made)
    assert loss(spans + 9 * made.spans, verdicts, made) < before
    assert loss(spans, verdicts + torch.tensor([[9.0, 0, 0], [0, 0, 0]]), made) < before
    assert loss(spans, verdicts + torch.tensor([[0, 9.0, 0], [0, 0, 0]]), made) < before
    unknown = loss(spans, verdicts + torch.tensor([[0, 0, 9.0], [0, 0, 9]]), made)
    assert unknown == before


def test_batches_hold_every_group_once_an_epoch_and_are_of_one_length() -> None:
    groups = [(Pair("Who?", "a" * (40 * (n % 10) + 1)), Pair("Who?", "b")) for n in range(400)]
    plan = list(batches(groups, 2.0, 7))
    assert sorted(place for each in plan for place in each) == sorted([*range(400), *range(400)])
    assert plan == list(batches(groups, 2.0, 7)) != list(batches(groups, 2.0, 8))
    assert max(sum(len(groups[place]) for place in each) for each in plan) <= 33


def test_training_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Pair("Who ate?", "Ann ate. Bob slept.", ((0, 3),), True, True)
    groups = [(right, replace(right, passage="Bob slept.", answers=(), relevant=False, answered=False))] * 48

    def network() -> ReaderModel:
        torch.manual_seed(7)
        return ReaderModel()

    whole = fit(network(), groups, epochs=1.0, rate=2e-4, seed=7, folder=tmp_path / "whole").state_dict()

    class Stopped(Exception):
        pass

    def stop(self: ReaderModel, *arguments: torch.Tensor) -> None:
        raise Stopped

    monkeypatch.setattr("training.fit._SAVE_EVERY", -1)
    with monkeypatch.context() as patched:
        forward, calls = ReaderModel.forward, []

        def counted(self: ReaderModel, *arguments: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            calls.append(1)
            return stop(self) if len(calls) > 1 else forward(self, *arguments)

        patched.setattr(ReaderModel, "forward", counted)
        with pytest.raises(Stopped):
            fit(network(), groups, epochs=1.0, rate=2e-4, seed=7, folder=tmp_path / "parts")
    resumed = fit(network(), groups, epochs=1.0, rate=2e-4, seed=7, folder=tmp_path / "parts").state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.filterwarnings("default")  # torch's export warns of its own code
def test_training_can_go_on_from_what_was_exported(tmp_path: Path) -> None:
    full, small = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    export(imported(crossencoder.WEIGHTS), full, small)
    asked = ("Who is the mayor of Velton?", ["Ada Lo is the mayor of Velton.", "The river Mi runs through it."])
    for again, shipped in zip(
        crossencoder.OnnxCrossEncoder(small).read(*asked), crossencoder.shipped().read(*asked), strict=True
    ):
        assert again.supported == pytest.approx(shipped.supported, abs=1e-4)
        assert again.starts == pytest.approx(shipped.starts, abs=1e-4)


# --- the one command ---


@pytest.fixture
def numbers_read_anew() -> Iterator[None]:
    """What a test learns is no longer known after it."""
    yield
    calibration.shipped.cache_clear()


@pytest.mark.filterwarnings("default")  # torch's export warns of its own code
@pytest.mark.usefixtures("numbers_read_anew")
def test_a_reader_is_trained_and_all_its_numbers_learned_with_one_command(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "reader-int8.onnx"
    monkeypatch.setattr(training, "WEIGHTS", weights)
    monkeypatch.setattr(calibration, "_SHIPPED", tmp_path / "calibration.json")
    monkeypatch.setattr("eval.library.RUNS", tmp_path / "runs")
    (tmp_path / "calibration.json").write_text(
        calibration.Path(calibration.__file__).with_name("calibration.json").read_text()
    )
    monkeypatch.setattr(data, "_HELD_OUT", 0.8)
    begun = ["--start", str(crossencoder.WEIGHTS), "--skip", "100", "--questions", "150", "--epochs", "0.5"]
    done = CliRunner().invoke(
        training.app, [*map(str, files), *begun, "--precision", "0.4", "--folder", str(tmp_path / "reader")]
    )
    assert done.exit_code == 0, done.output
    assert "int8 against fp32" in done.output
    calibration.shipped.cache_clear()
    learned = calibration.shipped()
    calibration.shipped.cache_clear()
    assert learned.provenance in done.output
    assert learned.weights.encoder == "reader-int8"
    assert 0 < learned.threshold < 1
    (tmp_path / "towns").mkdir()
    (tmp_path / "towns" / "a.txt").write_text("Ada Lo is the mayor of Velton. The river Mi runs through it.")
    with rag.open(tmp_path / "towns") as docs:
        reader = type(docs.reader)(crossencoder.OnnxCrossEncoder(weights), learned.weights)
        answer = rag.Footnote(docs.library, reader, replace(learned, threshold=0.0)).ask("Who is the mayor of Velton?")
    assert answer.citations[0].quote == "Ada Lo is the mayor of Velton."


def test_the_standard_is_the_highest_at_which_so_many_true_statements_are_kept() -> None:
    passage = Passage("d#0", "d", "", 0, 0, None, "", ())
    true, false = (Case(kind, "1", "", "", passage, "") for kind in ("true", "name"))
    trials = [Trial(true, float(logit), None) for logit in range(10)]
    trials += [Trial(false, float(logit) - 4, None) for logit in range(10)]
    strict, mild = (standard.fit(trials, share) for share in (0.5, 0.9))
    assert strict.bar > mild.bar
    for fitted, share in ((strict, 0.5), (mild, 0.9)):
        kept = [fitted.alone.probability(logit) >= fitted.bar for logit in range(10)]
        assert sum(kept) / 10 >= share
    together = [replace(each, alone=None, together=each.alone) for each in trials]
    assert standard.fit(together, 0.9).together.slope > 0


def test_no_article_teaches_and_tells_the_figures(files: tuple[Path, Path]) -> None:
    examples = [example for path in files for example in formats.load(path).examples]
    parts = weigh.split(examples)
    assert sum(map(len, parts)) == len(examples)
    tags = [{example.tags for example in part} for part in parts]
    assert not tags[0] & tags[1]
    assert not tags[0] & tags[2]
    assert not tags[1] & tags[2]
