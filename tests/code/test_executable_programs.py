"""Drawn programs: well typed, printed as Python that means the same, run alike by our interpreter and by CPython."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from contrafact.engines.sandbox import open_sandbox
from generators.code.executable.abduction import combinations, tabulate
from generators.code.executable.drawing import Draw, Knobs
from generators.code.executable.evaluating import EndlessError, compiled
from generators.code.executable.expressions import plus, sum_of
from generators.code.executable.families import FAMILIES, flow_of, group_of
from generators.code.executable.printing import expression_text, source_of
from generators.code.executable.pruning import without_unread
from generators.code.executable.sandboxed import Run, run_all
from generators.code.executable.syntax import (
    Assign,
    Binary,
    Both,
    Call,
    Compare,
    Expression,
    Function,
    If,
    Item,
    Name,
    Num,
    Program,
    Return,
    Slice,
    Text,
    Update,
    While,
    check_types,
)
from tests.code.executables import drafts

every_family = pytest.mark.parametrize("family", FAMILIES)


def function(*body: Assign | If | Return | Update | While, name: str = "f") -> Program:
    return (Function(name, (("x", "int"), ("r", "int")), "int", body),)


@every_family
def test_drawn_programs_are_well_typed_and_parse(family: str) -> None:
    for draft in drafts(family, 150):
        check_types(draft.program)
        tree = ast.parse(source_of(draft.program))
        assert [each.name for each in tree.body if isinstance(each, ast.FunctionDef)] == [
            each.name for each in draft.program
        ]


@every_family
def test_what_is_printed_is_what_python_would_print(family: str) -> None:
    """Python's own unparser puts brackets where they are needed and nowhere else, as ours has to."""
    for draft in drafts(family, 150):
        source = source_of(draft.program)
        ours = ast.unparse(ast.parse(source)).replace("'", '"')
        assert ours.split() == source.split()


@every_family
def test_no_variable_shadows_a_function_and_none_is_set_for_nothing(family: str) -> None:
    for draft in drafts(family, 100):
        functions = {each.name for each in draft.program}
        tree = ast.parse(source_of(draft.program))
        stored = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        loaded = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
        assert not functions & (stored | {draft.visible, *draft.domain})
        assert stored <= loaded
        assert loaded >= set(draft.domain), source_of(draft.program)


@pytest.mark.system("bubblewrap")
@every_family
def test_our_interpreter_and_cpython_agree_on_every_hidden_value(family: str) -> None:
    found = [(draft, combinations(draft.domain)) for draft in drafts(family, 60, Knobs(depth=3))]
    sandbox = open_sandbox({})
    told = run_all(
        sandbox, [Run(source_of(draft.program), (draft.fact, draft.other), draft.domain) for draft, _ in found]
    )
    sandbox.close()
    compared = 0
    for (draft, hidden), tables in zip(found, told, strict=True):
        call = compiled(draft.program, 10_000)
        ours = [tabulate(call, given, hidden) for given in (draft.fact, draft.other)]
        if not any(isinstance(each, str) for each in ours):
            assert json.dumps(ours) == json.dumps(tables), source_of(draft.program)
            compared += 1
    assert compared >= 50


def test_the_interpreter_does_what_each_part_of_the_language_means() -> None:
    tests: dict[Expression, Any] = {
        Binary("//", Num(-7 + 9), Name("x")): 2 // 3,
        Binary("%", sum_of([(-2, "x")], 0), Num(4)): -6 % 4,
        Call("max", (Name("x"), Num(2))): 3,
        Call("len", (Text("abc"),)): 3,
        Item(Text("abc"), Num(1)): "b",
        Slice(Text("abc"), Num(1), None): "bc",
        Slice(Text("abc"), None, Num(1)): "a",
        Compare("in", Text("b"), Text("abc")): True,
        Both("and", Compare("<", Num(1), Num(2)), Compare(">", Num(1), Num(2))): False,
        Both("or", Compare("!=", Num(1), Num(2)), Compare("==", Num(1), Num(2))): True,
        sum_of([(-1, "r"), (2, "x")], -5): 6 - 4 - 5,
        plus(Name("x"), sum_of([(1, "r")], -1)): 3 + 4 - 1,
    }
    for node, value in tests.items():
        call = compiled(function(Return(node)), 10)
        assert call(3, 4) == value, expression_text(node)


