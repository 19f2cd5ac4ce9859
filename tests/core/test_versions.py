"""Run directories of another version are refused with what to do, and never misread."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import RunDirectoryError
from contrafact.identity import IDENTITY_VERSION
from contrafact.pipeline import build, local_mapper
from contrafact.refiltering import refilter
from contrafact.stopping import Stop
from contrafact.store.layout import FORMAT
from contrafact.validation import validate
from tests.core.builds import built, plan_of, toy, tree

USES: dict[str, Callable[[Path], Any]] = {
    "build": lambda folder: built(toy(), folder),
    "validate": validate,
    "refilter": lambda folder: refilter(folder, ["splits.train=1"]),
}


def aged(folder: Path, **changes: Any) -> None:
    """Let a finished dataset be of another version."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, **changes}), encoding="utf-8")


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("key", ["format", "identity_version"])
@pytest.mark.parametrize("step", [-1, 1])
def test_a_dataset_of_another_version_is_refused_with_the_way_out(
    use: str, key: str, step: int, tmp_path: Path
) -> None:
    folder = tmp_path / "toy"
    built(toy(), folder)
    known = FORMAT if key == "format" else IDENTITY_VERSION
    aged(folder, **{key: known + step})
    before = tree(folder)
    with pytest.raises(RunDirectoryError, match=f"has {key.replace('_', ' ')} {known + step}: ") as caught:
        USES[use](folder)
    fix = caught.value.fix or ""
    if step < 0:
        assert fix.startswith(f"contrafact build {folder}/recipe.yaml --out {folder}-v{known} makes it anew")
    else:
        assert fix.startswith("install that version or a later one")
    assert tree(folder) == before


def stopped(folder: Path) -> None:
    """A build that was stopped after its first shard."""
    stop = Stop()
    with pytest.raises(Exception, match="stopped as asked"):
        build(plan_of(toy(), folder), local_mapper(1), lambda stage, report: stop.ask(), stop)


@pytest.mark.parametrize(("change", "message"), [({"format": 1}, "format 1"), ({"identity_version": 9}, "version 9")])
def test_an_unfinished_build_of_another_version_is_not_gone_on_with(
    change: dict[str, int], message: str, tmp_path: Path
) -> None:
    folder = tmp_path / "toy"
    stopped(folder)
    path = folder / ".work" / "state.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    assert (state["format"], state["identity_version"]) == (FORMAT, IDENTITY_VERSION)
    path.write_text(json.dumps({**state, **change, "identity": "other"}), encoding="utf-8")
    with pytest.raises(RunDirectoryError, match=message) as caught:
        built(toy(), folder)
    assert "--out another folder" in (caught.value.fix or "")


def test_an_unfinished_build_from_before_identities_had_versions_is_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    stopped(folder)
    path = folder / ".work" / "state.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    del state["identity_version"]
    path.write_text(json.dumps(state), encoding="utf-8")
    built(toy(), folder)
    assert tree(folder) == tree_of_a_whole_build(tmp_path / "whole")


def tree_of_a_whole_build(folder: Path) -> dict[str, bytes]:
    built(toy(), folder)
    return tree(folder)
