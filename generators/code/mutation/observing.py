"""Running a function and writing down what came of it: value, printed text, and what became of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contrafact.engines.sandbox import Case, Outcome, Program, Sandbox
from contrafact.engines.sandbox.inside.values import encode
from generators.code.mutation.inputs import Input
from generators.code.mutation.methods import method_of

__all__ = ["COMPARABLE", "Observation", "Runnable", "observe", "observe_many", "reached_many"]

COMPARABLE = ("ok", "exception", "assertion", "timeout")
"""Ends of a call that are the code's own doing; the others are the sandbox's, or of the machine."""

_OBSERVER = """

def _observed(arguments, keywords):
    value = {name}(*arguments, **keywords)
    if hasattr(value, "cr_await"):
        try:
            while True:
                value.send(None)
        except StopIteration as ended:
            value = ended.value
    if hasattr(value, "__next__"):
        taken = []
        for each in value:
            taken.append(each)
            if len(taken) == 1000:
                break
        value = taken
    return value, arguments, keywords
"""

_OWN = """

def _observed(arguments, keywords, _bare=_observed):
    value, arguments, keywords = _bare(arguments, keywords)
    return value, arguments, {{**keywords, "self": dict(getattr(_own, "__dict__", {{}}))}}
"""

_TRACER = """

def _reached(arguments, keywords):
    import sys

    lines = set()

    def inside(frame, event, argument):
        lines.add(frame.f_lineno)
        return inside

    sys.settrace(lambda frame, event, argument: inside if frame.f_code.co_filename == "program.py" else None)
    try:
        _observed(arguments, keywords)
    except Exception:
        pass
    finally:
        sys.settrace(None)
    return lines
"""


class Runnable(Protocol):
    """What can be run: a function's text, its name and what it needs."""

    @property
    def name(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def prelude(self) -> str: ...


@dataclass(frozen=True)
class Observation:
    """What came of one call, as it is stored and compared.

    Attributes
    ----------
    ended : str
        ``ok``, ``exception ValueError``, ``assertion AssertionError``, ``timeout``, or another kind of outcome.
    value : str
        What was returned, as the sandbox writes values; of a generator or iterator, a list of its first 1,000; empty
        where nothing was.
    after : str
        Arguments and keywords after the call, where it changed them; empty otherwise. Of a method, with what is in the
        object afterwards as the keyword ``self``.
    printed : str
        Standard output.
    """

    ended: str
    value: str = ""
    after: str = ""
    printed: str = ""

    @property
    def kind(self) -> str:
        return self.ended.partition(" ")[0]

    @property
    def comparable(self) -> bool:
        """Whether the end is the code's own doing."""
        return self.kind in COMPARABLE


def observation(outcome: Outcome, given: Input) -> Observation:
    """The sandbox's outcome of one observed call."""
    if outcome.kind != "ok":
        return Observation(f"{outcome.kind} {outcome.detail}".strip(), printed=outcome.stdout)
    value, arguments, keywords = outcome.value
    after = encode([list(arguments), keywords])
    return Observation("ok", encode(value), "" if after == given.text else after, outcome.stdout)


def observe_many(sandbox: Sandbox, asked: Sequence[tuple[Runnable, Sequence[Input]]]) -> list[list[Observation]]:
    """What each function does with each of its inputs, in order; each function is loaded once."""
    programs = [
        Program(_source(function), [Case("_observed", each.values) for each in inputs]) for function, inputs in asked
    ]
    found = sandbox.python_many(programs) if programs else []
    return [
        [observation(outcome, given) for outcome, given in zip(outcomes, inputs, strict=True)]
        for outcomes, (_, inputs) in zip(found, asked, strict=True)
    ]


def observe(sandbox: Sandbox, function: Runnable, inputs: Sequence[Input]) -> list[Observation]:
    """What one function does with each of the inputs."""
    return observe_many(sandbox, [(function, inputs)])[0]


def reached_many(sandbox: Sandbox, asked: Sequence[tuple[Runnable, Sequence[Input]]]) -> list[list[frozenset[int]]]:
    """The lines of each function, from 0, that each of its inputs comes to; none where that cannot be told."""
    programs = [
        Program(_source(function) + _TRACER, [Case("_reached", each.values) for each in inputs])
        for function, inputs in asked
    ]
    found = sandbox.python_many(programs) if programs else []
    return [
        [frozenset(line - _lines_before(function) for line in each.value or ()) for each in outcomes]
        for outcomes, (function, _) in zip(found, asked, strict=True)
    ]


def _lines_before(function: Runnable) -> int:
    """Number of the function's first line in its program."""
    return len(f"{function.prelude}\n\n".encode().splitlines()) + 1


def _source(function: Runnable) -> str:
    method = method_of(function.code, function.name) if "." in function.name else None
    whole = f"{function.prelude}\n\n{function.code}\n"
    if method is None:
        return whole + _OBSERVER.format(name=function.name)
    own = _OWN.format() if method.bound else ""
    return f"{whole}\n{method.call}{_OBSERVER.format(name='_called')}{own}"
