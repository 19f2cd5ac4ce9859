"""Running a C function on inputs: many at once for a search, or each in a process of its own for the record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from contrafact.engines.sandbox import CCase, CProgram, Outcome, Sandbox
from generators.code.mutation.c.inputs import words_of
from generators.code.mutation.c.slots import Slot
from generators.code.mutation.inputs import Input
from generators.code.mutation.observing import Observation

__all__ = ["CRun", "Scan", "observe_c", "program_of", "scan_c"]

FLAGS = ("-w", "-std=gnu17")
_CASE, _BEGUN, _VALUE, _AFTER, _MARKS = "\x1d", "\x1b", "\x1e", "\x1f", "\x1c"
_SIGNAL = 1000
_TIMER = 26  # SIGVTALRM, by which the harness ends a call in a search
_SANITIZED = 86
_PLAIN = ("ok", "sanitizer", "assertion", "timeout", "exit")
_OWN_SIGNALS = ("SIGABRT", "SIGSEGV", "SIGFPE", "SIGBUS", "SIGILL", "SIGTRAP")
_WORDS = re.compile(r"[+-]?\d+")


@dataclass(frozen=True)
class CRun:
    """A whole program and the slots of the function in it."""

    source: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Scan:
    """What came of many inputs in one go.

    For each there is an observation and the marks that it came to; None where the search did not get to it. ``failure``
    is set where the program could not be run at all.
    """

    seen: Sequence[Observation | None]
    marks: Sequence[str]
    failure: Outcome | None = None


def program_of(prelude: str, code: str, harness: str) -> str:
    """The text that is compiled."""
    return f"{prelude}\n\n{code}\n{harness}"


def observe_c(sandbox: Sandbox, asked: Sequence[tuple[CRun, Sequence[Input]]]) -> list[list[Observation]]:
    """What each program does with each input, every one in a process of its own; in order."""
    programs = [
        CProgram(run.source, [CCase(("1", *_counted(run.slots, each))) for each in inputs], FLAGS)
        for run, inputs in asked
    ]
    found = sandbox.c_many(programs) if programs else []
    return [[_observation(each) for each in outcomes] for outcomes in found]


def scan_c(sandbox: Sandbox, asked: Sequence[tuple[CRun, Sequence[Input]]]) -> list[Scan]:
    """What each program does with its inputs, as a search sees it: quick, and no witness of anything."""
    programs = []
    for run, inputs in asked:
        words = [word for each in inputs for word in _counted(run.slots, each)]
        programs.append(CProgram(run.source, [CCase((str(max(2, len(inputs))), *words))], FLAGS))
    found = sandbox.c_many(programs) if programs else []
    return [_scan(outcome, len(inputs)) for (outcome,), (_, inputs) in zip(found, asked, strict=True)]


def _counted(slots: Sequence[Slot], given: Input) -> list[str]:
    words = list(words_of(slots, given.values[0]))
    return [str(len(words)), *words]


def comparable(seen: Observation) -> bool:
    """Whether an end is the code's own doing, and not the sandbox's."""
    kind, _, detail = seen.ended.partition(" ")
    return kind in _PLAIN or (kind == "killed" and detail in _OWN_SIGNALS)


def _observation(outcome: Outcome) -> Observation:
    if outcome.kind != "ok":
        return Observation(f"{outcome.kind} {outcome.detail}".strip(), printed=outcome.stdout)
    printed, found, told = outcome.stdout.rpartition(_VALUE)
    if not found:  # the function ended the program by itself
        return Observation("exit 0", printed=outcome.stdout)
    value, _, after = told.partition(_AFTER)
    return Observation("ok", value, after.removesuffix("; "), printed)


def _scan(outcome: Outcome, count: int) -> Scan:
    seen: list[Observation | None] = [None] * count
    marks = [""] * count
    if outcome.kind in ("compile_error", "missing_import"):
        return Scan(seen, marks, outcome)
    for part in outcome.stdout.split(_CASE):
        place = _WORDS.match(part)
        if place is None or int(place[0]) >= count:
            continue
        at, rest = int(place[0]), part[place.end() :]
        if rest.startswith("!"):
            code = _WORDS.match(rest[1:])
            seen[at] = Observation(_ended(int(code[0]) if code else 0))
        elif _VALUE in rest:
            printed, _, told = rest.removeprefix(_BEGUN).rpartition(_VALUE)
            value, _, after = told.partition(_AFTER)
            after, _, marks[at] = after.partition(_MARKS)
            seen[at] = Observation("ok", value, after.removesuffix("; "), printed)
    return Scan(seen, marks)


def _ended(status: int) -> str:
    """How a call ended the search's process, in the words of an outcome without its detail."""
    if status == _SANITIZED:
        return "sanitizer"
    if status == _SIGNAL + _TIMER:
        return "timeout"
    return "killed" if status > _SIGNAL else f"exit {status}"
