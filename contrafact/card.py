"""The dataset card: a README.md from what the run found, with the header by which ``load_dataset`` finds the files.

It is made from the manifest, the recipe, the results of an audit where there is one, and one pair that is read. No
plug-in is asked, so that it can be written again anywhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from contrafact.publishing.configs import Config, configs_of
from contrafact.publishing.facts import schema_of
from contrafact.publishing.licences import hub_licence
from contrafact.publishing.showing import (
    audit_rows,
    cell,
    drawn_graph,
    exact_meaning,
    example_pair,
    interval,
    kind_text,
    share,
    type_rows,
)
from contrafact.publishing.telling import citations_of, inputs_of
from contrafact.recipe import Recipe
from contrafact.store.atomic import write_text
from contrafact.store.layout import RunDirectory

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["Home", "is_made", "kind_text", "render_card", "write_card"]

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
    (10_000_000_000, "1B<n<10B"),
)
_REASONS_SHOWN = 20
_MADE = re.compile(r"\n<!-- made by contrafact from the run: ([0-9a-f]{16}) -->\s*\Z")
_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("agreement", "interventions", "scores", "notes", "inputs", "citations"), ()),
    "model_origin": None,
    "graph": None,
    "label_moves": {},
    "advice": {},
}
"""What a dataset tells of itself that an earlier version built."""


@dataclass(frozen=True)
class Home:
    """Where the readers of a card find the dataset.

    Attributes
    ----------
    repository : str, optional
        ``namespace/name`` on the Hub; None for a folder.
    revision : str, optional
        Branch, where it is not ``main``.
    hidden : bool
        Whether the hidden truth lies there too.
    endpoint : str
        Address of the Hub.
    """

    repository: str | None = None
    revision: str | None = None
    hidden: bool = True
    endpoint: str = "https://huggingface.co"

    @property
    def page(self) -> str | None:
        """Address of the dataset's page."""
        return f"{self.endpoint}/datasets/{self.repository}" if self.repository else None

    @property
    def address(self) -> str | None:
        """What the paths of files are put behind to read them from the Hub."""
        return f"{self.page}/resolve/{quote(self.revision or 'main', safe='')}" if self.repository else None

    def load(self, name: str, config: str | None = None) -> str:
        """The call of ``load_dataset`` that reads a configuration of the dataset ``name``."""
        place = self.repository or f"path/to/{name}"
        words = [f'"{place}"', *([f'"{config}"'] if config else [])]
        if self.repository and self.revision:
            words.append(f'revision="{self.revision}"')
        return f"load_dataset({', '.join(words)})"


def write_card(directory: RunDirectory, manifest: Mapping[str, Any], recipe: Recipe) -> None:
    """Write the card of a complete dataset."""
    write_text(directory.card, render_card(directory, manifest, recipe))


def render_card(directory: RunDirectory, manifest: Mapping[str, Any], recipe: Recipe, home: Home | None = None) -> str:
    """The card's text.

    Parameters
    ----------
    home : Home, optional
        Where its readers find the dataset; the folder itself unless given.
    """
    home = home or Home()
    told = _EMPTY | manifest.get("about", {})
    configs = configs_of(directory.path, manifest, hidden=home.hidden)
    own = [config for config in configs if not config.view]
    schema = schema_of(own[0].paths(directory.path)) if own else None
    reasons = list(manifest["reasons"].items())
    shown = reasons[:_REASONS_SHOWN]
    licence, licence_name = hub_licence(recipe.licence) if recipe.licence else ("", "")
    text = _template().render(
        manifest=manifest,
        about=told,
        recipe=recipe,
        home=home,
        configs=configs,
        names=[config.name for config in configs],
        loads=_loads(configs, home, manifest["name"]),
        licence=licence,
        licence_name=licence_name,
        size=next((name for limit, name in _SIZES if manifest["accepted"] < limit), "10B<n<100B"),
        reasons=shown,
        other_reasons=len(reasons) - len(shown),
        other_rejected=manifest["rejected"] - sum(count for _, count in shown),
        also=list(manifest["also"].items())[:_REASONS_SHOWN],
        columns=type_rows(schema),
        example=example_pair(directory),
        graph=drawn_graph(told.get("graph")),
        exact_meaning=exact_meaning(manifest),
        audit=audit_rows(directory.path, manifest["identity"]),
        inputs=inputs_of(recipe, told),
        plugins=directory.plugins.is_dir(),
        citations=citations_of(recipe, told),
    )
    return f"{text.rstrip()}\n\n<!-- made by contrafact from the run: {_digest(text)} -->\n"


def is_made(text: str) -> bool:
    """Whether a card is as some version of contrafact made it: nobody has changed it by hand."""
    found = _MADE.search(text)
    return found is not None and _digest(text[: found.start()]) == found[1]


def _digest(text: str) -> str:
    return hashlib.sha256(text.rstrip().encode()).hexdigest()[:16]


def _loads(configs: Iterable[Config], home: Home, name: str) -> list[tuple[str, str]]:
    """A line of Python for each configuration, and what it gives; aligned."""
    lines = []
    for config in configs:
        variable, says = _LINES.get(config.name, (_variable(config.name), f"the view {config.name!r} of the pairs"))
        lines.append((f"{variable} = {home.load(name, None if config.default else config.name)}", says))
    width = max((len(code) for code, _ in lines), default=0)
    return [(code.ljust(width), says) for code, says in lines]


def _variable(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)


_LINES = {
    "pairs": ("pairs", "accepted pairs"),
    "rejected": ("rejects", "what the filters turned away, with reasons"),
    "hidden": ("truth", "noise and latent variables, by pair_id: never an input"),
}


@cache
def _template() -> Template:
    """The card's template: reading it takes longer than a small build."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, autoescape=False)  # noqa: S701  # Markdown
    environment.filters.update(cell=cell, share=share, number=_number)
    environment.globals.update(interval=interval)
    return environment.get_template("card.md.jinja")


def _number(value: float | None, form: str = ",") -> str:
    return "unknown" if value is None else format(value, form)
