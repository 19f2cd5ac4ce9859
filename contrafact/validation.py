"""Is a finished dataset what its manifest says? Every hash, every count, every split and every oracle label again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.errors import RunDirectoryError, UserError
from contrafact.plan import identity_parts, make_generator
from contrafact.recipe import parse_recipe, parse_yaml
from contrafact.record import HIDDEN, hidden_schema
from contrafact.stages import Generator
from contrafact.store.atomic import read_json
from contrafact.store.layout import FORMAT, REJECTED, RunDirectory
from contrafact.store.parquet import StoredFile, read_parquet

__all__ = ["Validation", "validate"]

_TOLERANCE = 1e-9
_SHOWN = 20
_KEYS = {"identity": str, "files": list, "splits": dict, "proposed": int, "accepted": int, "rejected": int}


@dataclass
class Validation:
    """What was checked and what was found.

    Attributes
    ----------
    problems : list of str
        One line each; empty where all is well.
    pairs, recomputed : int
        Pairs read, and pairs whose oracle label was computed again.
    """

    problems: list[str] = field(default_factory=list)
    files: int = 0
    pairs: int = 0
    recomputed: int = 0

    @property
    def passed(self) -> bool:
        return not self.problems


def validate(path: str | Path, folder: Path | None = None) -> Validation:
    """Check a finished run directory.

    Parameters
    ----------
    folder : Path, optional
        Where the recipe's relative paths start. Unless given: the run directory's own copies, then the current folder.

    Raises
    ------
    RunDirectoryError
        Where it is no run directory, or an unfinished one.
    """
    directory = RunDirectory(Path(path))
    manifest = _manifest(directory)
    found = Validation()
    intact = list(_intact(directory, manifest, found))
    generator = _generator(directory, manifest, folder, found)
    groups: dict[str, NDArray[np.uint64]] = {}
    counts: dict[str, int] = {}
    for stored in intact:
        part = Path(stored.path).name.rpartition("-")[0]
        if stored.path.startswith("hidden/"):
            continue
        pairs = read_parquet(directory.path / stored.path)
        counts[part] = counts.get(part, 0) + pairs.num_rows
        found.pairs += pairs.num_rows
        _check_verdicts(pairs, part, stored.path, found)
        if part != REJECTED:
            _collect_groups(pairs, part, groups)
        if generator is not None:
            _check_oracle(generator, directory, stored, pairs, found)
    _check_counts(manifest, counts, found)
    _check_splits(groups, found)
    return found


def _manifest(directory: RunDirectory) -> dict[str, Any]:
    manifest: dict[str, Any] | None = read_json(directory.manifest)
    if manifest is None:
        unfinished = directory.work.exists()
        raise RunDirectoryError(
            f"{directory.path} {'is not finished' if unfinished else 'is no run directory: it has no manifest.json'}",
            fix="contrafact build the same recipe again: it resumes" if unfinished else "give the folder of a dataset",
        )
    if manifest.get("format") != FORMAT:
        raise RunDirectoryError(f"{directory.path} has format {manifest.get('format')!r}, and {FORMAT} is known here")
    wrong = [key for key, kind in _KEYS.items() if not isinstance(manifest.get(key), kind)]
    if wrong:
        raise RunDirectoryError(
            f"{directory.manifest} is no manifest: {', '.join(wrong)} are missing or of another type",
            fix="build the dataset again into another folder",
        )
    return manifest


def _intact(directory: RunDirectory, manifest: Mapping[str, Any], found: Validation) -> Iterator[StoredFile]:
    listed = [StoredFile(**spec) for spec in manifest["files"]]
    for stored in listed:
        found.files += 1
        if not (directory.path / stored.path).is_file():
            found.problems.append(f"{stored.path} is missing")
        elif not stored.intact(directory.path, deep=True):
            found.problems.append(f"{stored.path} was changed: its SHA-256 is not the manifest's")
        else:
            yield stored
    names = {stored.path for stored in listed}
    for folder in ("data", "rejected", "hidden"):
        for path in sorted((directory.path / folder).glob("*.parquet")):
            relative = path.relative_to(directory.path).as_posix()
            if relative not in names:
                found.problems.append(f"{relative} is not in the manifest")


def _generator(
    directory: RunDirectory, manifest: Mapping[str, Any], folder: Path | None, found: Validation
) -> Generator | None:
    """What made the pairs, as it is now; None, and a problem, where it cannot be had or is no longer the same.

    The source is not asked for: all that an oracle needs is in the record and in the model.
    """
    if not directory.recipe.is_file():
        found.problems.append(f"{directory.recipe.name} is missing, and without it no label can be computed again")
        return None
    place = (folder or directory.plugins).resolve()
    try:
        recipe = parse_recipe(parse_yaml(directory.recipe.read_text(encoding="utf-8"), "recipe.yaml"))
        generator = make_generator(recipe, place)
        parts = identity_parts(recipe, generator, place)
    except UserError as error:
        found.problems.append(
            f"the recipe cannot be made ready, so that no label was computed again: {error.what}"
            " (--folder says where the files are that it names)"
        )
        return None
    changed = [name for name, part in parts.items() if manifest["identity_parts"].get(name) != part]
    if changed:
        found.problems.append(f"the recipe no longer means what it meant: {', '.join(changed)} changed since the build")
        return None
    return generator


def _check_verdicts(pairs: pa.Table, part: str, path: str, found: Validation) -> None:
    accepted = pairs["accepted"].to_numpy()
    reasons = pc.list_value_length(pairs["reasons"].combine_chunks()).to_numpy(zero_copy_only=False)
    if (accepted != (part != REJECTED)).any():
        found.problems.append(f"{path} holds pairs that belong elsewhere by their 'accepted'")
    if (accepted & (reasons > 0)).any() or (~accepted & (reasons == 0)).any():
        found.problems.append(f"{path} holds pairs whose reasons and verdict disagree")
    if pc.count_distinct(pairs["pair_id"]).as_py() != pairs.num_rows:
        found.problems.append(f"{path} holds one pair_id twice")


def _check_oracle(
    generator: Generator, directory: RunDirectory, stored: StoredFile, pairs: pa.Table, found: Validation
) -> None:
    whole = _with_hidden(generator, directory, stored, pairs, found)
    if whole is None:
        return
    whole = whole.filter(pc.is_valid(whole["counterfactual"])).combine_chunks()
    again = generator.recompute(whole) if whole.num_rows else None
    if again is None:
        return
    wrong = np.zeros(whole.num_rows, dtype=bool)
    members = whole["counterfactual"].combine_chunks()
    for name, values in again.counterfactual.items():
        wrong |= _differ(members.field(name), pa.array(values))
    wrong |= _differ(whole["label"].combine_chunks(), again.label)
    wrong |= _differ(whole["counterfactual_label"].combine_chunks(), again.counterfactual_label)
    found.recomputed += whole.num_rows
    for row in np.flatnonzero(wrong)[:_SHOWN]:
        found.problems.append(f"{whole['pair_id'][int(row)].as_py()}: the stored values are not what the model gives")
    if wrong.sum() > _SHOWN:
        found.problems.append(f"… and {int(wrong.sum()) - _SHOWN} more pairs in {stored.path}")


def _with_hidden(
    generator: Generator, directory: RunDirectory, stored: StoredFile, pairs: pa.Table, found: Validation
) -> pa.Table | None:
    if hidden_schema(generator.shape()) is None:
        return pairs
    path = directory.path / "hidden" / Path(stored.path).name
    if not path.is_file():
        found.problems.append(f"{stored.path} has no hidden truth beside it ({path.name})")
        return None
    hidden = read_parquet(path)
    if not hidden["pair_id"].equals(pairs["pair_id"]):
        found.problems.append(f"hidden/{path.name} does not hold the rows of {stored.path}")
        return None
    children = [hidden[name].combine_chunks() for name in hidden.column_names[1:]]
    fields = [hidden.schema.field(name) for name in hidden.column_names[1:]]
    return pairs.append_column(HIDDEN, pa.StructArray.from_arrays(children, fields=fields))


def _differ(stored: pa.Array, again: pa.Array) -> NDArray[np.bool_]:
    one, other = (np.asarray(column.to_numpy(zero_copy_only=False)) for column in (stored, again.cast(stored.type)))
    if one.dtype.kind != "f":
        return np.asarray(one != other)
    # Another processor may round the last bit of a transcendental function another way.
    return np.asarray(~np.isclose(one, other, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True))


def _collect_groups(pairs: pa.Table, part: str, groups: dict[str, NDArray[np.uint64]]) -> None:
    from contrafact.identity import hash_strings

    own = np.unique(hash_strings(pairs["group_id"].combine_chunks(), "validate"))
    groups[part] = np.union1d(groups[part], own) if part in groups else own


def _check_splits(groups: Mapping[str, NDArray[np.uint64]], found: Validation) -> None:
    parts = list(groups)
    for position, one in enumerate(parts):
        for other in parts[position + 1 :]:
            shared = len(np.intersect1d(groups[one], groups[other], assume_unique=True))
            if shared:
                found.problems.append(f"{shared} groups are in {one} and in {other}")


def _check_counts(manifest: Mapping[str, Any], counts: Mapping[str, int], found: Validation) -> None:
    if manifest["proposed"] != manifest["accepted"] + manifest["rejected"]:
        found.problems.append("the manifest's accepted and rejected pairs are not those proposed")
    wanted = {**manifest["splits"], REJECTED: manifest["rejected"]}
    for part, count in wanted.items():
        if counts.get(part, 0) != count:
            found.problems.append(f"{part}: {counts.get(part, 0)} pairs are there, and the manifest says {count}")
