"""One export: read, view, write; into the dataset's own folder as one more config, or as files elsewhere.

::

    outputs/<name>/exports/<config>/train.parquet  test.parquet  export.json      load_dataset("outputs/<name>", config)

The files of the dataset, its manifest and what ``validate`` checks stay as they are. A build or ``refilter`` that makes
other pairs writes a new folder, without them. Each says in its ``export.json`` of which dataset it was made, and how.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contrafact import __version__
from contrafact.errors import DataError, RecipeError, RunDirectoryError, did_you_mean
from contrafact.exports.configs import EXPORTS, RECORD, TAKEN, card_is_ours, list_in_card
from contrafact.exports.reading import open_dataset, stretches
from contrafact.exports.views import VIEWS, Dataset, Options, View
from contrafact.exports.writing import FORMATS, Format, write_rows
from contrafact.store.atomic import read_json, storage_errors, write_json
from contrafact.store.exchange import exchange, recover
from contrafact.store.layout import RunDirectory
from contrafact.store.parquet import StoredFile

__all__ = ["export"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def export(
    path: str | Path,
    view: str,
    *,
    out: str | Path | None = None,
    config: str | None = None,
    kind: Format = "parquet",
    splits: Sequence[str] = (),
    options: Options | None = None,
) -> dict[str, Any]:
    """Export a finished dataset's accepted pairs. The same dataset and options give the same bytes.

    Parameters
    ----------
    view : str
        One of :data:`contrafact.exports.VIEWS`.
    out : path, optional
        A new folder, or one that an export made. Unless given, the export becomes a config of the dataset itself.
    config : str, optional
        Name of that config; the view's unless given.
    kind : {'parquet', 'jsonl'}
        Format of files elsewhere. A config is Parquet.
    splits : sequence of str
        Only these; all by default.

    Returns
    -------
    dict
        What is stored as ``export.json``: ``view``, ``config``, ``dataset``, ``settings``, ``splits`` (rows),
        ``files``, ``left_out`` (rows that were not made, by reason); and ``path``, the folder.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset, a file was changed, or ``out`` holds something else.
    RecipeError
        For an option that cannot be used.
    DataError
        For a dataset that cannot give this view.
    """
    if view not in VIEWS:
        raise RecipeError(f"no view is called {view!r}{did_you_mean(view, VIEWS)}", allowed=", ".join(VIEWS))
    if kind not in FORMATS:
        raise RecipeError(f"no format is called {kind!r}{did_you_mean(kind, FORMATS)}", allowed=", ".join(FORMATS))
    name = _checked_name(config or view, view, kind, inside=out is None, renamed=config is not None)
    dataset = open_dataset(path, splits)
    chosen = VIEWS[view](dataset, options or Options())
    inside = RunDirectory(dataset.path)
    target = dataset.path / EXPORTS / name if out is None else Path(out)
    if out is not None:
        _check_target(target, dataset.path)
    with inside.locked() if out is None else nullcontext(), storage_errors(target):
        ours = out is None and card_is_ours(inside, dataset.manifest)
        told = _written(chosen, target, name, kind)
        if out is None:
            list_in_card(inside, dataset.manifest, ours=ours)
    return {**told, "path": str(target)}


def _checked_name(name: str, view: str, kind: Format, *, inside: bool, renamed: bool) -> str:
    if not inside:
        if renamed:
            raise RecipeError("--config names a config of the dataset itself, and --out writes files elsewhere",
                              fix="leave one of the two out")  # fmt: skip
        return name
    if kind != "parquet":
        raise RecipeError(f"a config of the dataset is Parquet, not {kind}", fix="give --out a folder for the files")
    if not _NAME.fullmatch(name):
        raise RecipeError(f"--config {name!r} is no name", allowed="letters, digits, '.', '_' and '-'")
    if name in TAKEN:
        own = "the dataset's default config is its pairs already: load_dataset(DIR)"
        raise RecipeError(
            own if name == view else f"--config {name!r} is a config of every dataset",
            fix=f"--out FOLDER makes copies of the {view}" if name == view else "give it another name",
        )
    return name


def _check_target(target: Path, dataset: Path) -> None:
    """Raise unless the folder may be written: new, empty, or an earlier export's."""
    if target.is_file():
        raise RunDirectoryError(f"{target} is a file", fix="give --out a folder")
    if target.resolve() == dataset.resolve() or dataset.resolve() in target.resolve().parents:
        raise RunDirectoryError(f"{target} is inside the dataset", fix="leave --out out, or give another folder")
    if target.is_dir() and any(target.iterdir()) and not isinstance(read_json(target / RECORD), dict):
        raise RunDirectoryError(f"{target} is not empty, and no export", fix="give --out a new or empty folder")


def _written(view: View, target: Path, name: str, kind: Format) -> dict[str, Any]:
    """Write beside the target, then put it in its place in one step."""
    dataset = view.dataset
    beside = target.with_name(f".tmp-{target.name}")
    recover(target)
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        files = _files(view, beside, kind)
        told = _record(view, name, dataset, files)
        if not files:
            raise DataError(
                f"{dataset.path} cannot be exported as {view.name}: not one row came of its pairs ("
                + "; ".join(f"{count:,} {reason}" for reason, count in view.left_out.items())
                + ")",
                fix="choose another view, or templates and labels that fit",
            )
        write_json(beside / RECORD, told)
        if target.exists():
            exchange(target, beside)
        else:
            beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if target.parent.name == EXPORTS and target.parent.is_dir() and not any(target.parent.iterdir()):
            target.parent.rmdir()
    return told


def _files(view: View, folder: Path, kind: Format) -> dict[str, StoredFile]:
    written = {}
    for split in view.dataset.files:
        rows = (view.rows(pairs) for pairs in stretches(view.dataset, split))
        stored = write_rows(rows, folder / f"{split}.{kind}", kind, folder)
        if stored is not None:
            written[split] = stored
    return written


def _record(view: View, name: str, dataset: Dataset, files: dict[str, StoredFile]) -> dict[str, Any]:
    left: Counter[str] = view.left_out
    return {
        "view": view.name,
        "config": name,
        "dataset": {"name": dataset.manifest["name"], "identity": dataset.manifest["identity"]},
        "code_version": __version__,
        "settings": {**view.settings.given(), **view.told()},
        "splits": {split: stored.rows for split, stored in files.items()},
        "left_out": dict(sorted(left.items(), key=lambda item: (-item[1], item[0]))),
        "files": [asdict(stored) for stored in files.values()],
    }
