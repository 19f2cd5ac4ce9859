"""README.md and docs/: every example is run, every link leads somewhere, and what claims to be complete is.

The word after a fence's language says what the block is:

``title=NAME``
    A file of that name, written into the page's own folder. A YAML file with a generator is built and validated.
``run``
    Run in that folder, in the page's order: Python by itself, ``sh`` line by line as commands of ours.
``output``
    What the block before it prints.
``fragment``
    Not run; it must parse.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.main import get_group

from contrafact.pipeline import run_local
from contrafact.plugins import find
from contrafact.recipe import Recipe, load_recipe, parse_yaml
from contrafact.record import PairShape, pair_schema
from contrafact.validation import validate
from filters import FILTERS
from flows.cli.app import app
from generators.scm.arithmetic import FUNCTIONS
from generators.scm.conformance import check_model
from generators.scm.generator import SCMGenerator
from generators.scm.grammar import CONSTANTS
from generators.scm.library import LIBRARY
from generators.scm.library.effects import confounded
from generators.scm.mechanisms import MECHANISMS
from generators.scm.noise import NOISES
from generators.scm.readers.fit import _FIT_KEYS as FIT_KEYS
from generators.scm.readers.forms import FORMS

ROOT = Path(__file__).parent.parent
PAGES = {path.name: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
FENCE = re.compile(r"^```(?P<info>[^`\n]*)\n(?P<body>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
MARKED = {"python", "yaml", "csv", "sh", "toml"}
CLIPS = {"physics"}
"""Generators of which a few units are as much work as hundreds of another's."""
MARKS = ("title", "run", "output", "fragment")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    marks: dict[str, str]
    body: str

    @property
    def title(self) -> str:
        return self.marks.get("title", "")

    @property
    def recipe(self) -> bool:
        return self.title.endswith(".yaml") and "\ngenerator:" in self.body

    def __str__(self) -> str:
        return f"{self.page}:{self.title or self.line}"


def blocks_of(page: str) -> Iterator[Block]:
    text = PAGES[page].read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        language, *words = match["info"].split() or [""]
        marks = {name: value for name, _, value in (word.partition("=") for word in words)}
        yield Block(page, text[: match.start()].count("\n") + 1, language, marks, match["body"])


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
COMMANDS = set(get_group(app).commands)


def write_files(page: str, folder: Path) -> Path:
    for block in BLOCKS:
        if block.page == page and block.title:
            (folder / block.title).write_text(block.body, encoding="utf-8")
    return folder


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def commands_of(block: Block) -> Iterator[list[str]]:
    for line in block.body.splitlines():
        words = shlex.split(line, comments=True)
        if words:
            assert words[0] == "contrafact", f"{block}: only our own commands are run, and {line!r} is none"
            yield words[1:]


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language in MARKED], ids=str)
def test_every_block_says_what_it_is(block: Block) -> None:
    known = block.language == "toml" or any(mark in block.marks for mark in MARKS)
    assert known, f"line {block.line}: add title=NAME, run or fragment"
    assert set(block.marks) <= set(MARKS)