def test_loops_end_at_their_budget_and_faults_are_told() -> None:
    endless = function(While(Compare(">", Num(1), Num(0)), (Assign("y", Name("x")),)), Return(Name("x")))
    with pytest.raises(EndlessError):
        compiled(endless, 50)(1, 1)
    assert tabulate(compiled(endless, 50), 1, [(0,)]) == "a loop takes too many turns for some hidden value"
    division = function(Return(Binary("//", Name("x"), Name("r"))))
    assert tabulate(compiled(division, 9), 6, [(2,), (3,)]) == [3, 2]
    assert tabulate(compiled(division, 9), 6, [(2,), (0,)]) == "ZeroDivisionError for some hidden value"
    large = function(Return(Binary("*", Name("x"), Num(1000))))
    assert tabulate(compiled(large, 9), 6000, [(2,)]) == "a result is too large"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ((Return(Name("y")),), "read before"),
        ((Return(Text("a")),), "str where int"),
        ((Return(Binary("-", Text("a"), Text("b"))),), "str where int"),
        ((Return(Compare("<", Name("x"), Num(1))),), "bool where int"),
        ((If(Name("x"), (Return(Num(1)),)), Return(Num(2))), "int where bool"),
        ((If(Compare("<", Name("x"), Num(1)), (Assign("y", Num(1)),)), Return(Name("y"))), "read before"),
        ((If(Compare("<", Name("x"), Num(1)), (Return(Num(1)),)),), "may end without"),
        ((Assign("y", Text("a")), Assign("y", Num(1)), Return(Name("y"))), "int where str"),
    ],
)
def test_a_program_with_a_wrong_type_is_found(body: tuple[Return, ...], what: str) -> None:
    with pytest.raises(TypeError, match=what):
        check_types(function(*body))


def test_a_branch_that_returns_sets_nothing_that_is_missed() -> None:
    test = Compare("<", Name("x"), Num(1))
    check_types(function(If(test, (Return(Num(1)),), (Assign("y", Num(1)),)), Return(Name("y"))))


def test_what_is_only_set_is_dropped_and_what_is_read_stays() -> None:
    turn = (Update("x", "-", Num(1)), Update("steps", "+", Num(1)), Update("total", "+", Name("x")))
    loop = While(Compare(">", Name("x"), Num(0)), turn)
    block = (Assign("steps", Num(0)), Assign("total", Num(0)), loop, Return(Name("total")))
    kept = without_unread(block)
    assert kept == (block[1], While(loop.test, (turn[0], turn[2])), block[3])
    assert compiled(function(*kept), 99)(5, 0) == compiled(function(*block), 99)(5, 0) == 10


def test_groups_are_families_flows_or_programs() -> None:
    test = Compare("<", Name("x"), Num(1))
    one = function(If(test, (Return(Num(1)),)), Return(Num(2)))
    other = function(If(Compare(">", Name("r"), Num(5)), (Return(Name("x")),)), Return(Num(2)), name="g")
    loop = function(While(test, (Update("x", "+", Num(1)),)), Return(Name("x")))
    assert flow_of(one) == flow_of(other) == "i(r)r"
    assert flow_of(loop) == "w(a)r"

    def groups(split_by: str) -> list[str]:
        return [group_of("f", each, source_of(each), split_by) for each in (one, other, loop)]  # type: ignore[arg-type]

    assert len(set(groups("family"))) == 1
    assert len(set(groups("flow"))) == 2
    assert len(set(groups("program"))) == 3


def test_draws_reach_both_ends_and_go_on_in_the_next_lane() -> None:
    draw = Draw([0.0, 0.999999], lambda lane: [lane / 10] * 3)
    assert (draw.between(3, 7), draw.between(3, 7)) == (3, 7)
    assert [draw.uniform() for _ in range(4)] == [0.1, 0.1, 0.1, 0.2]
    assert draw.distinct(1, 3, 5) == [1, 2, 3]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_depth_is_the_depth_of_branches(depth: int) -> None:
    def deepest(node: ast.AST) -> int:
        inside = max((deepest(child) for child in ast.iter_child_nodes(node)), default=0)
        return inside + isinstance(node, ast.If)

    found = [deepest(ast.parse(source_of(each.program))) for each in drafts("if_else", 200, Knobs(depth=depth))]
    assert max(found) == depth
    assert min(found) == 1


def test_branches_is_the_length_of_the_chain() -> None:
    for branches in (4, 8):
        lengths = [
            source_of(each.program).count("elif") + 2 for each in drafts("if_else_long", 150, Knobs(1, branches))
        ]
        assert max(lengths) == branches + 2
        assert min(lengths) >= branches - 1
