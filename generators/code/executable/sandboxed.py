"""CPython's word on what programs return: many programs a sandbox start, all hidden values in one call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contrafact.engines.sandbox import Case, Outcome, Program, Sandbox
from generators.code.executable.drawing import Range

__all__ = ["Run", "run_all"]

# Runs inside the sandbox. A program that fails answers with the name of its error, and the next one is run.
_DRIVER = """
import json
from itertools import product


def run(programs):
    return [answer(*each) for each in programs]


def answer(source, name, inputs, domain):
    scope = {"__name__": "program"}
    try:
        exec(compile(source, "program.py", "exec"), scope)
        hidden = list(product(*(range(low, high + 1) for low, high in domain)))
        call = scope[name]
        return json.dumps([[call(given, *each) for each in hidden] for given in inputs])
    except Exception as error:
        return "!" + type(error).__name__
"""
_CALLS = 1500  # of a case: what they return must fit into its output
_CASES = 4  # of a process


@dataclass(frozen=True)
class Run:
    """One program, the inputs to give it, and the hidden values to give with each: the whole domain."""

    source: str
    inputs: Sequence[Any]
    domain: Mapping[str, Range]

    @property
    def calls(self) -> int:
        """How many calls that is."""
        count = len(self.inputs)
        for low, high in self.domain.values():
            count *= max(0, high - low + 1)
        return count

    @property
    def function(self) -> str:
        """The function that is called: the last one. Empty where there is none."""
        found: list[str] = re.findall(r"^def (\w+)", self.source, re.MULTILINE)
        return found[-1] if found else ""


def run_all(sandbox: Sandbox, runs: Sequence[Run]) -> list[list[list[Any]] | str]:
    """What each program returns: a list an input, with one value a hidden value; a reason where it does not end well.

    A group of programs shares a process. Where one takes the process down, each of the group is run again alone.
    """
    groups = list(_grouped(runs))
    found: list[list[list[Any]] | str] = []
    alone: list[int] = []
    for group, outcome in zip(groups, _outcomes(sandbox, groups), strict=True):
        if outcome.kind == "ok" and isinstance(outcome.value, list) and len(outcome.value) == len(group):
            found += map(_read, outcome.value)
        elif len(group) == 1:
            found.append(f"{outcome.kind} {outcome.detail}".strip())
        else:
            alone += range(len(found), len(found) + len(group))
            found += [""] * len(group)
    again = sandbox.python_many([_program([[runs[at]]]) for at in alone]) if alone else []
    for at, (outcome,) in zip(alone, again, strict=True):
        ended_well = outcome.kind == "ok" and isinstance(outcome.value, list) and len(outcome.value) == 1
        found[at] = _read(outcome.value[0]) if ended_well else f"{outcome.kind} {outcome.detail}".strip()
    return found


def _grouped(runs: Sequence[Run]) -> Iterator[list[Run]]:
    group: list[Run] = []
    calls = 0
    for each in runs:
        if group and calls + each.calls > _CALLS:
            yield group
            group, calls = [], 0
        group.append(each)
        calls += each.calls
    if group:
        yield group


def _outcomes(sandbox: Sandbox, groups: Sequence[Sequence[Run]]) -> list[Outcome]:
    if not groups:
        return []
    programs = [_program(groups[at : at + _CASES]) for at in range(0, len(groups), _CASES)]
    return [outcome for cases in sandbox.python_many(programs) for outcome in cases]


def _program(groups: Sequence[Sequence[Run]]) -> Program:
    cases = []
    for group in groups:
        asked = [
            [each.source, each.function, list(each.inputs), [list(span) for span in each.domain.values()]]
            for each in group
        ]
        cases.append(Case("run", (asked,)))
    return Program(_DRIVER, cases)


def _read(answer: Any) -> list[list[Any]] | str:
    if not isinstance(answer, str) or answer.startswith("!"):
        return f"raises {str(answer)[1:]}"
    values: list[list[Any]] = json.loads(answer)
    return values
