r"""Verifiers of exported rows: was the question answered as the oracle answers it? Standard library alone.

A verifier is a function ``(response, reference) -> float``; a row of the view ``rlvr`` names its own by import path.
:func:`reward` looks these up, in the form in which TRL's ``GRPOTrainer`` calls a reward function::

    dataset = load_dataset("outputs/NAME", "rlvr", split="train").rename_column("question", "prompt")
    GRPOTrainer(model, reward_funcs=reward, train_dataset=dataset)
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from contrafact.errors import DataError

__all__ = ["VERIFIERS", "exact", "load_verifier", "reward"]

Verifier = Callable[[str, str], float]

_SAID = re.compile(r"(?:final\s+)?answers?(?:\s+is)?\s*[*_`\"]*\s*[:=]\s*|\banswer\s+is\s+", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\text\s*\{)?([^{}]*)\}")
_AROUND = " \t\r\n.!?,;:*_`\"'()[]{}<>“”‘’"  # noqa: RUF001  # curly quotes are meant
_LONGEST = 100_000

VERIFIERS = ("contrafact.exports.rewards:exact", "generators.code.executable.reward:verify")
"""Import paths of all verifiers: what a row may name. Other functions of ours may write files or run programs."""


def exact(response: str, reference: str) -> float:
    r"""1.0 where the response's final answer is the reference, whatever the case and the marks around it; else 0.0.

    The final answer is what stands in the last ``\boxed{}``, else after the last ``Answer:``, else on the last line
    that says anything.
    """
    return float(_plain(_final(response[-_LONGEST:])) == _plain(reference))


def reward(completions: Sequence[Any], verifier: Sequence[str], reference: Sequence[str], **_: Any) -> list[float]:
    """Rewards of a batch of responses, as TRL's ``GRPOTrainer`` asks for them.

    Parameters
    ----------
    completions : sequence of str, or of list of messages
        Of a conversation the last message counts.
    verifier, reference : sequence of str
        Columns of the view ``rlvr``.

    Raises
    ------
    DataError
        For a verifier that is none of ours: a dataset must not name code to be run.
    """
    said = [each if isinstance(each, str) else str(each[-1]["content"]) for each in completions]
    return [
        float(load_verifier(path)(response, wanted))
        for response, path, wanted in zip(said, verifier, reference, strict=True)
    ]


@lru_cache(maxsize=64)
def load_verifier(path: str) -> Verifier:
    """The function that one of :data:`VERIFIERS` names. Raises ``DataError`` for any other."""
    if path not in VERIFIERS:
        raise DataError(
            f"the verifier {path!r} is none of contrafact's",
            allowed=", ".join(VERIFIERS),
            fix="import your own, and call it yourself",
        )
    module, _, name = path.partition(":")
    found: Verifier = getattr(importlib.import_module(module), name)
    return found


def _final(response: str) -> str:
    boxed = list(_BOXED.finditer(response))
    if boxed:
        return boxed[-1][1]
    said = list(_SAID.finditer(response))
    if said:
        return (response[said[-1].end() :].strip().splitlines() or [""])[0]
    lines = [line for line in response.splitlines() if line.strip(_AROUND)]
    return lines[-1] if lines else ""


def _plain(text: str) -> str:
    return " ".join(text.strip(_AROUND).casefold().split())
