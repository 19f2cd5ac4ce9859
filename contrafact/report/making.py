"""Making ``report.html``: whole when it is asked for, in a moment at the end of a build."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from contrafact.errors import RunDirectoryError
from contrafact.record import is_media
from contrafact.report.findings import findings_of
from contrafact.report.reading import MOST, Shown, chosen_files, read_shown, read_some
from contrafact.store.atomic import atomic_path
from contrafact.store.layout import RunDirectory, read_manifest

__all__ = ["looked_into", "make_report", "report_pages", "report_quickly", "shown_at_the_end"]

_TEXTS, _NUMBERS, _MEDIA = 10_000, 500, 100
"""Pairs in the report that a build makes. Models without texts make hundreds of thousands of pairs a second, and pairs
of clips or pictures hold so much besides these that memory would grow with their number."""


def make_report(path: str | Path, out: Path | None = None, most: int = MOST) -> tuple[Path, Shown]:
    """Write the report of a finished dataset.

    Parameters
    ----------
    out : Path, optional
        Another file than ``report.html`` in the run directory.
    most : int
        Pairs that it holds at the most.

    Returns
    -------
    Path
        Where it is.
    Shown
        The pairs that it holds.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset, or a file of it is missing.
    """
    directory = RunDirectory(Path(path))
    shown, pages = report_pages(directory, most)
    target = out or directory.report_page
    if target.is_dir():
        raise RunDirectoryError(f"--out {target} is a folder", allowed="a file", fix=f"--out {target / 'report.html'}")
    _write(target, pages)
    return target, shown


def report_pages(
    directory: RunDirectory, most: int = MOST, review: Mapping[str, Any] | None = None
) -> tuple[Shown, Iterator[str]]:
    """The pairs of a report, and its text piece by piece.

    Parameters
    ----------
    review : mapping, optional
        What the page needs to send marks to the server that gives it.
    """
    from contrafact.report.page import page_of

    manifest = read_manifest(directory)
    shown = read_shown(directory, manifest, most)
    pages = page_of(
        shown,
        manifest,
        _recipe(directory),
        directory.path,
        findings=findings_of(directory.path, manifest["identity"]),
        review=review,
    )
    return shown, pages


def report_quickly(directory: RunDirectory, manifest: Mapping[str, Any], recipe: Mapping[str, Any]) -> None:
    """The report that a build ends with: of a larger dataset the first pairs of every file alone.

    It is no part of the dataset, and must not cost one: where it cannot be made, that is a warning.
    """
    from contrafact.report.page import page_of

    try:
        shown = read_some(directory, manifest, _most(directory, manifest))
        _write(directory.report_page, page_of(shown, manifest, recipe, directory.path, advice=True))
    except OSError:
        raise  # a disk that takes no more will not take the manifest either
    except Exception as error:  # noqa: BLE001  # whatever a stranger's data may hold
        warnings.warn(f"the report could not be made ({type(error).__name__}: {error})", RuntimeWarning, stacklevel=2)


def looked_into(directory: RunDirectory, manifest: Mapping[str, Any]) -> list[str]:
    """The files, by their names in the run directory, that report, card and Croissant are made from at the end.

    Of every kind of file the first one, for its columns; and those that :func:`report_quickly` may show pairs of.
    """
    first: dict[str, str] = {}
    for file in manifest["files"]:
        first.setdefault(file["path"].rpartition("-")[0], file["path"])
    shown = [path.relative_to(directory.path).as_posix() for path in chosen_files(directory, manifest, _TEXTS)]
    return sorted({*first.values(), *shown})


def shown_at_the_end(members: pa.StructType) -> int:
    """Pairs in the report that a build ends with, by the fields of a member."""
    if any(is_media(each.type) for each in members):
        return _MEDIA
    plain = all(pa.types.is_integer(each.type) or pa.types.is_floating(each.type) or pa.types.is_boolean(each.type)
                for each in members)  # fmt: skip
    return _NUMBERS if plain else _TEXTS


def _most(directory: RunDirectory, manifest: Mapping[str, Any]) -> int:
    import pyarrow.parquet as pq

    first = next((file["path"] for file in manifest["files"] if not file["path"].startswith("hidden/")), None)
    return _NUMBERS if first is None else shown_at_the_end(pq.read_schema(directory.path / first).field("factual").type)


def _write(path: Path, pages: Iterator[str]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for page in pages:
            file.write(page)


def _recipe(directory: RunDirectory) -> dict[str, Any]:
    from contrafact.recipe import parse_yaml

    if not directory.recipe.is_file():
        return {}
    read = parse_yaml(directory.recipe.read_text(encoding="utf-8"), str(directory.recipe))
    return dict(read) if isinstance(read, Mapping) else {}
