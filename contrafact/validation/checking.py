"""Is a finished dataset what its manifest says? Every hash, every count, every split and every oracle value again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.errors import MissingDependencyError, UserError
from contrafact.plan import identity_parts, make_generator
from contrafact.plugincode import libraries, plugin_code
from contrafact.recipe import Recipe, parse_recipe, parse_yaml
from contrafact.record import HIDDEN, PairShape, hidden_schema, pair_schema
from contrafact.stages import Generator, Recomputed
from contrafact.store.layout import REJECTED, RunDirectory, read_manifest
from contrafact.store.media import media_paths, media_problems, stray_media, with_media
from contrafact.store.parquet import StoredFile, read_parquet
from contrafact.store.splits import assign_splits
from contrafact.uniqueness import Names
from contrafact.validation.contents import Contents, Replies
from contrafact.validation.counts import Recount

__all__ = ["Validation", "validate"]

_TOLERANCE = 1e-9
_SHOWN = 20
_NOTHING = PairShape([], pa.field("label", pa.int64()))


@dataclass
class Validation:
    """What was checked and what was found.

    Attributes
    ----------
    problems : list of str
        One line each; empty where all is well.
    notes : list of str
        What is otherwise than at the build and makes nothing wrong.
    pairs, recomputed, kept : int
        Pairs read, pairs whose labels and values were computed again, and pairs of which only what they kept was
        checked again, since nothing that is stored decides their labels.
    witnesses : dict of str to int
        Of those that were computed again, how many of each label source.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    pairs: int = 0
    recomputed: int = 0
    kept: int = 0
    witnesses: dict[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.problems

    def saw(self, sources: pa.Array) -> None:
        """Count the label sources of pairs that were computed again."""
        for each in pc.value_counts(sources).to_pylist():
            source = str(each["values"])
            self.witnesses[source] = self.witnesses.get(source, 0) + int(each["counts"])


@dataclass(frozen=True)
class _Maker:
    """The recipe of a dataset, and the generator that made it."""

    recipe: Recipe
    generator: Generator


def validate(path: str | Path, folder: Path | None = None, *, unprotected: bool = False) -> Validation:
    """Check a finished run directory.

    Parameters
    ----------
    folder : Path, optional
        Where the recipe's relative paths start. Unless given: the run directory's own copies, then the current folder.
    unprotected : bool
        Whether code may be run without bubblewrap where the recipe says so. A dataset from elsewhere could say so to
        get at the machine.

    Raises
    ------
    RunDirectoryError
        Where it is no run directory, or an unfinished one.
    """
    directory = RunDirectory(Path(path))
    manifest = read_manifest(directory)
    found = Validation()
    intact = list(_intact(directory, manifest, found))
    # Nothing that is computed again asks a model; whatever might, finds no way out of the machine.
    engines = partial(_Recomputing, replay=True, protected=not unprotected)
    maker = _maker(directory, manifest, folder, engines, found)
    recount, replies, shown = Recount(), Replies(), set[str]()
    splits = list(manifest["splits"] if maker is None else maker.recipe.splits)
    with Names() as pair_ids, Names() as units, Names() as groups, TemporaryDirectory() as scratch:
        contents = Contents(Path(scratch), splits)
        for stored in intact:
            part, _, shard = Path(stored.path).stem.rpartition("-")
            if stored.path.startswith("hidden/"):
                continue
            pairs = _read(directory, stored, found)
            if pairs is None:
                continue
            found.pairs += pairs.num_rows
            recount.add(pairs, part, int(shard))
            replies.add(pairs)
            contents.add(pairs, part)
            _check_verdicts(pairs, part, stored.path, found)
            found.problems += islice(media_problems(pairs, directory.path), _SHOWN)
            shown.update(media_paths(pairs))
            pair_ids.add(pairs["pair_id"], part)
            if part != REJECTED:
                units.add(pairs["unit_id"], part)
                groups.add(pairs["group_id"], part)
            if maker is not None:
                _check_split(maker.recipe, pairs, part, stored.path, found)
                _check_oracle(maker.generator, directory, stored, pairs, found)
        found.problems += recount.problems(manifest)
        if len(intact) == found.files:  # a file that was changed is told of already
            found.problems += [*contents.problems(manifest), *replies.problems(manifest)]
            found.notes += replies.notes()
            stray = stray_media(directory.path, shown)
            found.problems += [f"{path} is shown by no pair" for path in stray[:_SHOWN]]
        _check_names(pair_ids, units, groups, found)
    return found


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


def _read(directory: RunDirectory, stored: StoredFile, found: Validation) -> pa.Table | None:
    """A file's pairs; None, and a problem, where it holds none."""
    try:
        pairs = read_parquet(directory.path / stored.path)
    except (pa.ArrowException, OSError) as error:
        found.problems.append(f"{stored.path} is no Parquet file: {error}")
        return None
    missing = [name for name in pair_schema(_NOTHING).names if name not in pairs.column_names]
    if missing:
        found.problems.append(f"{stored.path} has no {', '.join(missing)}")
        return None
    if pairs.num_rows != stored.rows:
        found.problems.append(f"{stored.path} has {pairs.num_rows} rows, and the manifest says {stored.rows}")
    return pairs


def _maker(
    directory: RunDirectory,
    manifest: Mapping[str, Any],
    folder: Path | None,
    engines: Callable[[Mapping[Any, Any]], Engines],
    found: Validation,
) -> _Maker | None:
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
        generator.borrow(engines(recipe.engines))
        parts = identity_parts(recipe, generator, plugin_code(recipe.spec(), place))
    except (UserError, OSError, UnicodeDecodeError) as error:
        what = error.what if isinstance(error, UserError) else str(error)
        fix = "--folder says where the files are that it names"
        if isinstance(error, MissingDependencyError) and error.fix:
            fix = error.fix
        found.problems.append(f"the recipe cannot be made ready, so that no label was computed again: {what} ({fix})")
        return None
    changed = [name for name, part in parts.items() if manifest["identity_parts"].get(name) != part]
    if "libraries" in changed:
        changed.remove("libraries")
        found.notes.append(f"built with {_other_libraries(manifest)}: the last bits of a number may differ")
    if changed:
        found.problems.append(f"the recipe no longer means what it meant: {', '.join(changed)} changed since the build")
        return None
    return _Maker(recipe, generator)


def _other_libraries(manifest: Mapping[str, Any]) -> str:
    then = manifest.get("libraries")
    told = then if isinstance(then, dict) else {}
    other = [f"{name} {told.get(name)} (here {now})" for name, now in libraries().items() if told.get(name) != now]
    return ", ".join(other) or "other libraries"


def _check_verdicts(pairs: pa.Table, part: str, path: str, found: Validation) -> None:
    accepted = pairs["accepted"].to_numpy()
    reasons = pc.list_value_length(pairs["reasons"].combine_chunks()).to_numpy(zero_copy_only=False)
    if (accepted != (part != REJECTED)).any():
        found.problems.append(f"{path} holds pairs that belong elsewhere by their 'accepted'")
    if (accepted & (reasons > 0)).any() or (~accepted & (reasons == 0)).any():
        found.problems.append(f"{path} holds pairs whose reasons and verdict disagree")
    if pc.count_distinct(pairs["pair_id"]).as_py() != pairs.num_rows:
        found.problems.append(f"{path} holds one pair_id twice")


def _check_split(recipe: Recipe, pairs: pa.Table, part: str, path: str, found: Validation) -> None:
    if part == REJECTED or part not in recipe.splits:
        return
    place = assign_splits(pairs["group_id"].combine_chunks(), recipe.splits, recipe.seed)
    astray = int(np.count_nonzero(place != list(recipe.splits).index(part)))
    if astray:
        found.problems.append(f"{path} holds {astray} pairs that belong to another split by their group_id")


def _check_oracle(
    generator: Generator, directory: RunDirectory, stored: StoredFile, pairs: pa.Table, found: Validation
) -> None:
    whole = _with_hidden(generator, directory, stored, pairs, found)
    if whole is None:
        return
    whole = whole.filter(pc.is_valid(whole["counterfactual"])).combine_chunks()
    try:
        again = generator.recompute(with_media(whole, directory.path)) if whole.num_rows else None
    except Exception as error:  # noqa: BLE001  # what a record was changed into may be anything
        found.problems.append(f"{stored.path} cannot be computed again: {type(error).__name__}: {error}")
        return
    if again is None:
        return
    wrong = np.zeros(whole.num_rows, dtype=bool)
    for member, values in (("factual", again.factual or {}), ("counterfactual", again.counterfactual)):
        members = whole[member].combine_chunks()
        for name, column in values.items():
            wrong |= _differ(members.field(name), pa.array(column))
    for name in ("label", "counterfactual_label", "exact", "held_fixed"):
        column = getattr(again, name)
        if column is not None:
            wrong |= _differ(whole[name].combine_chunks(), column if isinstance(column, pa.Array) else pa.array(column))
    computed = np.ones(whole.num_rows, dtype=bool) if again.computed is None else again.computed
    found.recomputed += int(computed.sum())
    found.kept += int((~computed).sum())
    _note_unmade(whole["counterfactual"].type, again, found)
    found.saw(whole["label_source"].combine_chunks().filter(pa.array(computed)))
    for row in np.flatnonzero(wrong)[:_SHOWN]:
        found.problems.append(f"{whole['pair_id'][int(row)].as_py()}: the stored values are not what the model gives")
    if wrong.sum() > _SHOWN:
        found.problems.append(f"… and {int(wrong.sum()) - _SHOWN} more pairs in {stored.path}")


def _note_unmade(members: pa.StructType, again: Recomputed, found: Validation) -> None:
    """Say which texts stand as they are, such as those of a language model: nothing that is stored decides them."""
    names = [each.name for each in members if pa.types.is_string(each.type) and each.name not in again.counterfactual]
    note = f"taken as stored, and not made again: {', '.join(names)}"
    if names and note not in found.notes:
        found.notes.append(note)


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


class _Recomputing(Engines):
    """Engines to compute labels again with. No teacher is opened: what one said, no oracle computes."""

    def teacher(self, spec: Any, labels: Sequence[str], fields: Sequence[str], folder: Path | None = None) -> Any:
        return None


def _differ(stored: pa.Array, again: pa.Array) -> NDArray[np.bool_]:
    """Rows in which two columns are not the same; real numbers may be apart by the tolerance."""
    again = again.cast(stored.type)
    if stored.equals(again):
        return np.zeros(len(stored), dtype=bool)
    if pa.types.is_nested(stored.type):
        return np.array([one != other for one, other in zip(stored.to_pylist(), again.to_pylist(), strict=True)])
    one, other = (np.asarray(column.to_numpy(zero_copy_only=False)) for column in (stored, again))
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return np.asarray(one != other)
    # Another processor, or another release of NumPy, may round the last bit of a transcendental function another way.
    # Near zero that bit is one of what was added up, so that it is measured by how large the column's values are.
    sizes = np.abs(one[np.isfinite(one) & (one != 0)])
    scale = float(np.median(sizes)) if len(sizes) else 0.0
    return np.asarray(~np.isclose(one, other, rtol=_TOLERANCE, atol=_TOLERANCE * scale, equal_nan=True))


def _check_names(pair_ids: Names, units: Names, groups: Names, found: Validation) -> None:
    repeated = pair_ids.repeated()
    if repeated:
        found.problems.append(f"{repeated} pair_ids are there more than once")
    for what, names in (("units", units), ("groups", groups)):
        for (one, other), shared in names.crossing().items():
            found.problems.append(f"{shared} {what} are in {one} and in {other}")
