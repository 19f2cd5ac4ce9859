"""What the conformance checks found, in words that name a cause and a fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Check", "Report"]


@dataclass(frozen=True)
class Check:
    """One law, tried at one variable.

    Attributes
    ----------
    name : str
        The law: sampling, support, purity, row independence, abduction, replay, composition, effectiveness,
        preservation or reversibility.
    variable : str or None
        Where it was tried; None for the model as a whole.
    passed : bool
    detail : str
        What was measured.
    cause, fix : str
        For a failure: why it most likely happens, and what mends it.
    """

    name: str
    variable: str | None
    passed: bool
    detail: str = ""
    cause: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Report:
    """Every check of one model. ``str(report)`` explains the failures; ``passed`` is True where there is none."""

    model: str
    units: int
    seed: int
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return bool(self.checks) and not self.failures

    @property
    def failures(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]

    def __str__(self) -> str:
        names = list(dict.fromkeys(check.name for check in self.checks))
        run = f"{len(self.checks)} checks on {self.units} units with seed {self.seed}"
        if self.passed:
            return "\n".join([f"{self.model}: passed {run} ({', '.join(names)})", *self._posteriors()])
        blocks = [f"{self.model}: {len(self.failures)} of {run} failed", *self._explained()]
        if any(check.name == "sampling" for check in self.failures):
            blocks.append("Nothing else was tried: every other check needs units to start from.")
        return "\n\n".join(blocks)

    def _explained(self) -> list[str]:
        # One broken mechanism breaks many laws at many variables: failures of one cause are told together.
        alike: dict[tuple[str, str], list[Check]] = {}
        for check in self.failures:
            alike.setdefault((check.cause, check.fix), []).append(check)
        return [_paragraph(checks) for checks in alike.values()]

    def _posteriors(self) -> list[str]:
        alike: dict[str, list[str]] = {}
        for check in self.checks:
            if check.name == "abduction" and check.detail:
                alike.setdefault(check.detail, []).append(str(check.variable))
        return [f"  {', '.join(names)}: {detail}" for detail, names in alike.items()]


def _paragraph(checks: Sequence[Check]) -> str:
    lines = []
    for name in dict.fromkeys(check.name for check in checks):
        first, *others = [check for check in checks if check.name == name]
        where = f" at `{first.variable}`" if first.variable else ""
        also = ", ".join(check.variable for check in others if check.variable)
        lines.append(f"{name} fails{where}: {first.detail}{f' (also at {also})' if also else ''}.")
    cause, fix = checks[0].cause, checks[0].fix
    return "\n".join([*lines, *([f"  {cause}"] if cause else []), *([f"  fix: {fix}"] if fix else [])])
