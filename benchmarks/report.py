"""The report of 100,000 text pairs: time to make, size, and time to first paint. ``python -m benchmarks.report``."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Measurement, Seconds, Target, report, run_interleaved, spread

__all__ = ["main"]

ROWS = 100_000
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
TARGETS = {
    "made": Target(at_most=20),
    "size": Target(at_most=30),
    "first paint": Target(at_most=1.5),
}
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_READY = "() => document.body.dataset.ready === 'yes'"
_FILTERED = """() => { const begin = performance.now(); document.getElementById('choose-verdict').value = 'rejected';
document.getElementById('choose-verdict').dispatchEvent(new Event('change'));
return new Promise(done => new MutationObserver(() => done((performance.now() - begin) / 1000))
  .observe(document.getElementById('count'), {childList: true, characterData: true, subtree: true})); }"""
_SEARCHED = """() => { const begin = performance.now(), box = document.getElementById('search');
box.value = 'no pair holds this';
box.dispatchEvent(new Event('input'));
return new Promise(done => { const wait = () => document.querySelector('#pair .empty')
  ? done((performance.now() - begin) / 1000) : setTimeout(wait, 20); wait(); }); }"""


def main() -> None:
    """Build the dataset once, make its page several times, open it several times, and print it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="contrafact-bench-") as temporary:
        folder = _built(Path(temporary) / "texts", asked.rows)
        times = run_interleaved({"made": partial(_made, folder)}, asked.repeats, warmups=0)
        rows = [spread("made", times["made"])]
        page = folder / "report.html"
        rows.append(Measurement("size", page.stat().st_size / 1e6, "MB"))
        rows += _opened(page, asked.repeats)
    report("report", rows, TARGETS, settings={"pairs": asked.rows, "repeats": asked.repeats})


def _built(folder: Path, rows: int) -> Path:
    """A dataset of generated texts: about 60 words a pair, no two alike, a third of the pairs rejected."""
    from contrafact.pipeline import run_local
    from contrafact.recipe import parse_recipe

    recipe = {
        "name": "texts",
        "rows": rows,
        "generator": {"use": "benchmarks.report_texts:Sentences", "units": rows},
        "filters": {"minimality": {}, "third": {"use": "benchmarks.report_texts:Third"}},
    }
    run_local(parse_recipe(recipe), None, folder)
    return folder


def _made(folder: Path) -> Seconds:
    from contrafact.report import make_report

    begin = time.perf_counter()
    _, shown = make_report(folder)
    if shown.how:
        raise SystemExit(f"the page holds {shown.rows} of {shown.whole} pairs")
    return Seconds(time.perf_counter() - begin)


def _opened(page: Path, repeats: int) -> list[Measurement]:
    """First paint, until pairs are at hand, a filter and a search that finds nothing; a fresh browser each time."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {"first paint": [], "pairs at hand": [], "a filter": [], "a search": []}
    with sync_playwright() as playwright:
        for _ in range(repeats):
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            told = _one_opening(browser.new_page(), page)
            browser.close()
            for name, value in told.items():
                found[name].append(value)
    return [spread(name, values) for name, values in found.items()]


def _one_opening(tab: Any, page: Path) -> Mapping[str, float]:
    begin = time.perf_counter()
    tab.goto(page.resolve().as_uri(), wait_until="commit")
    tab.wait_for_function(_READY, timeout=60_000)
    ready = time.perf_counter() - begin
    paint = float(tab.evaluate(_PAINT)) / 1000
    tab.click('nav a[data-view="pairs"]')
    return {
        "first paint": paint,
        "pairs at hand": ready,
        "a filter": float(tab.evaluate(_FILTERED)),
        "a search": float(tab.evaluate(_SEARCHED)),
    }


if __name__ == "__main__":
    main()
