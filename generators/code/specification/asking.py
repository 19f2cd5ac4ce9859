"""What the engine says: ``re.fullmatch`` of many programs on many strings, in the sandbox, a shard at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.sandbox import Case, Outcome, Program, Sandbox

__all__ = ["TIMEOUT", "Answer", "Question", "ask"]

TIMEOUT = "the pattern takes too long to match: it backtracks without end"
_AT_ONCE = 16
_SOURCE = """
import re

def table(patterns, strings):
    compiled = [re.compile(each) for each in patterns]
    return ["".join("01"[each.fullmatch(text) is not None] for text in strings) for each in compiled]
"""


@dataclass(frozen=True)
class Question:
    """Programs and strings whose every combination is asked.

    ``stress`` are strings for the programs at the places in ``stressed``, whose answers matter only in that they come.
    """

    patterns: Sequence[str]
    strings: Sequence[str]
    stressed: Sequence[int] = ()
    stress: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """What came of a question.

    Attributes
    ----------
    verdicts : ndarray of bool, shape (programs, strings)
        Whether a program matches the whole of a string.
    failures : sequence of str or None, shape (programs,)
        Why a program has no verdicts.
    """

    verdicts: NDArray[np.bool_]
    failures: Sequence[str | None]


def ask(sandbox: Sandbox, questions: Sequence[Question]) -> list[Answer]:
    """Answers to all questions, in order, from one call of the sandbox, or two where a program kept another waiting."""
    cases = [[Case("table", (list(each.patterns), list(each.strings))), *_stress(each)] for each in questions]
    outcomes = _run(sandbox, cases)
    failed = [place for place, each in enumerate(outcomes) if each[0].kind != "ok"]
    # One program of these is at fault: ask each by itself.
    alone = _run(sandbox, [_alone(questions[place]) for place in failed]) if failed else []
    single = dict(zip(failed, alone, strict=True))
    return [
        _answer(question, single.get(place) or _split(outcomes[place][0]), outcomes[place][1:])
        for place, question in enumerate(questions)
    ]


def _stress(question: Question) -> list[Case]:
    return [Case("table", ([question.patterns[place]], list(question.stress))) for place in question.stressed]


def _alone(question: Question) -> list[Case]:
    return [Case("table", ([each], list(question.strings))) for each in question.patterns]


def _run(sandbox: Sandbox, cases: Sequence[Sequence[Case]]) -> list[list[Outcome]]:
    """Outcomes of each list of cases; several lists share a program, because loading one takes longer than a case."""
    groups = [cases[start : start + _AT_ONCE] for start in range(0, len(cases), _AT_ONCE)]
    found: list[list[Outcome]] = []
    programs = [Program(_SOURCE, [case for each in group for case in each]) for group in groups]
    for group, outcomes in zip(groups, sandbox.python_many(programs), strict=True):
        given = iter(outcomes)
        found += [[next(given) for _ in each] for each in group]
    return found


def _split(outcome: Outcome) -> list[Outcome]:
    return [Outcome("ok", [row]) for row in outcome.value]


def _answer(question: Question, outcomes: Sequence[Outcome], stress: Sequence[Outcome]) -> Answer:
    verdicts = np.zeros((len(question.patterns), len(question.strings)), dtype=bool)
    failures: list[str | None] = []
    for row, outcome in enumerate(outcomes):
        failures.append(_failure(outcome))
        if outcome.kind == "ok":
            verdicts[row] = [each == "1" for each in outcome.value[0]]
    for place, outcome in zip(question.stressed, stress, strict=True):
        failures[place] = failures[place] or _failure(outcome)
    return Answer(verdicts, failures)


def _failure(outcome: Outcome) -> str | None:
    if outcome.kind == "ok":
        return None
    if outcome.kind == "timeout":
        return TIMEOUT
    if outcome.detail in ("error", "PatternError"):
        return "the engine cannot compile the pattern"
    return f"the engine ended with {outcome.kind} {outcome.detail}".rstrip()
