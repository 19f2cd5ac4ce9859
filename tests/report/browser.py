"""A real browser on a page: Debian's Chromium, driven by Playwright; what it complained of and asked for is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["CHROMIUM", "Opened", "faults_of", "launched", "opened"]

CHROMIUM = "/usr/bin/chromium"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Opened:
    """One page, and what it said and asked for on the way."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ready(self) -> Opened:
        """Wait until the pairs are unpacked."""
        self.page.wait_for_selector('body[data-ready="yes"]', timeout=60_000)
        return self

    def shown(self) -> str:
        """Id of the pair that is shown."""
        return str(self.page.locator(".pair header h2").inner_text())

    def counted(self) -> int:
        """Pairs in the list."""
        return int(self.page.locator("#count").inner_text().split()[0].replace(",", ""))

    def settled(self, wanted: int) -> None:
        """Wait until the list has so many pairs."""
        self.page.wait_for_function(
            "wanted => document.getElementById('count').textContent.startsWith(wanted + ' of')"
            " && !document.getElementById('count').textContent.includes('searching')",
            arg=f"{wanted:,}",
            timeout=60_000,
        )


@contextmanager
def launched() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Any, address: str | Path, *, scheme: str = "light", width: int = 1280, height: int = 860
) -> Iterator[Opened]:
    """A page at an address or of a file, in a context of its own."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(60_000)  # a busy machine is slow, and not wrong
    page = context.new_page()
    found = Opened(page)
    page.on("console", lambda told: found.complaints.append(told.text) if told.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on("request", lambda asked: found.requests.append(asked.url) if not asked.url.startswith("data:") else None)
    page.goto(address.resolve().as_uri() if isinstance(address, Path) else address)
    try:
        yield found
    finally:
        context.close()


def faults_of(page: Any) -> list[str]:
    """What axe-core finds serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]} ({each['nodes'][0].get('failureSummary', '')})"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
