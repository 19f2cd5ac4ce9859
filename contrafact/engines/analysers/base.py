"""The contract of a static analyser, and what all of them share: files, a command, its answer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from contrafact.errors import MissingDependencyError, StageError

__all__ = ["Analyser", "Finding", "same_weakness"]

_KIN = (
    {119, 120, 121, 122, 124, 125, 126, 127, 131, 786, 787, 788, 805},
    {190, 191, 128, 680, 758},
    {476, 690, 395},
    {415, 416, 672, 825},
    {369},
    {22, 23, 36, 73},
    {77, 78, 88},
    {89, 564},
)
_SECONDS = 600
_SUFFIXES = {"python": ".py", "c": ".c"}
_NUMBER = re.compile(r"(\d+)\.(?:c|py)$")


@dataclass(frozen=True)
class Finding:
    """One remark of an analyser.

    Attributes
    ----------
    cwe : int
        Number of the weakness; 0 where the analyser does not say.
    rule : str
        The analyser's own name for it.
    line : int
        From 1.
    """

    cwe: int
    rule: str
    line: int


def same_weakness(one: int, other: int) -> bool:
    """Whether two numbers are one weakness or near kin: analysers differ in how finely they tell them apart."""
    return one == other or any(one in kin and other in kin for kin in _KIN)


class Analyser(ABC):
    """A program that reads files and says what is wrong with them.

    Attributes
    ----------
    name, fix : str
        How it is called, and the command that installs it.
    languages : tuple of str
        ``c``, ``python``.

    Parameters
    ----------
    path : str, optional
        The executable; otherwise it is looked for on the ``PATH`` and beside Python.

    Raises
    ------
    MissingDependencyError
        Where it is not installed, with the package.
    """

    name: ClassVar[str]
    languages: ClassVar[tuple[str, ...]]
    fix: ClassVar[str]

    def __init__(self, path: str | None = None) -> None:
        beside = Path(sys.executable).with_name(self.name)
        found = shutil.which(path or self.name) or (str(beside) if path is None and beside.is_file() else None)
        if found is None:
            said = f"there is no executable {path!r}" if path else f"the analyser {self.name} is not installed"
            raise MissingDependencyError(said, fix=f"correct executables.{self.name}" if path else self.fix)
        self.path = found

    def version(self) -> str:
        """What it says of itself, for the recipe's identity."""
        with TemporaryDirectory() as folder:
            done = subprocess.run(  # noqa: S603  # a known program
                [self.path, "--version"], capture_output=True, text=True, check=False, timeout=_SECONDS,
                env={**os.environ, **self.environment(Path(folder))},
            )  # fmt: skip
        return f"{self.name} {' '.join(re.findall(r'[0-9]+(?:[.][0-9]+)+', done.stdout + done.stderr)[:1])}"

    def findings(self, texts: Sequence[str], language: str | None = None) -> list[list[Finding]]:
        """What is found in each text, in order; all are read in one run.

        ``language`` is that of the texts; the analyser's first one by default.

        Raises
        ------
        StageError
            Where the analyser's answer cannot be read.
        """
        found: list[list[Finding]] = [[] for _ in texts]
        if not texts:
            return found
        with TemporaryDirectory() as name:
            folder = Path(name)
            for number, text in enumerate(texts):
                (folder / f"{number}{_SUFFIXES[language or self.languages[0]]}").write_text(text, encoding="utf-8")
            done = subprocess.run(  # noqa: S603  # a known program
                [self.path, *self.arguments(folder)], capture_output=True, text=True, check=False, timeout=_SECONDS,
                cwd=folder, env={**os.environ, **self.environment(folder)},
            )  # fmt: skip
            try:
                for place, finding in self.read(done.stdout, done.stderr):
                    file = _NUMBER.search(place)
                    if file is not None:
                        found[int(file[1])].append(finding)
            except (ValueError, KeyError, SyntaxError) as error:
                said = (done.stderr or done.stdout).strip().splitlines()[-1:]
                raise StageError(f"{self.name} gave no answer that can be read: {said or error}") from error
        return found

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables that it is started with besides ours; ``folder`` is where it may write."""
        return {}

    @abstractmethod
    def arguments(self, folder: Path) -> list[str]:
        """What to call it with, so that it reads every file of a folder."""

    @abstractmethod
    def read(self, output: str, errors: str) -> Iterator[tuple[str, Finding]]:
        """Findings from what was printed, each with the path of its file."""
