"""One file from its parts: style and script inline, data compressed, and a policy that lets nothing else load."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from contrafact.report.charts import percent
from contrafact.report.fields import Field, fields_of
from contrafact.report.media import QUICK_BUDGET, Pictures
from contrafact.report.overview import overview
from contrafact.report.packing import blocks_of, index_of, packed
from contrafact.report.reading import MOST, Shown

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["page_of"]

_ASSETS = Path(__file__).resolve().parent / "assets"
_STYLES = ("style.css", "pairs.css")
_SCRIPTS = ("dom.js", "unpack.js", "words.js", "syntax.js", "members.js", "media.js", "values.js", "pair.js",
            "filters.js", "list.js", "review.js", "main.js")  # fmt: skip


def page_of(
    shown: Shown,
    manifest: Mapping[str, Any],
    recipe: Mapping[str, Any],
    folder: Path,
    *,
    findings: Sequence[Mapping[str, Any]] = (),
    advice: bool = False,
    review: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """The page, piece by piece. The same dataset gives the same text every time.

    Parameters
    ----------
    shown : Shown
        The pairs that it holds.
    recipe : mapping
        The resolved recipe.
    folder : Path
        The run directory, where media lie.
    findings : sequence of mapping
        Sections that other commands left (:mod:`contrafact.report.findings`).
    advice : bool
        Whether this is the quick page of a build: it says how a page of more pairs is made, and has fewer pictures.
    review : mapping, optional
        What the script needs to store marks; only a server gives it.
    """
    fields = fields_of(shown)
    found = overview(shown, fields, manifest, recipe)
    yield _template().render(
        found.context,
        policy=_policy(served=review is not None),
        style=Markup(_style()),  # noqa: S704  # our own files
        findings=findings,
        advice=advice,
        most=MOST,
        percent=percent,
        settings=None if review is None else Markup(_embedded(review)),  # noqa: S704  # made safe there
    )
    pictures = Pictures(folder, QUICK_BUDGET) if advice else Pictures(folder)
    yield from _data(shown, fields, manifest, pictures, found.front)
    yield f"<script>{_script()}</script>\n</body>\n</html>\n"


def _data(
    shown: Shown, fields: Sequence[Field], manifest: Mapping[str, Any], pictures: Pictures, front: Sequence[int]
) -> Iterator[str]:
    graph = (manifest.get("about") or {}).get("graph")
    yield _element("index", packed(index_of(shown, fields, graph, front)))
    for number, block in enumerate(blocks_of(shown, fields, pictures)):
        yield _element(f"block-{number}", packed(block))


def _element(name: str, content: str) -> str:
    return f'<script type="application/octet-stream" id="{name}">{content}</script>\n'


def _embedded(value: Any) -> str:
    """JSON that no HTML parser reads anything else into."""
    return json.dumps(value).replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


@cache
def _style() -> str:
    return "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in _STYLES)


@cache
def _script() -> str:
    parts = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_ASSETS),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja")


def _policy(*, served: bool) -> str:
    """Content Security Policy: this style and script by their hashes, pictures out of the page, and nothing else."""
    ours = {kind: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            for kind, text in (("style", _style()), ("script", _script()))}  # fmt: skip
    rules = [
        "default-src 'none'",
        f"style-src 'sha256-{ours['style']}'",
        f"script-src 'sha256-{ours['script']}'",
        "img-src data:",
        "connect-src 'self'" if served else "connect-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)
