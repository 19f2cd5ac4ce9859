"""Why pairs were rejected, as a build and a refilter say it in their last lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

__all__ = ["print_reasons"]

_SHOWN = 8
_ALSO_SHOWN = 3


def print_reasons(console: Console, manifest: Mapping[str, Any], advice: Mapping[str, str] | None = None) -> None:
    """The first reason of each rejected pair, commonest first, so that the counts add up; then what was said besides.

    Parameters
    ----------
    advice : mapping of reason to str, optional
        What can be done about a reason; such a reason is always shown.
    """
    advice = advice or {}
    reasons: Mapping[str, int] = manifest["reasons"]
    shown = [reason for place, reason in enumerate(reasons) if place < _SHOWN or reason in advice]
    for reason in shown:
        _line(console, f"  {reasons[reason]:>9,} × {reason}")
        if reason in advice:
            _line(console, f"              fix: {advice[reason]}")
    if len(shown) < len(reasons):
        rest = manifest["rejected"] - sum(reasons[reason] for reason in shown)
        _line(console, f"  {rest:>9,} × {len(reasons) - len(shown)} other reasons, in manifest.json")
    also: Mapping[str, int] = manifest["also"]
    if also:
        said = "; ".join(f"{count:,} × {reason}" for reason, count in list(also.items())[:_ALSO_SHOWN])
        more = f"; and {len(also) - _ALSO_SHOWN} more reasons" if len(also) > _ALSO_SHOWN else ""
        _line(console, f"  later filters said of pairs that were rejected already: {said}{more}")


def _line(console: Console, text: str) -> None:
    console.print(text, style="dim", highlight=False, markup=False, soft_wrap=True)
