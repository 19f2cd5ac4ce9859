"""What an evaluation reads of a finished dataset: pairs to train on, pairs held out, and which are controls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contrafact.audit.reading import drawn, numbered
from contrafact.errors import DataError, RecipeError
from contrafact.exports.reading import open_dataset
from contrafact.identity import hash_strings
from contrafact.recipe import parse_yaml
from contrafact.record import levels_of

__all__ = ["Study", "label_members", "read_study"]

_TRAIN = "train"
_HELD = 0.3
_FEWEST = {"to train on": 40, "held out": 20}
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Study:
    """Accepted pairs of a dataset, divided into those to train on and those held out.

    Attributes
    ----------
    pairs : pyarrow.Table
        Pairs and controls.
    place : ndarray of int64, shape (n,)
        Row of the pair that each control stands beside; -1 for a pair.
    groups : ndarray of int64, shape (n,)
        Number of each row's group, from 0.
    held : ndarray of bool, shape (n,)
        Rows held out. No group is on both sides.
    elsewhere : mapping of split to pyarrow.Table
        Splits of another distribution: neither trained on nor held out.
    labels, counterfactual_labels : ndarray, shape (n,)
        Codes (int64) of class labels, else float64.
    notes : list of str
        What was done that a reader should know.
    """

    path: Path
    manifest: Mapping[str, Any]
    pairs: pa.Table
    place: NDArray[np.int64]
    groups: NDArray[np.int64]
    held: NDArray[np.bool_]
    elsewhere: Mapping[str, pa.Table]
    labels: NDArray[Any]
    counterfactual_labels: NDArray[Any]
    notes: list[str] = field(default_factory=list)

    @property
    def levels(self) -> tuple[str, ...] | None:
        """Names of the class labels; None for numbers."""
        return levels_of(self.pairs.schema.field("label"))

    @property
    def targets(self) -> NDArray[np.bool_]:
        """Rows that are pairs, no controls."""
        return np.asarray(self.place == -1)


def read_study(path: str | Path, most: int, elsewhere: Sequence[str] = ()) -> Study:
    """Read and divide a finished dataset.

    What is not in the split ``train`` is held out; of a dataset of one split three tenths of the groups are, by a hash
    of their names.

    Parameters
    ----------
    most : int
        Rows at the most: of a larger dataset whole groups are drawn by a hash of their name.
    elsewhere : sequence of str
        Splits to be kept apart.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset, or a file was changed.
    DataError
        For labels that nothing can be learned from: texts, missing ones, one class only; or too few pairs.
    """
    dataset = open_dataset(path)
    _check_label(dataset.path, dataset.schema.field("label"))
    drops: dict[str, int] = {}
    share = most / max(
        1, sum(each.rows for split, files in dataset.files.items() if split not in elsewhere for each in files)
    )
    tables: dict[str, pa.Table] = {}
    for split, files in dataset.files.items():
        parts = [pq.read_table(dataset.path / each.path, partitioning=None) for each in files]
        kept = parts if split in elsewhere else [drawn(part, share, drops) for part in parts]
        tables[split] = pa.concat_tables(kept).combine_chunks()
    apart = {split: tables.pop(split) for split in elsewhere}
    if not tables:
        raise RecipeError(
            "--ood names every split, so that nothing is left to train on", allowed=", ".join(dataset.files)
        )
    notes = [f"{count:,} rows, of groups that were not drawn, are not used (--most {most})" for count in drops.values()]
    pairs, held = _divided(tables, notes)
    pairs, held = _labelled(pairs, held, notes)
    place, groups = numbered(pairs)
    classes = levels_of(pairs.schema.field("label")) is not None
    labels, other = (_codes(pairs[name], classes=classes) for name in ("label", "counterfactual_label"))
    study = Study(dataset.path, dataset.manifest, pairs, place, groups, held, apart, labels, other, notes)
    _check_enough(study)
    return study


def label_members(study: Study, names: Sequence[str]) -> list[str]:
    """Members that the label is read from: a student that sees them is told the answer.

    These are the ones that the recipe's label names, and any that is the label itself on every row.
    """
    told = _label_words(study.path / "recipe.yaml")
    found = [name for name in names if name in told]
    for name in names:
        if name not in found and all(
            _same(study.pairs[side].combine_chunks().field(name), study.pairs[label].combine_chunks())
            for side, label in (("factual", "label"), ("counterfactual", "counterfactual_label"))
        ):
            found.append(name)
    return found


def _label_words(recipe: Path) -> set[str]:
    try:
        spec = parse_yaml(recipe.read_text(encoding="utf-8"), "recipe.yaml")
    except (OSError, UnicodeDecodeError, RecipeError):
        return set()
    generator = spec.get("generator") if isinstance(spec, dict) else None
    label = generator.get("label") if isinstance(generator, dict) else None
    if isinstance(label, dict):
        label = " ".join(str(label[key]) for key in ("expression", "by", "variable") if key in label)
    return set(_WORD.findall(label)) if isinstance(label, str) else set()


def _same(one: pa.Array, other: pa.Array) -> bool:
    try:
        return bool(pc.all(pc.equal(one.cast(pa.float64()), other.cast(pa.float64()))).as_py())
    except pa.ArrowException:
        return False


def _check_label(path: Path, label: pa.Field) -> None:
    kind = label.type
    if levels_of(label) is None and not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise DataError(
            f"the labels of {path} are {kind}, and no student can be trained on them",
            allowed="class labels, or numbers",
            fix="contrafact export --as sft (or rlvr), and train a language model on that",
        )


def _divided(tables: Mapping[str, pa.Table], notes: list[str]) -> tuple[pa.Table, NDArray[np.bool_]]:
    if len(tables) == 1:
        ((only, pairs),) = tables.items()
        points = (hash_strings(pairs["group_id"].combine_chunks(), "held out") >> np.uint64(11)).astype(np.float64)
        notes.append(f"there is one split ({only}): about {_HELD:.0%} of its groups were held out")
        return pairs, points * 2.0**-53 < _HELD
    train = _TRAIN if _TRAIN in tables else max(tables, key=lambda split: tables[split].num_rows)
    held = [np.full(table.num_rows, split != train) for split, table in tables.items()]
    notes.append(f"trained on {train}, held out: {', '.join(split for split in tables if split != train)}")
    return pa.concat_tables(tables.values()).combine_chunks(), np.concatenate(held)


def _labelled(pairs: pa.Table, held: NDArray[np.bool_], notes: list[str]) -> tuple[pa.Table, NDArray[np.bool_]]:
    """Pairs that have both labels (and their controls)."""
    known = pc.and_(pairs["label"].is_valid(), pairs["counterfactual_label"].is_valid()).to_numpy()
    if known.all():
        return pairs, held
    notes.append(f"{int((~known).sum()):,} pairs without a label were left out")
    return pairs.filter(pa.array(known)).combine_chunks(), held[known]


def _codes(column: pa.ChunkedArray, *, classes: bool) -> NDArray[Any]:
    return np.asarray(column.to_numpy(), dtype=np.int64 if classes else np.float64)


def _check_enough(study: Study) -> None:
    for what, rows in (("to train on", study.targets & ~study.held), ("held out", study.targets & study.held)):
        groups = len(np.unique(study.groups[rows]))
        if groups < _FEWEST[what]:
            raise DataError(
                f"{study.path} has {groups} groups of pairs {what}, which are too few",
                allowed=f"{_FEWEST['to train on']} to train on and {_FEWEST['held out']} held out",
                fix="build more pairs (--rows), or give them other splits",
            )
    if study.levels is not None:
        rows = study.targets & ~study.held
        seen = np.unique(np.concatenate([study.labels[rows], study.counterfactual_labels[rows]]))
        if len(seen) < 2:
            raise DataError(
                f"{study.path} has one label only ({study.levels[int(seen[0])]}) among the pairs to train on",
                allowed="at least two labels",
                fix="balance it (filters: balance), or drop the filter that left one label",
            )
    elif study.labels[study.held].std() == 0:
        raise DataError(f"the numeric label of {study.path} is the same everywhere", fix="choose another label")
