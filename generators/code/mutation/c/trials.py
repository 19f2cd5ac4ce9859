"""Running edited C functions against the original's answers: a quick search first, and what it finds by itself.

The search (:func:`~generators.code.mutation.c.running.scan_c`) only proposes. Every verdict stands on runs of both
functions in processes of their own, under the sanitizers, each made twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from contrafact.engines.sandbox import Sandbox
from generators.code.mutation.c.harness import harness_of
from generators.code.mutation.c.marking import mark_of
from generators.code.mutation.c.profiling import CProfile
from generators.code.mutation.c.running import CRun, comparable, observe_c, program_of, scan_c
from generators.code.mutation.inputs import Input
from generators.code.mutation.observing import Observation
from generators.code.mutation.trials import LEAST, Mutant, Verdict

__all__ = ["c_tried"]

_FURTHER = 150
_PROPOSED, _TRIED = 2, 12
_LONGEST = 4000
_WAYS = ("ok", "sanitizer", "assertion", "exit", "killed", "timeout")


@dataclass
class _Trial:
    """One mutant on its way to a verdict."""

    profile: CProfile
    run: CRun
    mark: int | None
    proposed: list[tuple[Input, Observation]] = field(default_factory=list)
    reaching: list[Input] = field(default_factory=list)
    verdict: Verdict | None = None


def c_tried(mutants: Sequence[Mutant], sandbox: Sandbox) -> list[Verdict]:
    """A verdict on each mutant, in order."""
    trials = [each for each in map(_trial, mutants) if each is not None]
    _search(trials, [each.profile.inputs for each in trials], sandbox)
    open_ = [each for each in trials if each.verdict is None and not each.proposed]
    _search(open_, _further(open_, sandbox), sandbox)
    _differ([each for each in trials if each.verdict is None and each.proposed], sandbox)
    _alike([each for each in trials if each.verdict is None], sandbox)
    return [each.verdict or Verdict("nothing was found out") for each in trials]


def _trial(mutant: Mutant) -> _Trial | None:
    profile = mutant.profile
    if not isinstance(profile, CProfile):
        return None
    harness = harness_of(mutant.name, profile.signature)
    run = CRun(program_of(mutant.prelude, mutant.code, harness), profile.slots)
    mark = mark_of(profile.function.code, mutant.edit)
    trial = _Trial(profile, run, mark)
    trial.reaching = [each for each in profile.inputs if _comes_to(profile, each, mark)]
    return trial


def _comes_to(profile: CProfile, given: Input, mark: int | None) -> bool:
    marks = profile.marks.get(given.text, "")
    return mark is None or marks[mark : mark + 1] == "1"


def _search(trials: Sequence[_Trial], inputs: Sequence[Sequence[Input]], sandbox: Sandbox) -> None:
    """Run edited functions and note the inputs that seem to tell them from the original."""
    asked = [(each.run, some) for each, some in zip(trials, inputs, strict=True)]
    for trial, (_, some), scan in zip(trials, asked, scan_c(sandbox, asked), strict=True):
        if scan.failure is not None:
            trial.verdict = Verdict("the edited function does not compile")
            continue
        known = dict(zip((each.text for each in trial.profile.inputs), trial.profile.answers, strict=True))
        trial.proposed += [
            (given, seen)
            for given, seen in zip(some, scan.seen, strict=True)
            if seen is not None and given.text in known and seen != known[given.text] and len(seen.value) <= _LONGEST
        ]


def _further(trials: Sequence[_Trial], sandbox: Sandbox) -> list[list[Input]]:
    """For edits that nothing told apart yet: neighbours of the inputs that come to them, run on the original first."""
    asked: list[list[Input]] = []
    for each in trials:
        inputs = each.reaching or each.profile.inputs
        asked.append([] if each.profile.maker is None else each.profile.maker.near(inputs, _FURTHER))
    scans = scan_c(sandbox, [(each.profile.watched, some) for each, some in zip(trials, asked, strict=True)])
    found = []
    for trial, some, scan in zip(trials, asked, scans, strict=True):
        profile, fine = trial.profile, []
        known = {each.text for each in profile.inputs}
        marks = dict(profile.marks)
        for given, seen, reached in zip(some, scan.seen, scan.marks, strict=True):
            if seen is None or seen.ended != "ok" or given.text in known:
                continue
            profile.inputs.append(given)
            profile.answers.append(seen)
            marks[given.text] = reached
            fine.append(given)
        profile.marks = marks
        trial.reaching += [each for each in fine if _comes_to(profile, each, trial.mark)]
        found.append(fine)
    return found


def _originals(trials: Sequence[_Trial]) -> Iterator[CRun]:
    for each in trials:
        function = each.profile.function
        yield CRun(
            program_of(function.prelude, function.code, harness_of(function.name, each.profile.signature)),
            each.profile.slots,
        )


def _differ(trials: Sequence[_Trial], sandbox: Sandbox) -> None:
    """The plainest inputs of those proposed, each run twice on both sides."""
    asked = []
    for each in trials:
        # An answer that is wrong says more than a fault, and a fault more than a call that never ends.
        each.proposed.sort(key=lambda pair: (_WAYS.index(pair[1].kind), len(pair[0].text), pair[0].text))
        asked.append([given for given, _ in each.proposed[:_PROPOSED] for _ in range(2)])
    befores = observe_c(sandbox, list(zip(_originals(trials), asked, strict=True)))
    afters = observe_c(sandbox, [(each.run, some) for each, some in zip(trials, asked, strict=True)])
    for trial, some, before, after in zip(trials, asked, befores, afters, strict=True):
        trial.verdict = Verdict("two runs of the edited function disagree")
        for at in range(0, len(some), 2):
            sure = before[at] == before[at + 1] and after[at] == after[at + 1]
            if not sure or before[at].ended != "ok":
                continue
            if not comparable(after[at]):
                trial.verdict = Verdict("the sandbox ended the edited function")
            elif before[at] != after[at]:
                trial.verdict = Verdict("differs", some[at], before[at], after[at])
                break


def _alike(trials: Sequence[_Trial], sandbox: Sandbox) -> None:
    """Alike says something only of inputs that come to the edited place; each is run twice on both sides."""
    for each in trials:
        if len(each.reaching) < LEAST:
            each.verdict = Verdict(f"fewer than {LEAST} inputs come to the edited place")
    open_ = [each for each in trials if each.verdict is None]
    # All inputs and then all again: a function that keeps time, or reads what nobody set, seldom ends alike four times.
    asked = [tuple(each.reaching[:_TRIED]) * 2 for each in open_]
    befores = observe_c(sandbox, list(zip(_originals(open_), asked, strict=True)))
    afters = observe_c(sandbox, [(each.run, some) for each, some in zip(open_, asked, strict=True)])
    for trial, some, before, after in zip(open_, asked, befores, afters, strict=True):
        count = len(some) // 2
        sure = before[:count] == before[count:]
        alike = sure and before == after and all(each.ended == "ok" for each in before)
        said = "alike" if alike else "two runs of the edited function disagree"
        trial.verdict = Verdict(said, some[0], before[0], after[0], some[:count]) if alike else Verdict(said)
