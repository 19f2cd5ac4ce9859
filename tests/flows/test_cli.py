"""The commands, on datasets that are sound."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from contrafact import __version__
from flows.cli.ending import report_link
from tests.core.builds import tree
from tests.flows.commands import contrafact, spawned

RECIPE = """
description: Numbers and their parity.
rows: 45
generator: {use: "tests.core.toys:Parity", fail_every: 7}
filters:
  small: {use: "tests.core.toys:Small", below: 30}
"""
CHAIN = """
rows: 40
generator:
  use: scm
  scm:
    variables:
      a: {mechanism: root, noise: normal}
      b: {mechanism: additive, expression: "2 * a", noise: normal}
      c: {mechanism: additive, expression: "b + 1", noise: normal}
      apart: {mechanism: categorical, levels: [no, yes], table: [0.5, 0.5]}
  interventions: {shift: {b: 1}}
  label: {expression: "c > 1", names: [low, high]}
filters: {label_flip: {want: flip}}
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "toy.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_the_report_is_a_link_in_a_terminal_and_its_path_elsewhere(tmp_path: Path) -> None:
    page = tmp_path / "[bold] a b" / "report.html"
    for terminal in (True, False):
        out = io.StringIO()
        Console(file=out, force_terminal=terminal, width=500).print(
            report_link(page, str(page.parent)), highlight=False
        )
        assert str(page) in out.getvalue()
        assert ("file://" in out.getvalue()) is terminal
        assert not terminal or page.as_uri() in out.getvalue()
    assert report_link(page, "s3://bucket/toy/") == "s3://bucket/toy/report.html"


