"""Our own interpreter of the small language: trees become closures, and loops have a budget of turns.

It is the second witness beside CPython in the sandbox, and the quick one: programs that turn out to be vacuous are
never sent there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from generators.code.executable.syntax import (
    Assign,
    Binary,
    Block,
    Both,
    Call,
    Compare,
    Expression,
    For,
    Function,
    If,
    Item,
    Name,
    Num,
    Program,
    Return,
    Slice,
    Statement,
    Text,
    Update,
    While,
)

__all__ = ["EndlessError", "compiled"]

Scope = dict[str, Any]
_Value = Callable[[Scope], Any]
_Step = Callable[[Scope], bool]

_RESULT = "return"  # no variable can be called so

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "in": lambda left, right: left in right,
}
_BUILTINS: Mapping[str, Callable[..., Any]] = {"abs": abs, "len": len, "max": max, "min": min, "sum": sum}


class EndlessError(RuntimeError):
    """A loop that went on for more turns than it may."""


def compiled(program: Program, turns: int) -> Callable[..., Any]:
    """The program's last function as something to call.

    Parameters
    ----------
    turns : int
        Turns of any one ``while`` that a call may take.

    Raises
    ------
    EndlessError
        By the function, where a loop takes more.
    ZeroDivisionError, IndexError
        By the function, where the program does.
    """
    functions: dict[str, Callable[..., Any]] = dict(_BUILTINS)
    for function in program:
        functions[function.name] = _Compiler(functions, turns).function(function)
    return functions[program[-1].name]


class _Compiler:
    """Turns trees into closures over a dictionary of variables."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]], turns: int) -> None:
        self.functions, self.turns = functions, turns

    def function(self, node: Function) -> Callable[..., Any]:
        names = [name for name, _ in node.parameters]
        body = self.block(node.body)

        def call(*arguments: Any) -> Any:
            scope = dict(zip(names, arguments, strict=False))  # the grammar calls with what is declared
            body(scope)
            return scope[_RESULT]

        return call

    def block(self, statements: Block) -> _Step:
        """Runs statements until one of them returns; says whether one did."""
        steps = [self.statement(each) for each in statements]
        if len(steps) == 1:
            return steps[0]

        def run(scope: Scope) -> bool:
            for step in steps:  # noqa: SIM110  # any() over a generator takes twice as long
                if step(scope):
                    return True
            return False

        return run

    def statement(self, node: Statement) -> _Step:
        made: _Step = _STATEMENTS[type(node)](self, node)
        return made

    def value(self, node: Expression) -> _Value:
        made: _Value = _VALUES[type(node)](self, node)
        return made

    def constant(self, node: Num | Text) -> _Value:
        value = node.value
        return lambda scope: value

    def name(self, node: Name) -> _Value:
        return operator.itemgetter(node.name)

    def operation(self, node: Binary | Compare) -> _Value:
        """Operands that are names or constants are read on the spot: calls are what this costs."""
        apply = _OPERATORS[node.op]
        left, right = node.left, node.right
        if type(left) is Name:
            name = left.name
            if type(right) is Name:
                other = right.name
                return lambda scope: apply(scope[name], scope[other])
            if type(right) is Num:
                second = right.value
                return lambda scope: apply(scope[name], second)
        elif type(left) is Num and type(right) is Name:
            first, name = left.value, right.name
            return lambda scope: apply(first, scope[name])
        one = self.value(left)
        if type(right) is Num:
            last = right.value
            return lambda scope: apply(one(scope), last)
        two = self.value(right)
        return lambda scope: apply(one(scope), two(scope))

    def both(self, node: Both) -> _Value:
        one, other = self.value(node.left), self.value(node.right)
        if node.op == "and":
            return lambda scope: one(scope) and other(scope)
        return lambda scope: one(scope) or other(scope)

    def call(self, node: Call) -> _Value:
        function, arguments = self.functions[node.function], [self.value(each) for each in node.arguments]
        return lambda scope: function(*[each(scope) for each in arguments])

    def item(self, node: Item) -> _Value:
        sequence, index = self.value(node.sequence), self.value(node.index)
        return lambda scope: sequence(scope)[index(scope)]

    def slice(self, node: Slice) -> _Value:
        sequence = self.value(node.sequence)
        start, stop = (self._end(end) for end in (node.start, node.stop))
        return lambda scope: sequence(scope)[start(scope) : stop(scope)]

    def assign(self, node: Assign) -> _Step:
        return _assignment(node.name, self.value(node.value))

    def update(self, node: Update) -> _Step:
        return _assignment(node.name, self.operation(Binary(node.op, Name(node.name), node.value)))

    def branch(self, node: If) -> _Step:
        test, body = self.value(node.test), self.block(node.body)
        if not node.orelse:
            return lambda scope: test(scope) and body(scope)
        other = self.block(node.orelse)
        return lambda scope: body(scope) if test(scope) else other(scope)

    def loop(self, node: While) -> _Step:
        test, body, turns = self.value(node.test), self.block(node.body), self.turns

        def run(scope: Scope) -> bool:
            left = turns
            while test(scope):
                if body(scope):
                    return True
                left -= 1
                if left < 0:
                    raise EndlessError
            return False

        return run

    def walk(self, node: For) -> _Step:
        sequence, body, name = self.value(node.sequence), self.block(node.body), node.name

        def run(scope: Scope) -> bool:
            for element in sequence(scope):
                scope[name] = element
                if body(scope):
                    return True
            return False

        return run

    def result(self, node: Return) -> _Step:
        value = self.value(node.value)

        def run(scope: Scope) -> bool:
            scope[_RESULT] = value(scope)
            return True

        return run

    def _end(self, node: Expression | None) -> _Value:
        return (lambda scope: None) if node is None else self.value(node)


def _assignment(name: str, value: _Value) -> _Step:
    def run(scope: Scope) -> bool:
        scope[name] = value(scope)
        return False

    return run


_VALUES: Mapping[type, Callable[[_Compiler, Any], _Value]] = {
    Num: _Compiler.constant,
    Text: _Compiler.constant,
    Name: _Compiler.name,
    Binary: _Compiler.operation,
    Compare: _Compiler.operation,
    Both: _Compiler.both,
    Call: _Compiler.call,
    Item: _Compiler.item,
    Slice: _Compiler.slice,
}
_STATEMENTS: Mapping[type, Callable[[_Compiler, Any], _Step]] = {
    Assign: _Compiler.assign,
    Update: _Compiler.update,
    If: _Compiler.branch,
    While: _Compiler.loop,
    For: _Compiler.walk,
    Return: _Compiler.result,
}
