"""What ``validate`` finds: each kind of damage, and nothing in a dataset that is sound."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contrafact.errors import RunDirectoryError
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.store.atomic import digest
from contrafact.validation import Validation, validate
from tests.core.builds import SMALL, built

GENERATOR = "from tests.core.toys import Parity\n\n\nclass Mine(Parity):\n    name = 'mine'\n"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of the toy generator, reached through a file as an author's would be."""
    folder = tmp_path_factory.mktemp("validation")
    (folder / "mine.py").write_text(GENERATOR, encoding="utf-8")
    generator = {"use": "mine.py:Mine", "fail_every": 9, "pairs": 2}
    recipe = {
        "name": "toy",
        "rows": 60,
        "shard_rows": 20,
        "generator": generator,
        "filters": {"small": {**SMALL, "below": 50}},
    }
    run_local(parse_recipe(recipe), folder / "recipe.yaml", folder / "toy")
    return folder / "toy"


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "toy")
    return tmp_path / "toy"


def one(found: Validation) -> str:
    assert len(found.problems) == 1, found.problems
    return found.problems[0]


def rewritten(folder: Path, path: str, change: Callable[[pa.Table], pa.Table], *, doctor: bool) -> None:
    """Change a file as valid Parquet; with ``doctor``, the manifest is made to agree."""
    table = change(pq.read_table(folder / path))
    pq.write_table(table, folder / path)
    if doctor:
        entry = {"rows": table.num_rows, "bytes": (folder / path).stat().st_size, "sha256": digest(folder / path)}

        def agree(manifest: dict[str, Any]) -> None:
            next(each for each in manifest["files"] if each["path"] == path).update(entry)

        doctored(folder, agree)


