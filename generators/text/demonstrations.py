"""Worked examples for a prompt: a text with one phrase as it was, and what it was replaced by to get another label."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import DataError, RecipeError
from contrafact.stages import Context
from generators.text.base import Unit
from generators.text.demonstrations_builtin import BUILTIN
from generators.text.tasks import TextTask

__all__ = ["Demonstration", "Demonstrations", "open_demonstrations"]

_BRACES = re.compile(r"\{([^{}|]+)\|([^{}|]+)\}")


@dataclass(frozen=True)
class Demonstration:
    """One worked example.

    Attributes
    ----------
    texts : tuple of str
        The fields before the edit, in the task's order.
    field : int
        Place of the edited field.
    start : int
        Where the phrase begins in that field.
    before, after : str
        The phrase and its replacement.
    label, target : str
        Labels before and after.
    """

    texts: tuple[str, ...]
    field: int
    start: int
    before: str
    after: str
    label: str
    target: str

    @property
    def stop(self) -> int:
        """Where the phrase ends."""
        return self.start + len(self.before)

    def reversed(self) -> Demonstration:
        """The same edit taken back."""
        text = self.texts[self.field]
        edited = text[: self.start] + self.after + text[self.stop :]
        texts = (*self.texts[: self.field], edited, *self.texts[self.field + 1 :])
        return replace(
            self, texts=texts, before=self.after, after=self.before, label=self.target, target=self.label
        )  # fmt: skip


class Demonstrations:
    """The examples of a task for edits of one field, by direction.

    Parameters
    ----------
    known : sequence of Demonstration
        Each serves in its own direction and, reversed, in the other.
    """

    def __init__(self, known: Sequence[Demonstration]) -> None:
        self._by_direction: dict[tuple[str, str], list[Demonstration]] = {}
        for each in known:
            ways = (each,) if each.label == each.target else (each, each.reversed())
            for way in ways:
                self._by_direction.setdefault((way.label, way.target), []).append(way)

    def of(self, label: str, target: str) -> Sequence[Demonstration]:
        """All examples of one direction, in the order in which they were written."""
        return self._by_direction.get((label, target), ())

    def identity(self) -> Any:
        """Changes with what is demonstrated."""
        return [[*key, [[*each.texts, each.start, each.after] for each in self.of(*key)]] for key in self._by_direction]

    def need(self, directions: Iterable[tuple[str, str]], field: str) -> None:
        """Raise ``RecipeError`` unless there is an example for every direction that may be asked for."""
        missing = [f"{label} to {target}" for label, target in directions if not self.of(label, target)]
        if missing:
            raise RecipeError(
                f"no demonstration edits {field!r} from {', from '.join(missing)}",
                allowed=", ".join(f"{label} to {target}" for label, target in self._by_direction) or "none",
                fix="give a file of demonstrations for these labels: generator.demonstrations",
            )

    def at_random(self, unit: Unit, count: int, context: Context) -> list[Demonstration]:
        """Examples drawn for the unit."""
        pool = self.of(unit.label, unit.target)
        draw = context.streams.generator("demonstrations", unit.unit_id, unit.target)
        return [pool[place] for place in draw.permutation(len(pool))[:count]]

    def nearest(self, units: Sequence[Unit], fields: Sequence[str], count: int, context: Context) -> list[Any]:
        """For each unit the examples most like it (cosine of embeddings), the most alike last: nearest the question.

        Of equally similar ones, those that were written first.
        """
        encode = context.engines.embedder.encode
        vectors = encode([" ".join(unit.texts[name] for name in fields) for unit in units])
        pools: dict[tuple[str, str], NDArray[np.float32]] = {}
        chosen = []
        for unit, vector in zip(units, vectors, strict=True):
            direction = (unit.label, unit.target)
            pool = self.of(*direction)
            if direction not in pools:
                pools[direction] = encode([" ".join(each.texts) for each in pool])
            order = np.argsort(-(pools[direction] @ vector), kind="stable")[:count]
            chosen.append([pool[place] for place in reversed(order.tolist())])
        return chosen


def open_demonstrations(task: TextTask, path: Path | None = None) -> Demonstrations:
    """The examples of a file, or our own, that edit the task's edited field.

    A file is a list in YAML or JSON. Each item has the task's fields, one phrase of the edited field written
    ``{before|after}``, and both labels::

        - {text: "The staff was {rude|friendly}.", label: negative, target: positive}

    Raises
    ------
    DataError
        For a file that cannot be read, or an item that is no demonstration.
    """
    known = _builtin(task) if path is None else [_item(each, task, where) for where, each in _items(path)]
    edited = task.fields.index(task.edited)
    return Demonstrations([each for each in known if each.field == edited])


def _builtin(task: TextTask) -> list[Demonstration]:
    ours = BUILTIN[task.kind].items()
    return [
        _read(texts, label, target, "a built-in demonstration")
        for (label, target), written in ours
        for texts in written
    ]  # fmt: skip


def _items(path: Path) -> list[tuple[str, Any]]:
    import yaml

    try:
        items = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"the demonstrations in {path} cannot be read: {error}") from None
    if not isinstance(items, list) or not items:
        raise DataError(f"{path} holds no list of demonstrations", fix="begin each one with a dash")
    return [(f"demonstration {number} of {path}", item) for number, item in enumerate(items, 1)]


def _item(item: Any, task: TextTask, where: str) -> Demonstration:
    keys = (*task.fields, "label", "target")
    if not isinstance(item, Mapping) or set(item) != set(keys) or not all(isinstance(item[key], str) for key in keys):
        raise DataError(f"{where} does not have the keys it should, with a text each", allowed=", ".join(keys))
    for key in ("label", "target"):
        if item[key] not in task.labels:
            raise DataError(f"{where}: {key} {item[key]!r} is no label of the task", allowed=", ".join(task.labels))
    return _read(tuple(item[name] for name in task.fields), item["label"], item["target"], where)


def _read(texts: Sequence[str], label: str, target: str, where: str) -> Demonstration:
    """A demonstration from texts of which one holds ``{before|after}``."""
    marked = [(place, found) for place, text in enumerate(texts) for found in _BRACES.finditer(text)]
    if len(marked) != 1:
        raise DataError(f"{where} marks {len(marked)} phrases", allowed="one phrase, written {before|after}")
    field, found = marked[0]
    whole = texts[field]
    plain = whole[: found.start()] + found[1] + whole[found.end() :]
    fields = (*texts[:field], plain, *texts[field + 1 :])
    return Demonstration(fields, field, found.start(), found[1], found[2], label, target)
