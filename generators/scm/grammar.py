"""The small language of mechanisms: a walk over Python's own syntax tree that admits a whitelist and nothing else.

Nothing is ever executed as Python: each admitted node becomes a node of ``arithmetic``, each other one an
``ExpressionError`` that says what was found and where.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from contrafact.errors import ExpressionError, did_you_mean
from generators.scm.arithmetic import FUNCTIONS, apply, chain
from generators.scm.logic import all_of, any_of, choose, compare, negated, truth
from generators.scm.nodes import Frame, Node, Ufunc, column, number

__all__ = ["CONSTANTS", "MAX_DEPTH", "MAX_LENGTH", "Walk", "parse"]

MAX_LENGTH = 2000
MAX_DEPTH = 64
CONSTANTS: dict[str, float | bool] = {"pi": math.pi, "e": math.e, "true": True, "false": False}

_LANGUAGE = (
    "numbers, names, + - * / // % **, comparisons, and/or/not, `a if c else b`, name == 'level', "
    "name in ('level', 'level'), and the functions " + ", ".join(FUNCTIONS)
)
_LEVELS = "name == 'level', name != 'level', name in ('level', 'level')"
_OPERATORS: dict[type[ast.operator], Ufunc] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.remainder,
    ast.Pow: np.power,
}
_COMPARISONS: dict[type[ast.cmpop], Ufunc] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
_WORDS: dict[type[ast.AST], str] = {
    ast.Attribute: "an attribute (x.y)",
    ast.Subscript: "an index (x[...])",
    ast.Lambda: "a lambda",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment (:=)",
    ast.Starred: "a star",
    ast.Tuple: "a tuple",
    ast.List: "a list",
    ast.Set: "a set",
    ast.Dict: "a dictionary",
}


def parse(text: str) -> ast.expr:
    """Syntax tree of an expression, after the limits on its text.

    Raises
    ------
    ExpressionError
        For a text that is empty, over 2,000 characters, nested over 64 deep, or no expression at all.
    """
    if not text:
        raise ExpressionError(
            "the expression is empty", allowed=_LANGUAGE, fix='write one, such as "0.5*age + tanh(dose)"'
        )
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression has {len(text):,} characters",
            allowed=f"at most {MAX_LENGTH:,}",
            fix="use a Python function",
        )
    _scan(text)
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        where = f" at column {error.offset}" if error.offset else ""
        raise ExpressionError(f"{_quoted(text)} is no expression: {error.msg}{where}", allowed=_LANGUAGE) from None
    except (RecursionError, MemoryError, ValueError):
        raise _too_deep(text) from None


def _scan(text: str) -> None:
    # Before the parser sees it: nesting would recurse in C, and a comment would be dropped without a word.
    depth, quote = 0, ""
    for position, character in enumerate(text, start=1):
        if character in "\\\0" or (character == "#" and not quote):
            raise ExpressionError(f"{_quoted(text)} has {character!r} at column {position}", allowed=_LANGUAGE)
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character in "([{") - (character in ")]}")
        if depth > MAX_DEPTH:
            raise _too_deep(text)


def _too_deep(text: str) -> ExpressionError:
    return ExpressionError(
        f"{_quoted(text)} is nested too deep", allowed=f"{MAX_DEPTH} levels", fix="split it over several variables"
    )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


class Walk:
    """One walk over a tree; ``names`` fills with the free names and where they first stand."""

    def __init__(self, text: str, levels: Mapping[str, Sequence[str]], known: Collection[str] | None) -> None:
        self.text, self.levels, self.known = text, levels, known
        self.names: dict[str, int] = {}
        self._bytes = text.encode()  # the tree counts in bytes of UTF-8

    def node(self, tree: ast.expr, depth: int = 0) -> Node:
        """Compile ``tree``. Raises ``ExpressionError`` for whatever is not in the language."""
        if depth > MAX_DEPTH:
            raise _too_deep(self.text)
        return self._finite(tree, self._made(tree, depth + 1))

    def _finite(self, tree: ast.expr, made: Node) -> Node:
        if made.constant is not None and not math.isfinite(made.constant):
            source = self._source(tree)
            raise self._error(tree, f"{_quoted(source)} is not a finite number", allowed="finite numbers")
        return made

    def _made(self, tree: ast.expr, depth: int) -> Node:
        match tree:
            case ast.Constant():
                return self._constant(tree)
            case ast.Name():
                return self._name(tree)
            case ast.BinOp():
                return self._binary(tree, depth)
            case ast.UnaryOp():
                return self._unary(tree, depth)
            case ast.BoolOp():
                nodes = [self.node(value, depth) for value in tree.values]
                return all_of(nodes) if isinstance(tree.op, ast.And) else any_of(nodes)
            case ast.Compare():
                return self._compare(tree, depth)
            case ast.IfExp():
                return choose(self.node(tree.test, depth), self.node(tree.body, depth), self.node(tree.orelse, depth))
            case ast.Call():
                return self._call(tree, depth)
        raise self._error(tree, f"{_WORDS.get(type(tree), type(tree).__name__)} is not part of the language")

    def _constant(self, tree: ast.Constant) -> Node:
        value = tree.value
        if isinstance(value, bool):
            return number(value)
        if isinstance(value, int | float):
            try:
                return number(float(value))
            except OverflowError:
                raise self._error(
                    tree, "a number of this size is not a finite number", allowed="finite numbers"
                ) from None
        if isinstance(value, str):
            raise self._error(
                tree, f"the text {value!r} stands alone", fix=f"compare it with a variable: arm == {value!r}"
            )
        raise self._error(tree, f"{value!r} is not part of the language")

    def _name(self, tree: ast.Name) -> Node:
        if tree.id in CONSTANTS and tree.id not in self.levels and tree.id not in (self.known or ()):
            return number(CONSTANTS[tree.id])
        name = self._checked(tree)
        if name in self.levels:
            level = self.levels[name][0]
            raise self._error(
                tree, f"{name} is categorical and no number", fix=f"compare it with a level: {name} == {level!r}"
            )
        return column(name)

    def _checked(self, tree: ast.Name) -> str:
        name = tree.id
        # Python folds look-alike letters into plain ones (NFKC); a name must be what it looks like.
        if self._source(tree) != name or not (name.isascii() or name in (self.known or ())):
            raise self._error(tree, f"the name {name!r} has letters outside ASCII", fix="rename the variable")
        if self.known is not None and name not in self.known:
            function = name in FUNCTIONS
            hint = f"; {name} is a function" if function else did_you_mean(name, [*self.known, *CONSTANTS])
            raise self._error(
                tree,
                f"unknown name {name!r}{hint}",
                allowed=", ".join(self.known) or "no names here",
                fix=f"write {name}(...)" if function else None,
            )
        if self.known is None and name in FUNCTIONS:
            raise self._error(tree, f"{name} is a function, not a value", fix=f"write {name}(...)")
        place = self._column(tree)
        self.names[name] = min(place, self.names.get(name, place))
        return name

    def _binary(self, tree: ast.BinOp, depth: int) -> Node:
        # Down the left side in a loop: `a + b + c + ...` is one level, however long.
        spine: list[ast.BinOp] = [tree]
        while isinstance(spine[-1].left, ast.BinOp):
            spine.append(spine[-1].left)
        made = self.node(spine[-1].left, depth)
        steps: list[tuple[Ufunc, Node]] = []
        for part in reversed(spine):
            operator = _OPERATORS.get(type(part.op))
            if operator is None:
                raise self._error(part, f"the operator {type(part.op).__name__} is not part of the language")
            right = self.node(part.right, depth)
            if steps or made.constant is None or right.constant is None:
                steps.append((operator, right))
            else:
                made = self._finite(part, chain(made, [(operator, right)]))
        return chain(made, steps)

    def _unary(self, tree: ast.UnaryOp, depth: int) -> Node:
        made = self.node(tree.operand, depth)
        match tree.op:
            case ast.Not():
                return negated(truth(made))
            case ast.USub():
                return apply(np.negative, made)
            case ast.UAdd():
                return apply(np.positive, made)
        raise self._error(tree, "the operator ~ is not part of the language", fix="write not")

    def _call(self, tree: ast.Call, depth: int) -> Node:
        if not isinstance(tree.func, ast.Name):
            raise self._error(tree.func, f"{_WORDS.get(type(tree.func), 'this')} cannot be called")
        name = self._source(tree.func)
        if name not in FUNCTIONS:
            raise self._error(
                tree, f"unknown function {name!r}{did_you_mean(name, FUNCTIONS)}", allowed=", ".join(FUNCTIONS)
            )
        if tree.keywords:
            raise self._error(tree, f"{name} takes no named arguments", fix="give them in order, without names")
        least, most, build = FUNCTIONS[name]
        given = len(tree.args)
        if not least <= given <= most:
            count = str(least) if least == most else f"{least} to {most}"
            raise self._error(tree, f"{name} has {given} arguments", allowed=count)
        return build([self.node(argument, depth) for argument in tree.args])

    def _compare(self, tree: ast.Compare, depth: int) -> Node:
        sides = [tree.left, *tree.comparators]
        levels = any(map(self._categorical, sides)) or any(isinstance(op, ast.In | ast.NotIn) for op in tree.ops)
        if levels and len(tree.ops) == 1:
            return self._level_pair(tree.left, tree.ops[0], sides[1])
        comparisons = []
        for op in tree.ops:
            if levels or type(op) not in _COMPARISONS:
                raise self._error(
                    tree, "a comparison of this kind is not part of the language", fix="compare two at a time"
                )
            comparisons.append(_COMPARISONS[type(op)])
        return compare([self.node(side, depth) for side in sides], comparisons)

    def _categorical(self, side: ast.expr) -> bool:
        return _is_text(side) or (isinstance(side, ast.Name) and side.id in self.levels)

    def _level_pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Node:
        inside = isinstance(op, ast.In | ast.NotIn)
        if _is_text(left) and not inside:
            left, right = right, left
        if not isinstance(left, ast.Name) or not isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
            raise self._error(left, "levels are compared with a categorical name only", allowed=_LEVELS)
        name = self._checked(left)
        if inside and (not isinstance(right, ast.Tuple | ast.List) or not right.elts):
            raise self._error(right, f"{name} must be in a list of levels", allowed=_LEVELS)
        if name in self.levels and isinstance(right, ast.Name) and right.id in self.levels:
            same = self._same_levels(left, right)
        else:
            texts = right.elts if isinstance(right, ast.Tuple | ast.List) else [right]
            same = _among(name, [self._code(left, text) for text in texts])
        return same if isinstance(op, ast.Eq | ast.In) else negated(same)

    def _same_levels(self, left: ast.Name, right: ast.Name) -> Node:
        one, two = left.id, self._checked(right)
        if tuple(self.levels[one]) != tuple(self.levels[two]):
            raise self._error(left, f"{one} and {two} have different levels", allowed="variables with the same levels")
        return Node(lambda frame: np.equal(frame[one], frame[two]), boolean=True)

    def _code(self, variable: ast.Name, text: ast.expr) -> int:
        name = variable.id
        if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
            raise self._error(
                text, f"{name} can only be compared with its levels, written in quotes", fix=f"{name} == 'level'"
            )
        if name not in self.levels:
            raise self._error(
                variable,
                f"{name} is compared with the text {text.value!r}, but its levels are not known here",
                allowed=f"categorical names: {', '.join(self.levels) or 'none'}",
                fix=f"in Python: Expression(text, levels={{{name!r}: [...]}})",
            )
        levels = [str(level) for level in self.levels[name]]
        if text.value not in levels:
            hint = did_you_mean(text.value, levels)
            raise self._error(text, f"{name} has no level {text.value!r}{hint}", allowed=", ".join(levels))
        return levels.index(text.value)

    def _column(self, tree: ast.expr) -> int:
        return len(self._bytes[: tree.col_offset].decode()) + 1

    def _source(self, tree: ast.expr) -> str:
        return self._bytes[tree.col_offset : tree.end_col_offset].decode()

    def _error(self, tree: ast.expr, what: str, *, allowed: str = _LANGUAGE, fix: str | None = None) -> ExpressionError:
        return ExpressionError(
            f"{what}, at column {self._column(tree)} of {_quoted(self.text)}", allowed=allowed, fix=fix
        )


def _is_text(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and isinstance(tree.value, str)


def _among(name: str, codes: Sequence[int]) -> Node:
    def run(frame: Frame) -> np.ndarray:
        values = frame[name]
        found: np.ndarray = values == codes[0]
        for code in codes[1:]:
            found |= values == code
        return found

    return Node(run, boolean=True)
