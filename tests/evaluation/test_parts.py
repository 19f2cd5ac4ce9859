"""What students are trained on, what they see, and what they are tried on elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from contrafact.errors import DataError, RecipeError
from contrafact.evaluation import Settings, evaluate
from contrafact.evaluation.arms import draw_arms, unit_rows
from contrafact.evaluation.elsewhere import _labels
from contrafact.evaluation.inputs import choose_inputs
from contrafact.evaluation.reading import Study, read_study
from contrafact.evaluation.shuffling import shuffled
from contrafact.record import class_label
from contrafact.streams import Streams
from tests.evaluation.toys import BAD, GOOD, LABELS, dataset
from tests.filters.test_teacher_kinds import save_tiny
from tests.flows.commands import contrafact

SPLITS = {"train": 0.6, "test": 0.25, "far": 0.15}
TOKENS = Settings(seeds=2, draws=100, student="tokens")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("parts") / "made", splits=SPLITS)


@pytest.fixture(scope="module")
def study(made: Path) -> Study:
    return read_study(made, 10_000)


def test_no_group_is_trained_on_and_held_out(study: Study) -> None:
    assert not set(study.groups[study.held]) & set(study.groups[~study.held])


def test_arms_are_made_of_training_rows_and_cost_the_same(study: Study) -> None:
    arms = draw_arms(study, Streams(0).generator("arms"))
    facts, more, pairs, controls = (arms[name] for name in ("facts", "more facts", "pairs", "controls"))
    assert len(more) == len(pairs) > len(facts)
    for rows in (facts, more, pairs, controls):
        assert not study.held[rows.factual].any()
        assert not study.held[rows.counterfactual].any()
        assert study.targets[rows.factual].all()
    assert study.targets[pairs.counterfactual].all()
    assert (study.place[controls.counterfactual] >= 0).all()
    # every counterfactual is of a fact that all arms have, and every further fact is of another group
    assert set(study.groups[pairs.counterfactual]) <= set(study.groups[facts.factual])
    further = set(more.factual) - set(facts.factual)
    assert not set(study.groups[list(further)]) & set(study.groups[facts.factual])


def test_a_units_fact_counts_once(tmp_path: Path) -> None:
    several = read_study(dataset(tmp_path / "several", "Cells", pairs=3, count=200, splits=SPLITS), 10_000)
    assert len(unit_rows(several, several.targets)) == 200
    arms = draw_arms(several, Streams(0).generator("arms"))
    assert len(arms["pairs"]) == len(arms["more facts"])


def test_shuffling_keeps_a_pairs_labels_and_moves_controls_along(study: Study) -> None:
    other = shuffled(study, Streams(0).generator("null"))
    moved = other.labels != study.labels
    assert 0.3 < moved[study.targets].mean() < 0.7
    both = np.sort(np.stack([study.labels, study.counterfactual_labels]), axis=0)
    again = np.sort(np.stack([other.labels, other.counterfactual_labels]), axis=0)
    assert (both == again)[:, study.targets].all()
    controls = study.place >= 0
    assert (other.labels[controls] == other.labels[study.place[controls]]).all()
    assert (other.labels == other.counterfactual_labels)[controls].all()


def test_texts_are_seen_and_not_the_concepts_beside_them(study: Study) -> None:
    assert choose_inputs(study, None, ()).fields == ("text",)
    assert choose_inputs(study, None, ()).student == "embeddings"
    assert choose_inputs(study, "trees", ("topic",)).categorical == (True,)


# -- another distribution --------------------------------------------------------------------------------------------


def reviews(path: Path, labels: tuple[Any, ...] = LABELS, column: str = "label") -> Path:
    rows = [(f"it was {word} then", labels[code]) for code, words in enumerate((BAD, GOOD)) for word in words]
    table = pa.table({"text": [text for text, _ in rows], column: [label for _, label in rows]})
    pa_csv.write_csv(table, path)
    return path


def test_a_split_and_a_table_of_another_distribution_are_tried(made: Path, tmp_path: Path) -> None:
    path = reviews(tmp_path / "reviews.csv")
    found = evaluate(made, Settings(**{**vars(TOKENS), "ood": ("far", str(path))}))
    told = {each["name"]: each for each in found["measures"]}
    assert told["ood accuracy: reviews"]["gain"]["value"] > 0
    assert told["ood accuracy: far"]["arms"]["pairs"]["value"] > 0.6
    assert "far" not in next(note for note in found["notes"] if "held out" in note)


@pytest.mark.parametrize(("labels", "column"), [((0, 1), "label"), (LABELS, "mark")])
def test_labels_of_a_table_are_names_or_codes_in_any_column(
    study: Study, made: Path, tmp_path: Path, labels: tuple[Any, ...], column: str
) -> None:
    path = reviews(tmp_path / "reviews.csv", labels, column)
    found = evaluate(made, Settings(**{**vars(TOKENS), "ood": (str(path),), "ood_label": column}))
    assert any(each["name"] == "ood accuracy: reviews" for each in found["measures"])


def test_numbers_that_are_names_of_labels_are_names_and_no_codes(study: Study) -> None:
    field = study.pairs.schema.field("label")
    stars = field.with_metadata(class_label("label", ["1", "2", "3", "4", "5"]).metadata)
    pairs = study.pairs.set_column(study.pairs.schema.get_field_index("label"), stars, study.pairs["label"])
    rated = replace(study, pairs=pairs)
    assert rated.levels == ("1", "2", "3", "4", "5")
    assert _labels([1, 3, 5], rated, "stars.csv", "label").tolist() == [0, 2, 4]
    assert _labels([0, 3, 4], rated, "codes.csv", "label").tolist() == [0, 3, 4]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda table: table.rename_columns(["texts", "label"]), "no column 'text' .did you mean 'texts'"),
        (lambda table: table.rename_columns(["text", "mark"]), "no column 'label'"),
        (lambda table: table.set_column(1, "label", pa.array(["fine"] * len(table))), "'fine' is no label"),
        (lambda table: table.slice(0, 5), "5 labelled rows"),
    ],
)
def test_a_table_that_does_not_fit_says_where(made: Path, tmp_path: Path, change: Any, what: str) -> None:
    table = pa_csv.read_csv(reviews(tmp_path / "reviews.csv"))
    pq.write_table(change(table), tmp_path / "changed.parquet")
    with pytest.raises(DataError, match=what):
        evaluate(made, Settings(**{**vars(TOKENS), "ood": (str(tmp_path / "changed.parquet"),)}))


def test_a_table_that_is_not_there_is_told_of(made: Path) -> None:
    with pytest.raises(RecipeError, match=r"'tset' is no split .did you mean 'test'.*, and there is no such file"):
        evaluate(made, Settings(**{**vars(TOKENS), "ood": ("tset",)}))


def test_numbers_and_classes_of_a_table_are_read_as_the_members_are(tmp_path: Path) -> None:
    out = dataset(tmp_path / "cells", "Cells", splits=SPLITS)
    rows = {
        "reading": [-1, 1] * 20,
        "proxy": [-1, 1] * 20,
        "side": ["left", "right"] * 20,
        "label": ["bad", "good"] * 20,
    }
    pq.write_table(pa.table(rows), tmp_path / "more.parquet")
    chosen = Settings(seeds=2, draws=100, ood=(str(tmp_path / "more.parquet"),))
    told = {each["name"]: each for each in evaluate(out, chosen)["measures"]}
    assert told["ood accuracy: more"]["arms"]["pairs"]["value"] > 0.9
    pq.write_table(pa.table({**rows, "reading": ["much"] * 40}), tmp_path / "more.parquet")
    with pytest.raises(DataError, match="column 'reading' holds string"):
        evaluate(out, chosen)


# -- students that need weights --------------------------------------------------------------------------------------


def test_embeddings_of_the_embedded_model_are_the_default_for_texts(tmp_path: Path) -> None:
    out = dataset(tmp_path / "small", count=120, splits={"train": 0.6, "test": 0.4})
    found = evaluate(out, Settings(seeds=2, draws=100))
    assert found["student"] == "embeddings"
    assert all(0 <= each["arms"]["pairs"]["value"] <= 1 for each in found["measures"] if "accuracy" in each["name"])


def test_an_encoder_is_fine_tuned(tmp_path: Path) -> None:
    out = dataset(tmp_path / "small", count=80, controls=False, splits={"train": 0.6, "test": 0.4})
    base = save_tiny(tmp_path / "tiny", LABELS)
    found = evaluate(out, Settings(seeds=2, draws=100, student="encoder", base=str(base)))
    assert found["student"] == "encoder"
    assert all(0 <= each["arms"]["pairs"]["value"] <= 1 for each in found["measures"] if "accuracy" in each["name"])


# -- the command line ------------------------------------------------------------------------------------------------


def test_the_command_prints_what_it_found_and_stores_it(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = contrafact(capsys, "evaluate", str(made), "--student", "tokens", "--seeds", "2", "--draws", "100")
    assert done.code == 0, done
    for words in ("pair accuracy", "more facts", "worst-group accuracy", "✓ net pair accuracy", "evaluation.json"):
        assert words in done.text, words
    assert (made / "evaluation.json").is_file()
    null = contrafact(capsys, "evaluate", str(made), "--student", "tokens", "--seeds", "2", "--draws", "100", "--null")
    assert null.code == 0
    assert "there is nothing to learn" in null.text
    assert (made / "evaluation_null.json").is_file()


def test_a_mistake_ends_in_one_message(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = contrafact(capsys, "evaluate", str(made), "--student", "forest")
    assert done.code == 2
    assert "no student is called 'forest'" in done.text
    assert "Traceback" not in done.text
    with pytest.raises(RecipeError, match="no student"):
        evaluate(made, Settings(student="forest"))
