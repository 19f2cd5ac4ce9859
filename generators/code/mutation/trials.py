"""Running edited functions against the original's answers, until an input tells them apart or there are no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contrafact.engines.sandbox import Sandbox
from generators.code.edits import Edit, edited
from generators.code.mutation.inputs import Input
from generators.code.mutation.observing import Observation, observe_many, reached_many
from generators.code.mutation.places import lines_of
from generators.code.mutation.profiling import Profile

__all__ = ["Mutant", "Verdict", "tried"]

EARLY = 8
"""Inputs that every edited function gets; only those that none tells apart get the rest."""

LEAST = 4
"""Inputs that have to come to the edited place before two functions are called alike."""

_LONGEST = 4000


@dataclass(frozen=True)
class Mutant:
    """A function with one edit. It runs as a function does."""

    profile: Profile
    edit: Edit

    @property
    def name(self) -> str:
        return self.profile.function.name

    @property
    def prelude(self) -> str:
        return self.profile.function.prelude

    @property
    def code(self) -> str:
        return edited(self.profile.function.code.encode(), self.edit).decode()


@dataclass(frozen=True)
class Verdict:
    """What came of a mutant.

    Attributes
    ----------
    outcome : str
        ``differs``, ``alike``, or why neither can be said.
    witness : Input, optional
        The input that tells them apart; where they are alike, the first of those tried.
    before, after : Observation, optional
        What the original and the edited function do with it.
    tried : tuple of Input
        Where both were alike on all inputs: those that come to the edited place.
    """

    outcome: str
    witness: Input | None = None
    before: Observation | None = None
    after: Observation | None = None
    tried: tuple[Input, ...] = ()


def tried(mutants: Sequence[Mutant], sandbox: Sandbox) -> list[Verdict]:
    """A verdict on each mutant, in order. All that is said is what was seen twice."""
    found: list[Verdict | None] = [None] * len(mutants)
    for start, stop in ((0, EARLY), (EARLY, None)):
        open_ = [place for place, verdict in enumerate(found) if verdict is None]
        asked = [(mutants[place], mutants[place].profile.inputs[start:stop]) for place in open_]
        for place, answers in zip(open_, observe_many(sandbox, asked), strict=True):
            found[place] = _compared(mutants[place].profile, answers, start)
    open_ = [place for place, verdict in enumerate(found) if verdict is None]
    for place, inputs in zip(open_, _reaching([mutants[place] for place in open_], sandbox), strict=True):
        found[place] = _alike(mutants[place].profile, inputs)
    return _confirmed(mutants, [verdict for verdict in found if verdict is not None], sandbox)


def _compared(profile: Profile, answers: Sequence[Observation], start: int) -> Verdict | None:
    """The best of the inputs that tell both apart; None where none does."""
    cannot = {each.kind for each in answers} & {"compile_error", "missing_import", "tampered"}
    if cannot:
        return Verdict("the edited function does not load")
    if any(each.ended == "exception NameError" for each in answers):  # the module may have it, and we took a part of it
        return Verdict("the edited function needs a name that was not taken along")
    apart = [
        (given, before, after)
        for given, before, after in zip(profile.inputs[start:], profile.answers[start:], answers, strict=False)
        if before != after and after.comparable and len(after.value) <= _LONGEST
    ]
    if not apart:
        unclear = any(before != after for before, after in zip(profile.answers[start:], answers, strict=False))
        return Verdict("the sandbox ended the edited function") if unclear else None
    # An answer that is wrong says more than a crash, and a crash more than a call that never ends.
    ways = ("ok", "exception", "assertion", "timeout")
    given, before, after = min(apart, key=lambda each: (each[1].kind != "ok", ways.index(each[2].kind)))
    return Verdict("differs", given, before, after)


def _reaching(mutants: Sequence[Mutant], sandbox: Sandbox) -> Iterator[tuple[Input, ...]]:
    """For each mutant the inputs with which the original comes to the edited place. Each original is traced once."""
    profiles = list({id(each.profile): each.profile for each in mutants}.values())
    lines = reached_many(sandbox, [(each.function, each.inputs) for each in profiles])
    known = {id(profile): reached for profile, reached in zip(profiles, lines, strict=True)}
    for mutant in mutants:
        place = lines_of(mutant.profile.function.code.encode(), mutant.edit)
        pairs = zip(mutant.profile.inputs, known[id(mutant.profile)], strict=True)
        yield tuple(given for given, reached in pairs if place is None or not reached.isdisjoint(place))


def _alike(profile: Profile, reaching: Sequence[Input]) -> Verdict:
    """Alike says something only of inputs that come to the edited place."""
    if len(reaching) < LEAST:
        return Verdict(f"fewer than {LEAST} inputs come to the edited place")
    answer = profile.answers[profile.inputs.index(reaching[0])]
    return Verdict("alike", reaching[0], answer, answer, tuple(reaching))


def _confirmed(mutants: Sequence[Mutant], verdicts: Sequence[Verdict], sandbox: Sandbox) -> list[Verdict]:
    """The verdicts, but for those that a second run by itself does not bear out."""
    sure = list(verdicts)
    expected = [_expected(mutant.profile, each) for mutant, each in zip(mutants, verdicts, strict=True)]
    places = [place for place, each in enumerate(expected) if each]
    again = observe_many(sandbox, [(mutants[place], [given for given, _ in expected[place]]) for place in places])
    for place, answers in zip(places, again, strict=True):
        if answers != [answer for _, answer in expected[place]]:
            sure[place] = Verdict("two runs of the edited function disagree")
    return sure


def _expected(profile: Profile, verdict: Verdict) -> list[tuple[Input, Observation]]:
    """The inputs that a verdict stands on, with what the edited function did: the witness, or all where it is alike."""
    if verdict.outcome == "alike":
        return [(given, profile.answers[profile.inputs.index(given)]) for given in verdict.tried]
    if verdict.witness is None or verdict.after is None:
        return []
    return [(verdict.witness, verdict.after)]
