"""What decides how code ends, named for an identity: limits, the interpreter, the compiler. Runs no program."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any

from contrafact.engines.sandbox.compiling import compiler_path
from contrafact.engines.sandbox.settings import read_sandbox_settings
from contrafact.errors import MissingDependencyError
from contrafact.identity import canonical

__all__ = ["sandbox_identity"]

_SECONDS = 60


def sandbox_identity(given: Mapping[str, Any], *, compiler: bool = False) -> str:
    """One text that is equal where the same code has the same outcomes, as far as can be told without running any.

    Parameters
    ----------
    given : mapping
        ``engines.sandbox`` of a recipe.
    compiler : bool
        Whether programs in C are run, so that the compiler's release counts.

    Raises
    ------
    RecipeError
        For settings that cannot be used.
    MissingDependencyError
        Where a compiler is wanted and there is none.
    """
    settings = read_sandbox_settings(given)
    named = {**settings.identity(), "interpreter": f"{platform.python_implementation()} {platform.python_version()}"}
    if compiler:
        named["release"] = _release(compiler_path(settings))
    return canonical(named)


@cache
def _release(path: str) -> str:
    """The first line of what the compiler says of itself: its name, the distribution's package and the version."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingDependencyError(
            f"the compiler {path} does not say its version: {error}", fix=f"try {path} --version, and install it anew"
        ) from error
    return said.stdout.partition("\n")[0]
