"""Templates of prompts and responses: text with ``{field}`` in it, filled in column by column.

Only names are allowed between the braces. Nothing of a template is evaluated, so that one from anywhere may be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

import pyarrow as pa

from contrafact.errors import DataError, RecipeError, did_you_mean

__all__ = ["Template", "read_template", "texts_of_column"]


@dataclass(frozen=True)
class Template:
    """A text with named holes.

    Attributes
    ----------
    text : str
        As it was written.
    parts : tuple of (str, str or None)
        What stands before each hole, and the hole's name; None after the last.
    """

    text: str
    parts: tuple[tuple[str, str | None], ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the holes, in order."""
        return tuple(name for _, name in self.parts if name is not None)

    def check(self, known: Iterable[str], where: str) -> None:
        """Raise ``RecipeError`` for a hole that nothing fills."""
        names = list(known)
        for name in self.fields:
            if name not in names:
                shown = [each for each in names if not each.startswith(("other.", "factual.", "counterfactual."))]
                raise RecipeError(
                    f"{where} asks for {{{name}}}, which these pairs do not have{did_you_mean(name, names)}",
                    allowed=", ".join(shown) + "; with other., factual. or counterfactual. before it that side's",
                )

    def filled(self, columns: Mapping[str, Sequence[str]], rows: int) -> list[str]:
        """One text a row.

        Parameters
        ----------
        columns : mapping of name to sequence of str, each of length ``rows``
        """
        if not self.fields:
            return ["".join(text for text, _ in self.parts)] * rows
        pieces: list[Sequence[str]] = []
        following = [text for text, _ in self.parts[1:]] + [""]
        for (text, name), after in zip(self.parts, following, strict=True):
            pieces += [[text] * rows] if text else []
            if name is not None:
                # Code ends with a new line of its own, and needs none more before the fence below it.
                pieces.append([value.rstrip("\n") for value in columns[name]] if after[:1] == "\n" else columns[name])
        return list(pieces[0]) if len(pieces) == 1 else ["".join(row) for row in zip(*pieces, strict=True)]


def read_template(text: str, where: str) -> Template:
    r"""Read a template. ``{{`` and ``}}`` are braces, ``\n`` and ``\t`` a new line and a tab.

    Parameters
    ----------
    where : str
        What a message should call it: ``--prompt``.

    Raises
    ------
    RecipeError
        For a brace that is alone, or more than a name between two.
    """
    plain = text.replace("\\n", "\n").replace("\\t", "\t")
    try:
        parsed = list(Formatter().parse(plain))
    except ValueError as error:
        raise RecipeError(f"{where} {text!r} is no template: {error}", fix="write {{ and }} for braces") from None
    parts: list[tuple[str, str | None]] = []
    for literal, name, form, conversion in parsed:
        if form or conversion or name == "":
            raise RecipeError(
                f"{where} {text!r} has {{{name}{'!' if conversion else ''}{':' if form else ''}…}} in it",
                allowed="names between braces, such as {text} or {other.label}",
                fix="write {{ and }} for braces",
            )
        parts.append((literal, name))
    return Template(text, tuple(parts))


def texts_of_column(column: pa.Array, levels: Sequence[str] | None, name: str) -> list[str]:
    """A column as text: names of classes, numbers in their shortest form, lists parted by commas; nothing for null.

    Raises
    ------
    DataError
        For a column that is no text, number or list of such, or a code that has no name.
    """
    kind = column.type
    inner = kind.value_type if pa.types.is_list(kind) else kind
    if pa.types.is_nested(inner) or pa.types.is_binary(inner) or pa.types.is_large_binary(inner):
        raise DataError(f"{name} holds {kind}, which cannot stand in a text", fix="leave it out of the template")
    values = column.to_pylist()
    if levels is None:
        return [_text(value) for value in values]
    try:
        return ["" if value is None else levels[value] for value in values]
    except IndexError:
        raise DataError(f"{name} holds a code that names none of {', '.join(levels)}") from None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