@pytest.mark.parametrize("block", [each for each in BLOCKS if "fragment" in each.marks], ids=str)
def test_a_fragment_parses(block: Block) -> None:
    if block.language == "python":
        assert ast.parse(block.body).body
    elif block.language == "sh":
        for words in (shlex.split(line, comments=True) for line in block.body.replace("\\\n", " ").splitlines()):
            assert words[:1] != ["contrafact"] or words[1] in COMMANDS, f"{block}: {' '.join(words)}"
    else:
        assert all(isinstance(parse_yaml(line, str(block)), dict) for line in block.body.splitlines())


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.recipe], ids=str)
def test_a_recipe_builds_and_validates(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_files(block.page, tmp_path)
    monkeypatch.chdir(folder)
    clips = load_recipe(block.title)[0].generator.use in CLIPS
    recipe, path = load_recipe(block.title, rows=2 if clips else 200)
    manifest = run_local(recipe, path, folder / "made")
    assert manifest["accepted"] > 0
    found = validate(folder / "made")
    assert found.problems == []
    assert found.pairs == manifest["proposed"]
    if recipe.generator.use == "scm":  # an oracle: none of its labels may go unchecked
        assert found.recomputed == found.pairs


@pytest.mark.parametrize("page", [page for page in PAGES if any("run" in b.marks for b in BLOCKS if b.page == page)])
def test_a_page_runs_from_top_to_bottom(page: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = write_files(page, tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    printed = ""
    for block in (each for each in BLOCKS if each.page == page):
        if "output" in block.marks:
            assert printed.strip() == block.body.strip(), f"{block}: other output"
        elif "run" in block.marks and block.language == "python":
            printed = run([sys.executable, block.title], folder, environment)
        elif "run" in block.marks:
            for words in commands_of(block):
                # Commands run as they are written; those that need Prefect share the tests' one server.
                if words[0] == "build" and "--local" not in words:
                    environment["PREFECT_API_URL"] = request.getfixturevalue("prefect_server")
                printed = run([sys.executable, "-m", "flows", *words], folder, environment)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", PAGES[page].read_text(encoding="utf-8"))):
        place, _, anchor = target.partition("#")
        if "://" in place:
            continue
        file = PAGES[page].parent / place if place else PAGES[page]
        assert file.exists(), f"{target} leads nowhere"
        if anchor:  # as GitHub makes them out of headings
            heads = re.findall(r"^#+ (.*)$", FENCE.sub("", file.read_text(encoding="utf-8")), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target


def options_of(made: Any) -> list[str]:
    return [name for name in inspect.signature(made).parameters if name != "folder"]


def columns_of_the_envelope() -> list[str]:
    return list(pair_schema(PairShape([], pa.field("label", pa.string()))).names)


COMPLETE: dict[str, tuple[str, Iterable[str]]] = {
    "keys of a recipe": ("recipes.md", Recipe.model_fields),
    "options of the generator": ("recipes.md", options_of(SCMGenerator)),
    "filters": ("recipes.md", FILTERS),
    "options of filters": ("recipes.md", {name for each in FILTERS for name in options_of(find("filter", each))}),
    "columns of a pair": ("record.md", columns_of_the_envelope()),
    "mechanisms": ("scm.md", MECHANISMS),
    "noises": ("scm.md", NOISES),
    "models of the library": ("scm.md", LIBRARY),
    "constants of expressions": ("scm.md", CONSTANTS),
    "keys of fit": ("scm.md", FIT_KEYS),
}


@pytest.mark.parametrize("what", COMPLETE)
def test_a_page_that_claims_to_name_all_does(what: str) -> None:
    page, names = COMPLETE[what]
    text = PAGES[page].read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_functions_of_expressions_are_all_named() -> None:
    section = PAGES["scm.md"].read_text(encoding="utf-8").partition("## Expressions")[2].partition("\n## ")[0]
    assert [name for name in FUNCTIONS if not re.search(rf"\b{name}\b", section)] == []


@pytest.mark.parametrize("kind", FORMS)
def test_the_keys_of_a_mechanism_are_all_named(kind: str) -> None:
    row = re.search(rf"^\| `{kind}` \|.*$", PAGES["scm.md"].read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    keys = row[0].split(" | ")[-2]
    assert [key for key in FORMS[kind].keys if not re.search(rf"\b{key}\b", keys)] == []


def test_the_laws_of_conformance_are_all_named() -> None:
    text = PAGES["scm.md"].read_text(encoding="utf-8")
    laws = {check.name for check in check_model(confounded(), units=20).checks}
    assert [law for law in laws if f"| {law} |" not in text] == []


def test_the_manifests_keys_are_all_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_files("record.md", tmp_path))
    recipe, path = load_recipe("smokers.yaml", rows=50)
    text = PAGES["record.md"].read_text(encoding="utf-8")
    assert [key for key in run_local(recipe, path, tmp_path / "made") if f"`{key}`" not in text] == []
