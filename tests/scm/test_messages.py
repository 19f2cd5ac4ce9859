"""Every error of the causal models says what is allowed or how to mend it, and those met first say both."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import UserError
from generators.scm import SCM, Additive, Categorical, Linear, Normal, Root, Uniform, Variable
from generators.scm.requests import read_request
from generators.scm.support import Support

FOLDER = Path(__file__).parents[2] / "generators" / "scm"
ERRORS = {"ModelError", "InterventionError", "RecipeError", "DataError", "PluginError", "MissingDependencyError"}


def raised(path: Path) -> Iterator[tuple[int, set[str | None]]]:
    """Line and keywords of each error that a file makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            yield node.lineno, {each.arg for each in node.keywords}


def test_no_error_leaves_its_reader_without_a_way_on() -> None:
    found = [(path.name, line, keys) for path in FOLDER.rglob("*.py") for line, keys in raised(path)]
    assert len(found) > 100
    assert [(name, line) for name, line, keys in found if not keys & {"allowed", "fix"}] == []


def ward() -> SCM:
    return SCM(
        "ward",
        [
            Variable("age", Root(Normal(50, 10)), Support(lower=0, upper=120)),
            Variable("arm", Categorical(["placebo", "drug"], [0.5, 0.5])),
            Variable("dose", Linear({"age": 0.1})),
        ],
    )


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: Support(lower=2, upper=1), "lower bound 2 is above upper bound 1"),
        (lambda: Support("real", levels=("a", "b")), "a support of kind real with levels"),
        (lambda: Support("categorical", levels=("a", "a")), "name one value twice"),
        (lambda: SCM("m", [Variable("x", Root()), Variable("x", Root())]), "variables named twice in 'm': x"),
        (lambda: SCM("m", []), "has no variables"),
        (lambda: SCM("m", [Variable("x", Root())], {"base": {}}), "cannot be called 'base'"),
        (lambda: SCM("m", [Variable("x", Additive("y"))]), "unknown parent 'y'"),
        (lambda: ward().in_domain("north"), "no domain 'north'"),
        (lambda: Uniform(3, 1), "uniform noise from 3 to 1 is empty"),
        (lambda: Normal(0, -1), "must be a positive"),
        (lambda: read_request({"do": {"age": 200}}, ward()), "age = 200 is out of bounds"),
        (lambda: read_request({"do": {"age": "old"}}, ward()), "age cannot be 'old'"),
        (lambda: read_request({"do": {"arm": "drag"}}, ward()), "no level 'drag'"),
        (lambda: read_request({"do": {"dose": "another"}}, ward()), "it has no bounds"),
        (lambda: read_request({"do": {"age": {"uniform": [2, 1]}}}, ward()), "age uniform on [2, 1]"),
        (lambda: read_request({"shift": {"arm": 1}}, ward()), "shift on 'arm', which is categorical"),
        (lambda: read_request({"shift": 1}, ward()), "shift: 1 names no variable"),
        (lambda: read_request({"do": {"age": 1}, "shift": {"age": 1}}, ward()), "two operations on 'age'"),
        (lambda: read_request({"domain": "another"}, ward()), "single environment"),
        (lambda: read_request({}, ward()), "changes nothing"),
    ],
)
def test_what_newcomers_get_wrong_says_what_is_allowed_and_the_fix(mistake: Callable[[], Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        mistake()
    assert words in caught.value.what
    assert caught.value.allowed
    assert caught.value.fix
