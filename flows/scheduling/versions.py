"""Where a scheduled run writes: a dated dataset of its own, or the same dataset with more units.

::

    dated    outputs/nightly-2026-11-26   outputs/nightly-2026-11-27   …    outputs/nightly-latest → the newest
    extend   outputs/nightly, 1,000 units  ─►  outputs/nightly, 2,000 units  ─►  …

An extended dataset is, byte for byte, what one build with so many units gives. Units go on where they ended, keep their
noise and their split (which hangs on their group alone), and set filters and quotas look at all of them together. It is
built beside the old one and takes its place in one step; until then readers see the old one.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from contrafact.errors import RunDirectoryError
from contrafact.recipe import Recipe, load_recipe, parse_recipe
from contrafact.store.atomic import digest, read_json, write_json
from contrafact.store.exchange import exchange, recover
from contrafact.store.layout import RunDirectory, read_manifest
from flows.scheduling.times import Precision

__all__ = ["Mode", "Standing", "Version", "dated", "extended", "label_of", "standing"]

Mode = Literal["dated", "extend"]
Standing = Literal["open", "settled", "followed"]
"""What has become of a version: it is still to be made, it is the dataset that lies there, or a later one is."""

_FORMATS: Mapping[Precision, str] = {"day": "%Y-%m-%d", "minute": "%Y-%m-%dT%H%M", "second": "%Y-%m-%dT%H%M%S"}
_NOTED = 100
"""Versions of which is remembered that they were made: a run that is begun again is one of the last."""
_MAY_DIFFER = ("rows", "accept", "max_units", "output", "workers", "description", "licence", "citations", "tags")


@dataclass(frozen=True)
class Version:
    """What one scheduled run makes.

    Attributes
    ----------
    label : str
        Its date, which also names a tag.
    recipe : Recipe
    build : Path
        The run directory that is built; it resumes where it was begun before.
    final : Path
        Where the dataset is found in the end.
    """

    label: str
    recipe: Recipe
    build: Path
    final: Path

    @property
    def asks(self) -> str:
        """What it is to hold, in words."""
        recipe = self.recipe
        return f"{recipe.accept:,} accepted pairs" if recipe.accept is not None else f"{recipe.rows:,} units"

    def settle(self) -> Path:
        """Put a finished build in its place. Returns the dataset's folder."""
        if self.build == self.final:
            _point(self.final.with_name(f"{_stem(self.final, self.label)}-latest"), self.final)
            return self.final
        # Before it takes its place: a run that is killed in between and begun again must not grow the dataset twice.
        _note(self.final, self.label, digest(self.build / "manifest.json"))
        if self.final.exists():
            exchange(self.final, self.build)
            shutil.rmtree(self.build)
        else:
            self.build.rename(self.final)
        return self.final


def label_of(time: datetime, precision: Precision) -> str:
    """A version's name: its date, with the time where a day may have several.

    The hour that comes twice when the clocks go back is told apart by a ``B`` the second time.
    """
    again = "B" if time.fold and precision != "day" else ""
    return time.strftime(_FORMATS[precision]) + again


def dated(recipe: Recipe, out: Path, label: str, *, fresh: bool) -> Version:
    """A dataset of its own, in a folder that ends in its date.

    Parameters
    ----------
    fresh : bool
        Draw other units than in any version before: the seed is derived from the recipe's and the label.
    """
    if fresh:
        digest = hashlib.blake2b(f"{recipe.seed}:{label}".encode(), digest_size=8).digest()
        recipe = recipe.model_copy(update={"seed": int.from_bytes(digest, "big") >> 1})
    folder = out.with_name(f"{out.name}-{label}")
    return Version(label, recipe, folder, folder)


def extended(recipe: Recipe, out: Path, label: str) -> Version | None:
    """The dataset in ``out`` with as many units, or accepted pairs, more; None where its source has no more.

    The first run makes it. The recipe's ``rows`` or ``accept`` is what each run adds.

    Raises
    ------
    RunDirectoryError
        Where ``out`` is another dataset, or the recipe changed in what earlier pairs stand on.
    """
    beside = out.with_name(f".{out.name}.next")
    recover(out)
    if not (out / "manifest.json").is_file():
        return Version(label, recipe, beside, out)
    manifest = read_manifest(RunDirectory(out))
    before = load_recipe(str(out / "recipe.yaml"))[0]
    _check_same(recipe, before, out)
    if before.rows is not None and manifest["units"] < before.rows:
        return None
    more = {
        key: None if value is None else value + (getattr(before, key) or 0)
        for key, value in (("rows", recipe.rows), ("accept", recipe.accept), ("max_units", recipe.max_units))
    }
    grown = parse_recipe({**recipe.spec(), **more})
    if _is_left_over(beside, grown):
        shutil.rmtree(beside)
    return Version(label, grown, beside, out)


def standing(out: Path, label: str) -> Standing:
    """What has become of a version of an extended dataset, for a run that is begun again.

    Parameters
    ----------
    out : Path
        The dataset.
    label : str
        The version's name.
    """
    recover(out)
    noted, manifest = _noted(out), out / "manifest.json"
    if label not in noted or not manifest.is_file():
        return "open"
    if label != next(reversed(noted)):
        return "followed"
    return "settled" if noted[label] == digest(manifest) else "open"


def _note(out: Path, label: str, manifest: str) -> None:
    """Write down which manifest is a version's. Beside the dataset: inside, it would no longer be a single build's."""
    others = [(name, each) for name, each in _noted(out).items() if name != label]
    write_json(_notes(out), dict([*others, (label, manifest)][-_NOTED:]))


def _noted(out: Path) -> dict[str, str]:
    noted = read_json(_notes(out))
    return noted if isinstance(noted, dict) else {}


def _notes(out: Path) -> Path:
    return out.with_name(f".{out.name}.versions")


def _is_left_over(beside: Path, recipe: Recipe) -> bool:
    """Whether what lies beside is the version before: a run that took its place was killed before it was removed."""
    if not beside.is_dir() or (beside / ".work" / "state.json").is_file():
        return False  # begun, and to be resumed
    if not (beside / "manifest.json").is_file() or not (beside / "recipe.yaml").is_file():
        return True
    there = load_recipe(str(beside / "recipe.yaml"))[0]
    return (there.rows, there.accept) != (recipe.rows, recipe.accept)  # else finished, and to be put in its place


def _check_same(recipe: Recipe, before: Recipe, out: Path) -> None:
    now, then = recipe.spec(), before.spec()
    changed = [key for key in now if key not in _MAY_DIFFER and now[key] != then[key]]
    if (recipe.rows is None) != (before.rows is None):
        changed.append("rows" if recipe.rows is not None else "accept")
    if changed:
        raise RunDirectoryError(
            f"{out} was made by another recipe ({', '.join(changed)} changed): its pairs cannot be continued",
            fix="give --out another folder, or let each run make a dataset of its own (--dated)",
        )


def _stem(folder: Path, label: str) -> str:
    return folder.name.removesuffix(f"-{label}")


def _point(link: Path, target: Path) -> None:
    """Let a symbolic link name the newest version, in one step; where links are not to be had there is none."""
    temporary = link.with_name(f".{link.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target.name)
        temporary.replace(link)
    except OSError:
        temporary.unlink(missing_ok=True)


def summary(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a log line or a message says of a dataset."""
    kept = ("name", "identity", "ended", "units", "proposed", "accepted", "rejected", "splits")
    return {key: manifest[key] for key in kept}
