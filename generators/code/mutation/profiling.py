"""What an unedited function does: inputs that it takes, what it answers, and whether it answers the same again."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from contrafact.engines.sandbox import Sandbox
from generators.code.mutation.functions import Function
from generators.code.mutation.hints import signature_of
from generators.code.mutation.inputs import Input, Maker, constants_of
from generators.code.mutation.observing import Observation, observe_many

__all__ = ["Profile", "profiles"]

FIRST, MORE = 40, 50
_LEAST = 4
_LONGEST = 1500


@dataclass
class Profile:
    """A function with inputs that it takes, the best first, and what it does with each.

    ``objection`` says why there is none that can be used.
    """

    function: Function
    objection: str = ""
    inputs: list[Input] = field(default_factory=list)
    answers: list[Observation] = field(default_factory=list)


def profiles(
    functions: Sequence[Function],
    examples: Sequence[Sequence[str]],
    draws: Sequence[np.random.Generator],
    sandbox: Sandbox,
    most: int,
) -> list[Profile]:
    """Run every function on what it may take, then on more of what it took, then on all of that again.

    Parameters
    ----------
    examples : sequence of sequence of str
        Calls of each function that were seen somewhere, tried first.
    draws : sequence of numpy.random.Generator
        Each function's own.
    most : int
        Inputs of a function at the most.
    """  # fmt: skip
    made = [Profile(each, each.objection) for each in functions]
    makers: dict[int, Maker] = {}
    for place, each in enumerate(made):
        if each.objection:
            continue
        signature = signature_of(each.function.code, each.function.name)
        each.objection = signature.objection
        constants = constants_of(each.function.prelude, each.function.code)
        makers[place] = Maker(signature, constants, draws[place])
    live = [place for place, each in enumerate(made) if not each.objection]
    first = {place: [*map(Input, examples[place]), *makers[place].first(FIRST)] for place in live}
    _try(made, live, first, sandbox)
    live = [place for place in live if not made[place].objection]
    more = {place: makers[place].more(MORE, _liked(made[place])) for place in live}
    _try(made, live, more, sandbox)
    for place in live:
        _choose(made[place], most)
    _again([each for each in made if not each.objection], sandbox)
    return made


def _try(made: Sequence[Profile], live: Sequence[int], inputs: dict[int, list[Input]], sandbox: Sandbox) -> None:
    """Run, and keep what is new."""
    found = observe_many(sandbox, [(made[place].function, inputs[place]) for place in live])
    for place, answers in zip(live, found, strict=True):
        profile = made[place]
        known = {each.text for each in profile.inputs}
        for given, answer in zip(inputs[place], answers, strict=True):
            if given.text not in known:
                known.add(given.text)
                profile.inputs.append(given)
                profile.answers.append(answer)
        profile.objection = _cannot_run(answers)


def _cannot_run(answers: Sequence[Observation]) -> str:
    """Why a function never gets to work; empty where it does."""
    kinds = {each.kind for each in answers}
    if len(kinds) != 1 or kinds <= {"ok", "exception", "assertion"}:
        return ""
    kind, _, detail = answers[0].ended.partition(" ")
    reasons = {
        "missing_import": f"needs the module {detail}",
        "compile_error": f"does not load: {detail}",
        "tampered": "writes to the sandbox's own channel",
        "unstorable": "returns what has no text",
    }
    return reasons.get(kind, f"every call ended in {kind}")


def _liked(profile: Profile) -> list[tuple[str, ...]]:
    """Combinations of kinds with which the function returned something."""
    pairs = zip(profile.inputs, profile.answers, strict=True)
    return list(dict.fromkeys(given.kinds for given, answer in pairs if given.kinds and answer.kind == "ok"))


def _choose(profile: Profile, most: int) -> None:
    """Keep inputs that the function takes, or refuses by a ``raise`` of its own; those that say most come first."""
    if profile.objection:
        return
    meant = _raised(profile.function)
    kept = [
        (given, answer)
        for given, answer in zip(profile.inputs, profile.answers, strict=True)
        if len(given.text) + len(answer.value) <= _LONGEST and _is_meant(answer, meant)
    ]
    if len(kept) < _LEAST or all(answer.kind != "ok" for _, answer in kept):
        unstorable = sum(answer.kind == "unstorable" for answer in profile.answers)
        few = "no inputs were found that it takes"
        profile.objection = "returns what has no text" if unstorable > len(kept) else few
        return
    likely = signature_of(profile.function.code, profile.function.name).parameters

    def rank(pair: tuple[Input, Observation]) -> tuple[int, int, str]:
        given = pair[0]
        odd = sum(_oddness(kind, each.kinds) for kind, each in zip(given.kinds, likely, strict=False))
        return odd, len(given.text), given.text

    kept.sort(key=rank)
    # One of each way to end, then one of each answer: they say more than many that are answered alike.
    ordered = _leading(_leading(kept, lambda answer: answer), lambda answer: answer.ended)
    profile.inputs = [given for given, _ in ordered[:most]]
    profile.answers = [answer for _, answer in ordered[:most]]


def _leading(
    pairs: Sequence[tuple[Input, Observation]], told: Callable[[Observation], object]
) -> list[tuple[Input, Observation]]:
    """The pairs, the first of each kind before all others."""
    first: dict[object, int] = {}
    for place, (_, answer) in enumerate(pairs):
        first.setdefault(told(answer), place)
    heads = set(first.values())
    return [pairs[place] for place in sorted(range(len(pairs)), key=lambda place: (place not in heads, place))]


def _oddness(kind: str, kinds: Sequence[str]) -> int:
    """How much a reader would wonder at such a value for such a parameter, from 0."""
    if kind == "omitted":
        return 0
    if not kinds:
        return int(kind in ("none", "bool", "bytes", "set"))
    return min(kinds.index(kind) // 2, 2) if kind in kinds else 4


def _is_meant(answer: Observation, meant: frozenset[str]) -> bool:
    if answer.kind == "ok":
        return True
    kind, _, detail = answer.ended.partition(" ")
    return kind in ("exception", "assertion") and detail.rpartition(".")[2] in meant


def _raised(function: Function) -> frozenset[str]:
    """Names of the exceptions that a function raises by itself."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(function.code)):
        if isinstance(node, ast.Assert):
            found.add("AssertionError")
        elif isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            found.add(raised.id if isinstance(raised, ast.Name) else getattr(raised, "attr", ""))
    return frozenset(found)


def _again(live: Sequence[Profile], sandbox: Sandbox) -> None:
    """Run all in the other order in a process of its own: chance, clocks and what one call leaves behind show."""
    asked = [(each.function, each.inputs[::-1]) for each in live]
    for profile, answers in zip(live, observe_many(sandbox, asked), strict=True):
        if answers[::-1] != profile.answers:
            profile.objection = "two runs disagree"