def test_build_says_where_the_report_holds_but_some_pairs(
    recipe: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contrafact.report.making._TEXTS", 44)
    monkeypatch.setattr("contrafact.report.making._NUMBERS", 44)
    assert "report.html shows some of its pairs" in contrafact(capsys, "build", recipe, "--local").text


def test_build_says_what_came_of_it_and_where_it_is(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "build", recipe, "--local")
    assert outcome.code == 0, outcome
    for words in (
        "toy: 45 units",
        "25 accepted + 20 rejected = 45 proposed pairs",
        "13 × small: too large",
        "7 × parity: does not like this number",
        "The dataset is outputs/toy",
        "contrafact validate outputs/toy",
        "contrafact review outputs/toy",
        "contrafact export outputs/toy --as flat",
        "outputs/toy/report.html shows every pair",
    ):
        assert words in outcome.text, words
    assert "file://" not in outcome.text, "links are for terminals"
    assert contrafact(capsys, "export", "outputs/toy", "--as", "flat").code == 0
    again = contrafact(capsys, "build", recipe, "--local")
    assert again.code == 0
    assert "was complete already: nothing to do" in again.text


def test_options_change_the_recipe(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes = ["--accept", 12, "--seed", 3, "--set", "filters.small.below=20", "--workers", 1, "--out", "there"]
    outcome = contrafact(capsys, "build", recipe, "--local", *changes)
    assert outcome.code == 0, outcome
    manifest = json.loads((recipe.parent / "there" / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["accepted"], manifest["seed"], manifest["ended"]) == (12, 3, "12 accepted pairs")
    assert not (recipe.parent / "outputs").exists()


def test_the_resolved_recipe_builds_the_same_dataset(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert contrafact(capsys, "build", recipe, "--local", "--rows", 30, "--out", "one").code == 0
    assert contrafact(capsys, "build", "one/recipe.yaml", "--local", "--out", "two").code == 0
    assert tree(recipe.parent / "one") == tree(recipe.parent / "two")


def test_validate_passes_a_sound_dataset_and_lists_what_is_wrong(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contrafact(capsys, "build", recipe, "--local")
    sound = contrafact(capsys, "validate", "outputs/toy")
    assert sound.code == 0, sound
    assert "45 pairs; 38 oracle labels computed again" in sound.text
    assert "every hash, count, split and recomputed label agrees" in sound.text
    damaged = next((recipe.parent / "outputs" / "toy" / "data").glob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    broken = contrafact(capsys, "validate", "outputs/toy")
    assert broken.code == 1
    assert f"✗ data/{damaged.name} was changed: its SHA-256 is not the manifest's" in broken.text


def test_a_complete_dataset_that_was_damaged_is_not_called_complete(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contrafact(capsys, "build", recipe, "--local")
    next((recipe.parent / "outputs" / "toy" / "data").glob("*.parquet")).unlink()
    outcome = contrafact(capsys, "build", recipe, "--local")
    assert outcome.code == 2
    assert "is missing or was changed" in outcome.text
    assert "contrafact validate" in outcome.text


def test_preview_marks_what_was_done_what_followed_and_what_stayed(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.write_text(CHAIN, encoding="utf-8")
    outcome = contrafact(capsys, "preview", recipe, "-n", 4)
    assert outcome.code == 0, outcome
    cells = [line for line in outcome.out.splitlines() if "│" in line]
    rows = {name: [line for line in cells if f" {name} " in line] for name in ("a", "b", "c", "apart")}
    assert all("▶" in line for line in rows["b"])
    assert all("●" in line for line in rows["c"])
    assert len(rows["b"]) == len(rows["c"]) == len(rows["apart"]) == 4
    assert not any(mark in line for line in rows["a"] + rows["apart"] for mark in "▶●!")
    assert outcome.text.count("label source: oracle") == 4
    assert {"yes", "no"} & set(rows["apart"][0].split())
    assert not (recipe.parent / "outputs").exists()


def test_preview_of_rejected_pairs_says_why(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "preview", recipe, "-n", 2, "--set", "filters.small.below=0")
    assert "rejected: parity: does not like this number" in outcome.text
    assert "rejected: small: too large" in outcome.text


def test_validate_scm_passes_a_model_and_fails_one_in_causal_terms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    good = (
        "from generators.scm import *\n"
        "class Good(SCM):\n    a = Root(Normal())\n    b = Linear({'a': 2.0}, noise=Normal())\n"
    )
    bad = (
        good + "class Bad(Monotone):\n    pass\n"
        "class Wrong(SCM):\n    a = Root(Normal())\n    b = Bad('a + noise', 'value - 2 * a', Normal())\n"
    )
    (tmp_path / "models.py").write_text(bad, encoding="utf-8")
    assert contrafact(capsys, "validate-scm", "models.py:Good", "--units", 200).code == 0
    outcome = contrafact(capsys, "validate-scm", "models.py:Wrong", "--units", 200)
    assert outcome.code == 1
    assert "b" in outcome.text
    assert "Traceback" not in outcome.text


def test_list_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "list")
    assert outcome.code == 0
    for name in (
        "recipes",
        "quickstart",
        "generators",
        "scm",
        "filters",
        "label_flip",
        "scms",
        "clinic",
        "tables",
        "sachs",
    ):
        assert name in outcome.out, name
    only = contrafact(capsys, "list", "filters")
    assert "duplicates" in only.out
    assert "quickstart" not in only.out


def test_doctor_says_what_is_installed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    outcome = contrafact(capsys, "doctor")
    assert "prefect" in outcome.out
    assert "pyarrow" in outcome.out
    assert outcome.code == (1 if "✗" in outcome.out else 0)


def test_doctor_names_a_server_that_does_not_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    outcome = contrafact(capsys, "doctor")
    assert outcome.code == 1
    assert "does not answer" in outcome.text


def test_help_and_version_need_nothing_heavy() -> None:
    assert f"contrafact {__version__}" in spawned("--version").out
    for command in ([], ["build"], ["preview"], ["validate"], ["validate-scm"], ["list"], ["doctor"]):
        outcome = spawned(*command, "--help")
        assert outcome.code == 0
        assert "Usage" in outcome.out


def test_debug_shows_the_traceback(recipe: Path) -> None:
    recipe.write_text("rows: 0\n", encoding="utf-8")
    plain, debug = spawned("build", recipe), spawned("--debug", "build", recipe)
    assert "Traceback" not in plain.text
    assert "Traceback" in debug.text
    assert plain.code == 2
    assert debug.code != 0


def test_an_interrupt_is_no_traceback(
    recipe: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.cli.building.build", stopped)
    outcome = contrafact(capsys, "build", recipe, "--local")
    assert outcome.code == 130
    assert "finished shards are kept. Resume with:" in outcome.text
    assert "Traceback" not in outcome.text


def test_preview_says_out_of_how_many_and_goes_on_to_accepted_pairs(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = contrafact(capsys, "preview", recipe, "-n", 1)
    assert "1 pair of 1 unit looked at: 0 accepted, 1 rejected; --accepted shows accepted ones only" in first.text
    found = contrafact(capsys, "preview", recipe, "-n", 3, "--accepted")
    assert [line.split()[0] for line in found.out.splitlines() if line.startswith("n")] == ["n1/0", "n2/0", "n3/0"]
    assert "4 pairs of 4 units looked at: 3 accepted, 1 rejected" in found.text
    assert "rejected:" not in found.out
    late = contrafact(capsys, "preview", recipe, "-n", 2, "--accepted", "--set", "generator.fail_every=0")
    assert "2 pairs of 2 units looked at: 2 accepted" in late.text


def test_preview_stops_looking_for_accepted_pairs_at_a_bound(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "preview", recipe, "-n", 40, "--accepted", "--within", 200)
    assert "200 pairs of 200 units looked at: 25 accepted, 175 rejected" in outcome.text
    assert "no more are accepted among the first 200 units; --within N looks at more" in outcome.text
    assert not list(recipe.parent.glob("outputs"))


def test_reasons_at_the_end_of_a_build_add_up_and_say_what_else_was_said(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["filters.also.use=tests.core.toys:Small", "filters.also.below=20"]
    outcome = contrafact(capsys, "build", recipe, "--local", *(word for each in settings for word in ("--set", each)))
    assert outcome.code == 0, outcome
    for words in ("13 × small: too large", "8 × also: too large", "7 × parity: does not like this number"):
        assert words in outcome.text, words
    assert "17 accepted + 28 rejected" in outcome.text
    assert "later filters said of pairs that were rejected already: 13 × also: too large" in outcome.text


def test_a_build_says_how_to_have_no_pairs_that_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = CHAIN.replace("interventions: {shift: {b: 1}}", "interventions: [do: {apart: another}, do: {apart: no}]")
    (tmp_path / "chain.yaml").write_text(text.replace("filters: {label_flip: {want: flip}}", ""), encoding="utf-8")
    outcome = contrafact(capsys, "build", "chain.yaml", "--local")
    assert outcome.code == 0, outcome
    assert "× scm: the intervention changes nothing for this unit fix: do: {x: another} always gives" in outcome.text
    assert "× scm: another intervention of the recipe asks the same of this unit fix: leave out the" in outcome.text


def test_preview_of_a_fitted_model_says_that_it_is_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "preview", "quickstart", "-n", 1)
    assert "exact in the fitted model, which is an estimate" in outcome.text
