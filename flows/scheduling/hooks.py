"""Telling somebody how a scheduled run ended: a web address, or a command.

Both get the same JSON. They are kept in the environment of the serving process and never among a run's parameters: a
web hook's address is a secret, and whoever may start a run in the UI is not therefore one to run commands.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from contrafact.errors import UserError

__all__ = ["COMPLETION", "FAILURE", "check_hooks", "told"]

COMPLETION, FAILURE = "CONTRAFACT_ON_COMPLETION", "CONTRAFACT_ON_FAILURE"
"""Environment variables that hold the hooks as a JSON list."""

_TRIES = 3
_PAUSE_SECONDS = 1.0
_ANSWER_SECONDS = 10.0
_COMMAND_SECONDS = 300.0


def check_hooks(hooks: Sequence[str]) -> None:
    """Raise ``UserError`` for a hook that is neither a web address nor a command that is there."""
    for hook in hooks:
        if _is_address(hook):
            continue
        try:
            words = shlex.split(hook)
        except ValueError as error:
            raise UserError(f"the hook {hook!r} cannot be read as a command: {error}") from None
        if not words or shutil.which(words[0]) is None:
            raise UserError(
                f"the hook {hook!r} is neither a web address nor a command that is there",
                allowed="https://… (it gets a JSON POST), or a command (it gets the JSON on standard input)",
                fix="write --on-failure 'sh -c \"…\"', or the command's whole path",
            )


def told(variable: str, message: Mapping[str, Any]) -> list[str]:
    """Send a message to every hook of a kind. Returns what went wrong, a sentence each; raises nothing."""
    hooks = json.loads(os.environ.get(variable) or "[]")
    return [problem for hook in hooks if (problem := _sent(hook, message)) is not None]


def _sent(hook: str, message: Mapping[str, Any]) -> str | None:
    text = json.dumps(message, default=str)
    return _posted(hook, text) if _is_address(hook) else _run(hook, text, message)


def _posted(address: str, text: str) -> str | None:
    import httpx

    problem: str | None = None
    for attempt in range(_TRIES):
        time.sleep(_PAUSE_SECONDS * attempt)
        try:
            httpx.post(
                address, content=text, headers={"Content-Type": "application/json"}, timeout=_ANSWER_SECONDS
            ).raise_for_status()
        except httpx.HTTPStatusError as error:
            problem = f"the web hook answered {error.response.status_code}"
        except httpx.HTTPError as error:
            problem = f"the web hook could not be reached ({type(error).__name__})"
        else:
            return None
    return problem


def _run(command: str, text: str, message: Mapping[str, Any]) -> str | None:
    name = next(iter(command.split()), "")  # what stands behind it may hold an address or a key, and this is logged
    told = {"CONTRAFACT_EVENT": str(message.get("event")), "CONTRAFACT_FOLDER": str(message.get("folder") or "")}
    try:
        done = subprocess.run(  # noqa: S603  # the operator's own command
            shlex.split(command),
            input=text,
            text=True,
            capture_output=True,
            env={**os.environ, **told},
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return f"the command {name} failed: {_why(error)}"
    if done.returncode == 0:
        return None
    return f"the command {name} … ended with {done.returncode}: {done.stderr.strip()[-300:]}"


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):  # whose text is the whole command
        return f"it did not end in {_COMMAND_SECONDS:.0f} s"
    return str(error)


def _is_address(hook: str) -> bool:
    return hook.startswith(("http://", "https://"))
