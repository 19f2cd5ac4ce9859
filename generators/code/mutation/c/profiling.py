"""What an unedited C function does: inputs that it takes without a fault, where each comes to, and whether it repeats.

The search is led by where inputs come to: those that came to a statement no other had come to are kept, and varied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from contrafact.engines.sandbox import Outcome, Sandbox
from contrafact.engines.syntax import parse
from generators.code.mutation.c.harness import harness_of
from generators.code.mutation.c.inputs import Maker, nulls_in, own_values
from generators.code.mutation.c.marking import marked
from generators.code.mutation.c.running import CRun, Scan, program_of, scan_c
from generators.code.mutation.c.slots import Signature, signature_of
from generators.code.mutation.c.types import Types
from generators.code.mutation.c.units import without_include
from generators.code.mutation.functions import Function
from generators.code.mutation.inputs import Input
from generators.code.mutation.observing import Observation
from generators.code.mutation.profiling import Profile

__all__ = ["CProfile", "c_profiles", "signature_in"]

FIRST, MORE = 120, 90
_LEAST = 4
_LONGEST = 1500
_HEADERS = 4
_NO_BOOL = "unknown type name 'bool'"  # which compilers of C23 know by themselves
_STDBOOL = "#include <stdbool.h>"


@dataclass
class CProfile(Profile):
    """A profile with how the function is called, what draws more inputs, and the marks that each input comes to."""

    signature: Signature = field(default_factory=Signature)
    maker: Maker | None = None
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def watched(self) -> CRun:
        """The program that says which statements a call comes to."""
        function = self.function
        code, count = marked(function.code)
        return CRun(program_of(function.prelude, code, harness_of(function.name, self.signature, count)), self.slots)

    @property
    def slots(self) -> tuple:  # type: ignore[type-arg]
        return self.signature.slots


def signature_in(prelude: str, code: str) -> Signature:
    """How a function is called, from its text and what it needs."""
    root = parse(code.encode(), "c").root_node
    definition = next((each for each in root.named_children if each.type == "function_definition"), None)
    if definition is None:
        return Signature(objection="is no function by itself")
    return signature_of(definition, Types([parse(prelude.encode(), "c").root_node, root]))


def c_profiles(
    functions: Sequence[Function],
    examples: Sequence[Sequence[str]],
    draws: Sequence[np.random.Generator],
    sandbox: Sandbox,
    most: int,
) -> list[Profile]:
    """Run every function on drawn inputs, then on neighbours of those that led somewhere, then on all of that again.

    Parameters
    ----------
    examples
        Unused: C is not called in its files with arguments that are all written out.
    draws : sequence of numpy.random.Generator
        Each function's own.
    most : int
        Inputs of a function at the most.
    """
    made = [_begun(function, draw) for function, draw in zip(functions, draws, strict=True)]
    _first([each for each in made if not each.objection], sandbox)
    live = [each for each in made if not each.objection]
    more = [_near(each) for each in live]
    for profile, inputs, scan in zip(live, more, _scanned(live, more, sandbox), strict=True):
        _keep(profile, inputs, scan)
    for each in live:
        _choose(each, most)
    live = [each for each in live if not each.objection]
    again = [each.inputs[::-1] for each in live]
    for profile, scan in zip(live, _scanned(live, again, sandbox), strict=True):
        if list(scan.seen[::-1]) != profile.answers:
            profile.objection = "two runs disagree"
    return list(made)


def _begun(function: Function, draw: np.random.Generator) -> CProfile:
    profile = CProfile(function, function.objection)
    if profile.objection:
        return profile
    profile.signature = signature_in(function.prelude, function.code)
    profile.objection = profile.signature.objection
    if not profile.objection and not profile.signature.slots:
        profile.objection = "takes no argument"
    own = own_values(function.prelude, function.code)
    profile.maker = Maker(profile.signature.slots, own, draw, nulls_in(function.code))
    return profile


def _scanned(
    profiles: Sequence[CProfile], inputs: Sequence[Sequence[Input]], sandbox: Sandbox
) -> list[Scan]:  # fmt: skip
    return scan_c(sandbox, [(each.watched, some) for each, some in zip(profiles, inputs, strict=True)])


def _first(live: Sequence[CProfile], sandbox: Sandbox) -> None:
    """The first inputs; headers that are not there are left out, as long as the function does without."""
    inputs = {id(each): each.maker.some(FIRST) for each in live if each.maker is not None}
    waiting, missing = list(live), dict.fromkeys(map(id, live), "")
    for _ in range(_HEADERS):
        scans = _scanned(waiting, [inputs[id(each)] for each in waiting], sandbox)
        again = []
        for profile, scan in zip(waiting, scans, strict=True):
            failure = scan.failure
            if failure is not None and failure.kind == "missing_import":
                missing[id(profile)] = failure.detail
                prelude = without_include(profile.function.prelude, failure.detail)
                if prelude != profile.function.prelude:
                    profile.function = replace(profile.function, prelude=prelude)
                    again.append(profile)
                    continue
            if failure is not None and failure.detail == _NO_BOOL and _STDBOOL not in profile.function.prelude:
                profile.function = replace(profile.function, prelude=f"{_STDBOOL}\n{profile.function.prelude}")
                again.append(profile)
            elif failure is not None:
                profile.objection = _cannot(failure, missing[id(profile)])
            else:
                _keep(profile, inputs[id(profile)], scan)
        waiting = again
    for profile in waiting:
        profile.objection = "needs many headers that are not there"


def _cannot(failure: Outcome, missing: str) -> str:
    if missing:
        return f"needs the header {missing}"
    if failure.detail.startswith("undefined reference to "):
        return f"needs {failure.detail.removeprefix('undefined reference to ')}, which is defined elsewhere"
    return f"does not compile by itself: {failure.detail}"


def _keep(profile: CProfile, inputs: Sequence[Input], scan: Scan) -> None:
    """Inputs on which the function returned without a fault."""
    known = {each.text for each in profile.inputs}
    reached = dict(profile.marks)
    for given, seen, marks in zip(inputs, scan.seen, scan.marks, strict=True):
        fine = (
            seen is not None and seen.ended == "ok" and len(given.text) + len(seen.value) + len(seen.after) <= _LONGEST
        )
        if fine and seen is not None and given.text not in known:
            known.add(given.text)
            profile.inputs.append(given)
            profile.answers.append(seen)
            reached[given.text] = marks
    profile.marks = reached


def _near(profile: CProfile) -> list[Input]:
    """Neighbours of the inputs that came where no earlier one had come."""
    if profile.maker is None:
        return []
    led = _leading(profile)
    return profile.maker.near([profile.inputs[place] for place in led[:12]], MORE)


def _leading(profile: CProfile) -> list[int]:
    """Places of all inputs: first those that come to a statement that none before them does, the plain ones first."""
    order = sorted(
        range(len(profile.inputs)), key=lambda place: (len(profile.inputs[place].text), profile.inputs[place].text)
    )
    seen: set[int] = set()
    heads = []
    for place in order:
        own = {at for at, mark in enumerate(profile.marks.get(profile.inputs[place].text, "")) if mark == "1"}
        if not own <= seen:
            seen |= own
            heads.append(place)
    first = set(heads)
    return [*heads, *(place for place in order if place not in first)]


def _choose(profile: CProfile, most: int) -> None:
    """Keep so many inputs: one for every statement, then one of each answer, then the plain ones."""
    if len(profile.inputs) < _LEAST:
        profile.objection = "no inputs were found that it takes without a fault"
        return
    order = _leading(profile)
    answered: dict[Observation, int] = {}
    for place in order:
        answered.setdefault(profile.answers[place], place)
    heads = set(answered.values())
    chosen = sorted(range(len(order)), key=lambda rank: (order[rank] not in heads, rank))[:most]
    places = [order[rank] for rank in chosen]
    profile.inputs, profile.answers = (
        [profile.inputs[place] for place in places], [profile.answers[place] for place in places]
    )  # fmt: skip
