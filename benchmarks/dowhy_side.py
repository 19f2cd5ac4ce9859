"""A handle on the DoWhy worker: a child process that holds the facts and times itself."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import REPOSITORY, dowhy_python, dowhy_version
from benchmarks.harness import Seconds

__all__ = ["DoWhy"]

Columns = Mapping[str, NDArray[np.float64]]
Interventions = Mapping[str, tuple[str, float]]
"""Variable to (operation, value), the operation being do, shift or scale."""


class DoWhy:
    """A running worker that holds ``facts``. A context manager: it ends the worker and removes its files.

    ``mechanisms`` is ``known`` (the table's equations), ``linear`` or ``polynomial`` (DoWhy's own regressors; then
    ``coefficients`` says what was fitted).
    """

    def __init__(self, facts: Columns, mechanisms: str = "known") -> None:
        python = dowhy_python()
        self.version = dowhy_version(python)
        self._folder = tempfile.TemporaryDirectory(prefix="contrafact-dowhy-")
        for name, column in facts.items():
            np.save(Path(self._folder.name) / f"{name}.npy", column)
        command = [str(python), "-m", "benchmarks.dowhy_worker"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._worker = subprocess.Popen(command, cwd=REPOSITORY, **pipes)
        loaded = self._ask({"facts": self._folder.name, "mechanisms": mechanisms})
        self.coefficients: dict[str, dict[str, Any]] = loaded["coefficients"]

    def time(self, interventions: Interventions) -> Seconds:
        """Seconds that ``counterfactual_samples`` itself took, from table to table."""
        return Seconds(self._ask({"interventions": dict(interventions)})["seconds"])

    def answer(self, interventions: Interventions) -> dict[str, NDArray[np.float64]]:
        """DoWhy's counterfactual values, a column a variable."""
        path = Path(self._folder.name) / "answer.npz"
        self._ask({"interventions": dict(interventions), "save": str(path)})
        with np.load(path) as saved:
            return {name: saved[name] for name in saved.files}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _opened(self._worker.stdin).close()
        try:
            self._worker.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._worker.kill()
        self._folder.cleanup()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        pipe = _opened(self._worker.stdin)
        pipe.write(json.dumps(request) + "\n")
        pipe.flush()
        line = _opened(self._worker.stdout).readline()
        if not line:
            raise SystemExit("the DoWhy worker ended without an answer; its own message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _opened(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("the worker was started without a pipe")
    return pipe
