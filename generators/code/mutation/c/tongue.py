"""C, as the generator needs it."""

from __future__ import annotations

from collections.abc import Sequence

from contrafact.engines.sandbox import Sandbox
from generators.code.edits import Edit
from generators.code.mutation.c.harness import harness_of
from generators.code.mutation.c.inputs import call_of
from generators.code.mutation.c.operators import C_OPERATIONS, c_edits
from generators.code.mutation.c.profiling import c_profiles, signature_in
from generators.code.mutation.c.running import CRun, observe_c, program_of
from generators.code.mutation.c.trials import c_tried
from generators.code.mutation.inputs import Input
from generators.code.mutation.observing import Observation, Runnable
from generators.code.mutation.tongues import Tongue

__all__ = ["C"]


def _written(function: Runnable, given: Input) -> str:
    signature = signature_in(function.prelude, function.code)
    return call_of(function.name, signature.slots, given.values[0])


def _edits(function: Runnable) -> list[Edit]:
    return c_edits(function.code.encode())


def _harness(function: Runnable) -> str:
    return harness_of(function.name, signature_in(function.prelude, function.code))


def _observe(
    sandbox: Sandbox, asked: Sequence[tuple[Runnable, Sequence[Input]]]
) -> list[list[Observation]]:  # fmt: skip
    runs = []
    for function, inputs in asked:
        harness = getattr(function, "harness", None) or _harness(function)
        signature = signature_in(function.prelude, function.code)
        runs.append((CRun(program_of(function.prelude, function.code, harness), signature.slots), inputs))
    return observe_c(sandbox, runs)


C = Tongue("c", C_OPERATIONS, _edits, c_profiles, c_tried, _written, _observe, _harness)