def doctored(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def with_column(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    position = table.schema.get_field_index(name)
    return table.set_column(position, table.schema.field(name), column)


def flipped_label(table: pa.Table) -> pa.Table:
    labels = table["counterfactual_label"].to_pylist()
    labels[3] = 1 - labels[3]
    return with_column(table, "counterfactual_label", pa.array(labels))


def raised_number(table: pa.Table) -> pa.Table:
    members = table["counterfactual"].to_pylist()
    members[2]["number"] += 1000
    return with_column(table, "counterfactual", pa.array(members, table.schema.field("counterfactual").type))


TRAIN = "data/train-00000.parquet"


def test_a_sound_dataset_passes_and_every_label_was_computed_again(sound: Path) -> None:
    found = validate(sound)
    assert found.passed
    assert found.problems == []
    # 60 units, of which 7 could not be made; two pairs of each of the others.
    assert (found.pairs, found.recomputed) == (7 + 2 * 53, 2 * 53)
    assert found.files == len(list(sound.rglob("*.parquet")))


def test_validation_changes_nothing(copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    validate(copy)
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


@pytest.mark.parametrize("place", [0.001, 0.5, 0.999])
def test_a_flipped_byte_is_found(place: float, copy: Path) -> None:
    content = bytearray((copy / TRAIN).read_bytes())
    content[int(place * len(content))] ^= 1
    (copy / TRAIN).write_bytes(content)
    assert f"{TRAIN} was changed" in validate(copy).problems[0]


def test_a_changed_cell_in_valid_parquet_is_found_by_its_hash(copy: Path) -> None:
    rewritten(copy, TRAIN, flipped_label, doctor=False)
    assert f"{TRAIN} was changed: its SHA-256" in validate(copy).problems[0]


@pytest.mark.parametrize("change", [flipped_label, raised_number])
def test_a_changed_cell_that_every_hash_vouches_for_is_found_by_the_oracle(
    change: Callable[[pa.Table], pa.Table], copy: Path
) -> None:
    pair = pq.read_table(copy / TRAIN)["pair_id"][3 if change is flipped_label else 2].as_py()
    rewritten(copy, TRAIN, change, doctor=True)
    assert one(validate(copy)) == f"{pair}: the stored values are not what the model gives"


def test_a_changed_factual_label_is_found_too(copy: Path) -> None:
    rewritten(copy, TRAIN, lambda table: with_column(table, "label", pc.subtract(1, table["label"])), doctor=True)
    found = validate(copy)
    rows = pq.read_metadata(copy / TRAIN).num_rows
    assert len(found.problems) == min(rows, 20) + (rows > 20)
    if len(found.problems) > 20:
        assert found.problems[-1] == f"… and {rows - 20} more pairs in {TRAIN}"


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / TRAIN).unlink()
    problems = validate(copy).problems
    assert f"{TRAIN} is missing" in problems
    assert any(problem.startswith("train: ") for problem in problems)


@pytest.mark.parametrize("path", ["data/train-00777.parquet", "rejected/rejected-00777.parquet", "hidden/x.parquet"])
def test_a_file_too_many_is_named(path: str, copy: Path) -> None:
    (copy / path).parent.mkdir(exist_ok=True)
    shutil.copy(copy / TRAIN, copy / path)
    assert one(validate(copy)) == f"{path} is not in the manifest"


@pytest.mark.parametrize("key", ["accepted", "rejected", "proposed"])
def test_a_doctored_count_is_found(key: str, copy: Path) -> None:
    doctored(copy, lambda manifest: manifest.update({key: manifest[key] + 1}))
    assert any("accepted and rejected pairs are not those proposed" in each for each in validate(copy).problems)


def test_a_doctored_split_is_found(copy: Path) -> None:
    doctored(copy, lambda manifest: manifest["splits"].update(train=manifest["splits"]["train"] + 1))
    assert validate(copy).problems[0].startswith("train: ")


def test_a_doctored_funnel_that_agrees_with_itself_is_found(copy: Path) -> None:
    doctored(
        copy, lambda manifest: manifest.update(rejected=manifest["rejected"] + 2, accepted=manifest["accepted"] - 2)
    )
    assert any(problem.startswith("rejected: ") for problem in validate(copy).problems)


def test_a_row_that_was_taken_out_is_found_although_every_hash_agrees(copy: Path) -> None:
    rewritten(copy, TRAIN, lambda table: table.slice(1), doctor=True)
    problems = validate(copy).problems
    assert [problem.partition(":")[0] for problem in problems] == ["train", "exact", "label_sources", "shard 0"]


def test_a_pair_in_the_wrong_place_is_found(copy: Path) -> None:
    rewritten(
        copy, TRAIN, lambda table: with_column(table, "accepted", pa.array([False] * table.num_rows)), doctor=True
    )
    problems = validate(copy).problems
    assert f"{TRAIN} holds pairs that belong elsewhere by their 'accepted'" in problems
    assert f"{TRAIN} holds pairs whose reasons and verdict disagree" in problems


def test_a_pair_that_is_there_twice_is_found(copy: Path) -> None:
    def twice(table: pa.Table) -> pa.Table:
        return pa.concat_tables([table.slice(0, 1), table.slice(0, 1), table.slice(2)])

    rewritten(copy, TRAIN, twice, doctor=True)
    assert f"{TRAIN} holds one pair_id twice" in validate(copy).problems


def test_a_group_in_two_splits_is_found(copy: Path) -> None:
    other = next(path for path in sorted(copy.glob("data/*.parquet")) if "train" not in path.name)
    group = pq.read_table(copy / TRAIN)["group_id"][0].as_py()
    name = other.relative_to(copy).as_posix()
    rewritten(copy, name, lambda table: with_column(table, "group_id", pa.array([group] * table.num_rows)), doctor=True)
    problems = validate(copy).problems
    assert len(problems) == 2
    assert "belong to another split by their group_id" in problems[0]
    assert f"1 groups are in train and in {other.name.split('-')[0]}" == problems[1]


def test_a_changed_plug_in_is_told_and_its_oracle_not_believed(copy: Path) -> None:
    (copy / "plugins" / "mine.py").write_text(GENERATOR + "\n# another oracle\n", encoding="utf-8")
    found = validate(copy)
    assert "plug-ins changed since the build" in one(found)
    assert found.recomputed == 0


def test_a_changed_recipe_is_told(copy: Path) -> None:
    text = (copy / "recipe.yaml").read_text(encoding="utf-8")
    (copy / "recipe.yaml").write_text(text.replace("seed: 0", "seed: 1"), encoding="utf-8")
    assert "no longer means what it meant" in one(validate(copy))


def test_a_recipe_that_is_gone_or_broken_is_told(copy: Path) -> None:
    (copy / "recipe.yaml").write_text("name: [", encoding="utf-8")
    assert "recipe.yaml" in one(validate(copy))
    (copy / "recipe.yaml").unlink()
    assert "recipe.yaml is missing" in one(validate(copy))


def test_a_plug_in_that_is_gone_is_told(copy: Path) -> None:
    shutil.rmtree(copy / "plugins")
    assert "mine.py" in one(validate(copy))


def test_what_is_no_run_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"is no run directory: it has no manifest\.json"):
        validate(tmp_path)
    with pytest.raises(RunDirectoryError, match="is no run directory"):
        validate(tmp_path / "nowhere")
    (tmp_path / ".work").mkdir()
    with pytest.raises(RunDirectoryError, match="is not finished") as caught:
        validate(tmp_path)
    assert "it resumes" in str(caught.value)


SCM: dict[str, Any] = {
    "name": "drug",
    "rows": 80,
    "generator": {
        "use": "scm",
        "scm": {
            "variables": {
                "luck": {"mechanism": "root", "noise": "normal", "observed": False},
                "dose": {"mechanism": "additive", "expression": "luck", "noise": "normal"},
                "cured": {"mechanism": "bernoulli", "probability": "sigmoid(dose - luck)"},
            }
        },
        "interventions": {"do": {"dose": {"uniform": [0, 2]}}},
        "label": "cured",
    },
}


def test_noise_that_was_changed_is_found_by_the_model(tmp_path: Path) -> None:
    built(parse_recipe(SCM), tmp_path)
    assert validate(tmp_path).recomputed == 80

    def moved(table: pa.Table) -> pa.Table:
        noise = table["noise"].to_pylist()
        for row in noise:
            row["cured"] = 0.999999 if row["cured"] < 0.5 else 0.000001
        return with_column(table, "noise", pa.array(noise, table.schema.field("noise").type))

    rewritten(tmp_path, "hidden/train-00000.parquet", moved, doctor=True)
    assert any("not what the model gives" in problem for problem in validate(tmp_path).problems)


def test_hidden_truth_of_other_rows_is_found(tmp_path: Path) -> None:
    built(parse_recipe(SCM), tmp_path)
    rewritten(tmp_path, "hidden/train-00000.parquet", lambda table: table.slice(1), doctor=True)
    assert one(validate(tmp_path)) == "hidden/train-00000.parquet does not hold the rows of data/train-00000.parquet"
    (tmp_path / "hidden" / "train-00000.parquet").unlink()
    problems = validate(tmp_path).problems
    assert "hidden/train-00000.parquet is missing" in problems


def test_a_generator_without_an_oracle_is_checked_in_everything_else(tmp_path: Path) -> None:
    (tmp_path / "blind.py").write_text(
        "from tests.core.toys import Parity\n"
        "class Blind(Parity):\n    def recompute(self, pairs):\n        return None\n",
        encoding="utf-8",
    )
    recipe = parse_recipe({"name": "blind", "rows": 20, "generator": "blind.py:Blind"})
    run_local(recipe, tmp_path / "recipe.yaml", tmp_path / "out")
    found = validate(tmp_path / "out")
    assert (found.passed, found.pairs, found.recomputed) == (True, 20, 0)


def test_a_table_that_stayed_elsewhere_is_found_with_the_folder(tmp_path: Path) -> None:
    rows = "\n".join(f"{x},{2 * x + x % 3}" for x in range(40))
    (tmp_path / "table.csv").write_text(f"x,y\n{rows}\n", encoding="utf-8")
    generator = {
        "use": "scm",
        "scm": {"fit": {"table": "table.csv", "graph": [["x", "y"]], "kind": "linear"}},
        "interventions": {"shift": {"x": 1}},
        "label": "y",
    }
    recipe = parse_recipe({"name": "fitted", "rows": 40, "generator": generator})
    run_local(recipe, tmp_path / "recipe.yaml", tmp_path / "out")
    assert validate(tmp_path / "out", tmp_path).recomputed == 40
    assert "--folder" in one(validate(tmp_path / "out"))
