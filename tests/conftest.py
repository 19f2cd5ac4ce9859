"""What every test runs under: no network, no telemetry, a Prefect of its own, repeatable examples.

Markers
-------
``system(package, ...)``
    The test needs Debian packages listed in ``system-packages.txt``. Where one is missing, the test is left out and
    named at the end of the run; under ``CI=true`` it fails instead.
``long(bounded=..., full=...)``
    The fixture ``amount`` gives ``bounded``, or ``full`` under ``--long``.
"""

from __future__ import annotations

import atexit
import ctypes.util
import importlib.util
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_SCRATCH = tempfile.mkdtemp(prefix="contrafact-tests-")
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)

# Prefect and huggingface_hub read these when they are imported, and processes that tests start inherit them.
os.environ.update(
    {
        "DO_NOT_TRACK": "1",
        "CONTRAFACT_CACHE": f"{_SCRATCH}/cache",
        "HF_HOME": f"{_SCRATCH}/huggingface",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "NO_GCE_CHECK": "true",  # Google's library, when imported: it would look for a metadata server of Google's
        "PREFECT_HOME": f"{_SCRATCH}/prefect",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # The first start migrates a database: over 20 s, which is the default, on a busy machine.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
)
# A server or profile of the person who runs the tests is not the tests' to use.
for _theirs in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE", "HF_TOKEN", "OPENAI_API_KEY"):
    os.environ.pop(_theirs, None)

# Time limits of single examples say more about the machine's other work than about the code.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")

# Started in the background by a shell, we would ignore Ctrl-C, and so would every process whose Ctrl-C a test tries.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

PACKAGES = Path(__file__).parent.parent / "system-packages.txt"
LEFT_OUT = re.compile(r"needs (?P<packages>[\w., +-]+): make system-packages")


@dataclass(frozen=True)
class SystemPackage:
    """One line of ``system-packages.txt``."""

    name: str
    probe: str
    reason: str

    def present(self) -> bool:
        """Whether what the package brings is on this machine."""
        kind, _, what = self.probe.partition(":")
        if kind == "binary":
            return shutil.which(what) is not None
        if kind == "library":
            return ctypes.util.find_library(what) is not None
        if kind == "file":
            return Path(what).is_file()
        return importlib.util.find_spec(what) is not None


def system_packages(path: Path = PACKAGES) -> dict[str, SystemPackage]:
    """The listed packages by name. Raises ``ValueError`` on a line that is not package, probe, reason."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    packages: dict[str, SystemPackage] = {}
    for line in lines:
        if not line or line.startswith("#"):
            continue
        parts = line.split(maxsplit=2)
        if len(parts) != 3 or parts[1].partition(":")[0] not in ("binary", "library", "python", "file"):
            kinds = "binary:NAME | library:NAME | python:NAME | file:PATH"
            raise ValueError(f"{path.name}: {line!r} is not: package, {kinds}, reason")
        packages[parts[0]] = SystemPackage(*parts)
    return packages


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run tests marked `long` in full")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "system(package, ...): needs packages listed in system-packages.txt")
    config.addinivalue_line("markers", "long(bounded, full): the fixture `amount` gives one of the two (see --long)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    known = system_packages()
    for item in items:
        for name in _needed(item):
            if name not in known:
                raise pytest.UsageError(f"{item.nodeid} needs {name!r}, which {PACKAGES.name} does not list")


def pytest_runtest_setup(item: pytest.Item) -> None:
    known = system_packages()
    missing = [name for name in _needed(item) if not known[name].present()]
    if not missing:
        return
    message = f"needs {', '.join(missing)}: make system-packages"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    # From the reports and not from a list of our own: tests may have run in other processes.
    found = {
        report.nodeid: why["packages"].split(", ")
        for report in terminalreporter.getreports("skipped")
        if (why := LEFT_OUT.search(str(report.longrepr)))
    }
    if not found:
        return
    names = sorted({name for packages in found.values() for name in packages})
    terminalreporter.section("tests left out")
    terminalreporter.line(f"{len(found)} left out, for want of system packages: {', '.join(names)}")
    for test in sorted(found):
        terminalreporter.line(f"  {test}")
    terminalreporter.line("To run them too: make system-packages")


def _needed(item: pytest.Item) -> list[str]:
    return [name for marker in item.iter_markers("system") for name in marker.args]


@pytest.fixture
def amount(request: pytest.FixtureRequest) -> Any:
    """How much a test marked ``long`` is to do."""
    marker = request.node.get_closest_marker("long")
    assert marker is not None, "the fixture `amount` belongs to tests marked long(bounded=..., full=...)"
    return marker.kwargs["full" if request.config.getoption("--long") else "bounded"]


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """A real Prefect server for the whole run, started when the first test asks; gives the address of its API.

    Flows of this process find it by themselves. A process that a test starts needs the address as PREFECT_API_URL.
    """
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield PREFECT_API_URL.value()
