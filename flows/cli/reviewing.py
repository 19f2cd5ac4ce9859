"""``contrafact review``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from contrafact.errors import RecipeError, RunDirectoryError
from contrafact.review.statistics import Share
from contrafact.review.summary import Summary

__all__ = ["review_command", "summary_command"]

_REASONS = 12


def review_command(directory: Path, reviewer: str, port: int, *, opened: bool) -> None:
    """Serve the page until the user stops it."""
    from contrafact.review.marks import marks_file
    from contrafact.review.serving import ReviewServer

    console = Console()
    try:
        server = ReviewServer(directory, reviewer, port)
    except OSError as error:
        raise RunDirectoryError(
            f"port {port} cannot be used: {error.strerror}", fix="another --port; without one a free port is taken"
        ) from None
    with server:
        try:
            _say(console, server.address, marks_file(directory))
            if opened:
                import webbrowser

                webbrowser.open(server.address)
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            console.print(f"\nStopped. What the marks say: contrafact review {directory} --summary", highlight=False)


def _say(console: Console, address: str, marks: Path) -> None:
    console.print("Open this address in a browser on this machine; it is yours alone:", highlight=False)
    console.print(f"  {address}", highlight=False, soft_wrap=True, style="bold")
    console.print(f"Marks go to {marks}. Stop with Ctrl-C.", highlight=False, soft_wrap=True)


def summary_command(directory: Path, wanted: float | None, level: float) -> None:
    """Print what the marks say."""
    from contrafact.review.summary import summarise

    for name, value in (("precision", wanted), ("level", level)):
        if value is not None and not 0 < value < 1:
            raise RecipeError(f"--{name} is {value}", allowed="a share above 0 and below 1", fix=f"--{name} 0.9")
    found = summarise(directory, wanted, level)
    console = Console()
    if not found.pairs:
        console.print(f"Nobody has marked a pair of {directory} yet: contrafact review {directory}", highlight=False)
    else:
        _print(console, found, wanted, level)
    for line in _notes(found):
        console.print(line, style="dim", highlight=False, soft_wrap=True)


def _print(console: Console, found: Summary, wanted: float | None, level: float) -> None:
    who = ", ".join(f"{name} ({count:,})" for name, count in sorted(found.reviewers.items()))
    console.print(f"{found.pairs:,} pairs marked by {who}", highlight=False, soft_wrap=True)
    rows = [("accepted", found.accepted), ("rejected", found.rejected)]
    _shares(console, f"\nRight, with Wilson's {level:.0%} interval", rows)
    if found.reasons:
        reasons = list(found.reasons.items())[:_REASONS]
        _shares(console, "\nRejected pairs by reason: what is right here was turned away wrongly", reasons)
    names = list(dict.fromkeys(each.score for each in found.score_bins))
    for name in names:
        bins = [(f"{each.low:.4g} to {each.high:.4g}" if each.low != each.high else f"{each.low:.4g}", each.share)
                for each in found.score_bins if each.score == name]  # fmt: skip
        _shares(console, f"\nBy {name}, accepted or not", bins)
    if wanted is not None:
        _thresholds(console, found, wanted)
    for each in found.kappas:
        spread = "" if math.isnan(each.kappa) else f" ({each.low:.2f} to {each.high:.2f})"
        kappa = "undefined: one mark alone was given" if math.isnan(each.kappa) else f"{each.kappa:.2f}{spread}"
        console.print(
            f"\n{each.one} and {each.other} on {each.pairs:,} pairs: same mark {each.agreed:.1%}, Cohen's κ {kappa}",
            highlight=False,
            soft_wrap=True,
        )


def _shares(console: Console, title: str, rows: Iterable[tuple[str, Share]]) -> None:
    """A line each, what it is about last: a reason may be long, and no line is broken."""
    console.print(f"{title}\n", highlight=False, soft_wrap=True)
    console.print("   right   wrong unclear  precision  interval", style="dim", highlight=False)
    for name, share in rows:
        known = not math.isnan(share.precision)
        counts = "".join(f"{each:>8,}" for each in (share.right, share.wrong, share.unclear))
        told = f"{share.precision:.3f}" if known else "–"
        between = f"{share.low:.3f} to {share.high:.3f}" if known else ""
        console.print(f"{counts}  {told:>9}  {between:<14}  {name}", highlight=False, markup=False, soft_wrap=True)


def _thresholds(console: Console, found: Summary, wanted: float) -> None:
    console.print(f"\nThresholds at which the interval's lower end reaches {wanted:g}", highlight=False)
    if not found.thresholds:
        console.print("  none: mark more pairs, or want less", highlight=False)
    for each in sorted(found.thresholds, key=lambda each: -each.kept):
        console.print(
            f"  {each.score} {each.way} {each.value:.6g}: precision {each.share.precision:.3f}"
            f" ({each.share.low:.3f} to {each.share.high:.3f}), keeps {each.kept:.1%} of the marked pairs",
            highlight=False,
            soft_wrap=True,
        )
    if found.thresholds:
        console.print(
            "  Chosen by the marks that praise them, and so too hopeful: mark pairs beyond the line afresh.",
            style="dim",
            highlight=False,
        )


def _notes(found: Summary) -> Sequence[str]:
    told = [
        (found.disputed, "marked differently by different people: the majority counts, a tie as unclear"),
        (found.stale, "marks are on pairs that are no longer what they were, and do not count"),
        (found.unknown, "marks are on pairs that are not in this dataset, and do not count"),
        (found.damaged, "lines of the file are no marks, and were passed over"),
    ]
    lines = [f"{count:,} {why}" for count, why in told if count]
    if found.pairs:
        lines.append(
            "The shares speak of the dataset only where the marked pairs were drawn at random, as the page's order is."
        )
    return lines
