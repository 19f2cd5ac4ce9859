from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrafact.engines.syntax import (
    Language,
    statements,
    statements_touched,
    token_distance,
    tokens,
    tree_distance,
    trouble,
)
from contrafact.engines.syntax.distances import Tree, _zhang_shasha
from generators.code.edits import Edit, edited, intervention, measures

GUARDED = b"def half(x):\r\n\tif x % 2:  # odd\r\n\t\traise ValueError(x)\r\n\treturn x // 2\r\n"


def test_an_edit_leaves_every_other_byte() -> None:
    at = GUARDED.index(b"//")
    after = edited(GUARDED, Edit(at, at + 2, b"*", "arithmetic"))
    assert after == GUARDED.replace(b"//", b"*")
    assert intervention(GUARDED, Edit(at, at + 2, b"*", "arithmetic")) == {
        "variable": "code",
        "operation": "arithmetic",
        "before": "//",
        "after": "*",
        "where": f"bytes {at}:{at + 2}, line 4",
    }


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 10_000)])
def test_an_edit_outside_the_text_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="are not within a text of"):
        edited(GUARDED, Edit(start, stop, b"", "drop"))


def test_tokens_are_words_whole_strings_and_operators_without_comments() -> None:
    assert tokens(b"x = f('a b', 1.5)  # no\n", "python") == [b"x", b"=", b"f", b"(", b"'a b'", b",", b"1.5", b")"]
    assert tokens(b'int x = f("a b"); /* no */', "c") == [b"int", b"x", b"=", b"f", b"(", b'"a b"', b")", b";"]
    assert b"y" in tokens(b"x = f'a {y}'", "python")


@pytest.mark.parametrize(
    ("before", "after", "statements_", "tokens_", "tree"),
    [
        (b"if a < b:\n    c()\n", b"if a <= b:\n    c()\n", 1, 1, 1),
        (b"a = 1\nb = 2\n", b"a = 1\n", 1, 3, 5),
        (b"a = 1\n", b"a = 1  # said\n", 0, 0, 0),
        (b"def f(x):\n    if x:\n        raise E\n    return x\n", b"def f(x):\n    return x\n", 2, 5, 8),
        (b"f(a, b)\n", b"f(b, a)\n", 1, 2, 2),
    ],
)
def test_an_edit_is_measured(before: bytes, after: bytes, statements_: int, tokens_: int, tree: int) -> None:
    found = measures(before, after, "python")
    assert found == {"statements": statements_, "token_distance": tokens_, "tree_distance": tree}
    assert measures(after, before, "python") == found


def test_a_weakened_condition_in_c_touches_one_statement() -> None:
    before = b"int f(int n) { if (n < 10 && n > 0) { g(n); } return n; }"
    after = before.replace(b"n < 10 && ", b"")
    assert statements_touched(before, after, "c") == 1
    assert token_distance(before, after, "c") == 4
    assert len(statements(before, "c")) == 4


def test_troubles_say_where() -> None:
    assert trouble(GUARDED, "python") is None
    assert str(trouble(b"x = 1\nif x = 2:\n    pass\n", "python")).startswith("line 2, column 4: invalid syntax")
    assert str(trouble(b"def f(a, a): pass\n", "python")).endswith("duplicate argument 'a' in function definition")
    assert str(trouble(b"x = 1\0", "python")).startswith("line 1")
    strange = trouble(b"# coding: nonsense\nx = 1\n", "python")
    assert str(strange).startswith("line 1, column 1: ")
    assert trouble(b"int f(void) { return 1; }", "c") is None
    found = trouble(b"int f(void) {\n  return 1\n}", "c")
    assert found is not None
    assert found.line == 2
    assert "is missing" in found.reason


@pytest.mark.parametrize("language", ["python", "c"])
def test_code_nested_past_all_measure_is_still_compared(language: Language) -> None:
    deep = b"x = " + b"(" * 3000 + b"1" + b")" * 3000 + b";\n"
    assert tree_distance(deep, deep.replace(b"1", b"2"), language) >= 1
    assert token_distance(deep, deep.replace(b"1", b"2"), language) == 1


TREES = st.recursive(
    st.sampled_from("ab").map(lambda name: Tree((name, b""))),
    lambda below: st.builds(
        lambda name, children: Tree((name, b""), children),
        st.sampled_from("ab"),
        st.lists(below, min_size=1, max_size=3),
    ),
    max_leaves=5,
)


def slow(olds: tuple[Tree, ...], news: tuple[Tree, ...]) -> int:
    """The recursion over forests that the algorithm makes fast, as it is defined."""
    if not olds or not news:
        return sum(each.size for each in (*olds, *news))
    old, new = olds[-1], news[-1]
    return min(
        slow((*olds[:-1], *old.children), news) + 1,
        slow(olds, (*news[:-1], *new.children)) + 1,
        slow(olds[:-1], news[:-1]) + slow(old.children, new.children) + (old.label != new.label),
    )


@given(TREES, TREES)
def test_the_tree_distance_is_that_of_its_definition(old: Tree, new: Tree) -> None:
    if old.size * new.size <= 40:
        assert _zhang_shasha(old, new) == slow((old,), (new,))
