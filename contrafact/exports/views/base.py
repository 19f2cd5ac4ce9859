"""What a view is: a function from the pairs of one shard to rows, decided once for a dataset before any work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from contrafact.errors import DataError, RecipeError, did_you_mean
from contrafact.exports.forms import Form, form_of
from contrafact.exports.members import field_names
from contrafact.exports.templates import Template, read_template
from contrafact.record import levels_of
from contrafact.store.parquet import StoredFile

__all__ = ["Dataset", "Options", "View", "chosen_label", "prompt_of", "template_of"]


@dataclass(frozen=True)
class Options:
    """What the user decides about a view; what is None is decided by the dataset's form.

    Attributes
    ----------
    prompt, response, text : str, optional
        Templates.
    chosen : str, optional
        Label of the member to prefer.
    chat : bool
        Whether prompts and responses are messages of a conversation, or plain text.
    ids : bool, optional
        Whether rows name their pair and group; the view's own default unless given.
    """

    prompt: str | None = None
    response: str | None = None
    chosen: str | None = None
    text: str | None = None
    chat: bool = False
    ids: bool | None = None

    def given(self) -> dict[str, Any]:
        """What was decided otherwise than by default."""
        told = {name: getattr(self, name) for name in ("prompt", "response", "chosen", "text", "ids")}
        return {name: value for name, value in told.items() if value is not None} | (
            {"chat": True} if self.chat else {}
        )


@dataclass(frozen=True)
class Dataset:
    """A finished dataset, as an export sees it.

    Attributes
    ----------
    files : mapping of split to list of StoredFile
        Files of accepted pairs, in order.
    """

    path: Path
    manifest: Mapping[str, Any]
    schema: pa.Schema
    files: Mapping[str, Sequence[StoredFile]]

    @property
    def levels(self) -> tuple[str, ...] | None:
        """Names of the class labels; None for another kind of label."""
        return levels_of(self.schema.field("label"))

    @property
    def form(self) -> Form:
        return form_of(self.schema)


class View(ABC):
    """One view of one dataset. Making it checks whether the dataset can give it.

    Attributes
    ----------
    options : frozenset of str
        Fields of :class:`Options` that mean something to it.
    left_out : Counter of str
        Rows that were not made, by reason.
    rows_are : str
        What one row is.
    library : str
        What loads it.
    """

    name: ClassVar[str]
    options: ClassVar[frozenset[str]] = frozenset()
    rows_are: ClassVar[str]
    library: ClassVar[str]

    def __init__(self, dataset: Dataset, options: Options) -> None:
        self.dataset, self.settings = dataset, options
        self.left_out: Counter[str] = Counter()
        for given in options.given():
            if given not in self.options:
                takers = ", ".join(sorted(self.options)) or "no option"
                raise RecipeError(f"the view {self.name} does nothing with --{given}", allowed=takers)

    @abstractmethod
    def rows(self, pairs: pa.Table) -> pa.Table:
        """Rows of some pairs, among which every control stands with its pair."""

    def told(self) -> dict[str, Any]:
        """The templates and labels that were used, for the record of the export."""
        return {}

    def leave_out(self, reason: str, count: int) -> None:
        """Count rows that are not made."""
        if count:
            self.left_out[reason] += count

    def refuse(self, why: str, fix: str) -> DataError:
        """The error for a dataset that cannot give this view."""
        return DataError(f"{self.dataset.path} cannot be exported as {self.name}: {why}", fix=fix)


def template_of(view: View, given: str | None, default: str, option: str, needs: str) -> Template:
    """The template that a user gave or the form has, with every hole checked.

    Raises
    ------
    DataError
        Where there is neither.
    RecipeError
        For a hole that nothing fills.
    """
    names = field_names(view.dataset.schema)
    if given is None and not default:
        plain = [each.name for each in view.dataset.schema.field("factual").type]
        example = f'--{option} "… {{{plain[0]}}} …"' if plain else f"--{option}"
        raise view.refuse(
            f"{needs}, and their members ({', '.join(plain)}) do not tell it", f"write it as a template: {example}"
        )
    template = read_template(default if given is None else given, f"--{option}")
    template.check(names, f"--{option}")
    if view.dataset.levels is None and "labels" in template.fields:
        raise RecipeError(f"--{option} asks for {{labels}}, and the labels of these pairs are no classes")
    return template


def prompt_of(view: View, default: str, needs: str = "there is nothing to ask") -> Template:
    """The template of a prompt. Ours end a line where no conversation does: a response is written right after it."""
    ending = "\n" if default and not view.settings.chat else ""
    return template_of(view, view.settings.prompt, f"{default}{ending}", "prompt", needs)


def chosen_label(view: View) -> str:
    """The label of the member to prefer; empty where each member's own answer is."""
    chosen = view.settings.chosen
    if chosen is None:
        return view.dataset.form.preferred
    levels = view.dataset.levels
    if levels is None:
        raise view.refuse("--chosen names a label, and its labels are no classes", "leave --chosen out")
    if chosen not in levels:
        raise RecipeError(f"--chosen {chosen!r} is no label{did_you_mean(chosen, levels)}", allowed=", ".join(levels))
    return chosen
