"""A manifest that is none: one message, for ``validate`` and for a build that finds it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import RunDirectoryError
from contrafact.store.layout import FORMAT
from contrafact.validation import validate
from tests.core.builds import built, toy

Change = Callable[[dict[str, Any]], Any]


def without(*keys: str) -> Change:
    return lambda manifest: {key: value for key, value in manifest.items() if key not in keys}


def with_file(**changes: Any) -> Change:
    return lambda manifest: {**manifest, "files": [{**manifest["files"][0], **changes}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: [], "a mapping is missing or of another type"),
        (lambda _: 3, "a mapping is missing or of another type"),
        (lambda _: {}, "format, identity, identity_parts and 14 more missing"),
        (lambda _: {"format": FORMAT, "files": 3}, "identity, identity_parts, name and 13 more missing"),
        (without("identity_parts"), "identity_parts missing"),
        (without("identity_parts", "reasons"), "identity_parts, reasons missing"),
        (lambda manifest: {**manifest, "accepted": "many"}, "accepted missing or of another type"),
        (lambda manifest: {**manifest, "accepted": True}, "accepted missing or of another type"),
        (lambda manifest: {**manifest, "files": [3]}, r"files\[0\] missing"),
        (with_file(sha265="x"), r"files\[0\] missing"),
        (with_file(rows="3"), r"files\[0\] missing"),
        (with_file(path="../../etc/passwd"), r"files\[0\]\.path missing"),
        (with_file(path="data/../../x-0.parquet"), r"files\[0\]\.path missing"),
        (lambda manifest: {**manifest, "funnel": [{"step": "x"}]}, r"funnel\[0\] missing"),
        (lambda manifest: {**manifest, "shards": [[]]}, r"shards\[0\] missing"),
    ],
)
def test_a_manifest_that_is_none_is_told_with_what_is_wrong(change: Change, message: str, tmp_path: Path) -> None:
    recipe = toy()
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(change(built(recipe, tmp_path))), encoding="utf-8")
    for use in (lambda: validate(tmp_path), lambda: built(recipe, tmp_path)):
        with pytest.raises(RunDirectoryError, match=f"manifest.json is no manifest: {message}") as caught:
            use()
        assert caught.value.fix


def test_another_format_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(f'{{"format": {FORMAT + 1}}}', encoding="utf-8")
    with pytest.raises(RunDirectoryError, match=f"has format {FORMAT + 1}: a later .*\n  allowed: format {FORMAT}"):
        validate(tmp_path)


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunDirectoryError, match=r"manifest\.json is a file, and is no run directory"):
        validate(tmp_path / "manifest.json")
    (tmp_path / "folder" / "manifest.json").mkdir(parents=True)
    with pytest.raises(RunDirectoryError, match=r"manifest\.json cannot be read: Is a directory"):
        validate(tmp_path / "folder")
