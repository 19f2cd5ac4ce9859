"""Texts of a source on their way into a prompt, where they are data."""

from __future__ import annotations

import re

__all__ = ["flat"]

_BROKEN = ((re.compile(r"_{2,}"), "_"), (re.compile(r"<(?=[|/a-zA-Z])"), "< "), (re.compile(r"\[(?=/?INST)"), "[ "))


def flat(text: str, *, ends: bool = False) -> str:
    """A text on one line, with nothing in it that means something to a prompt or a chat template.

    ``ends`` keeps a blank at either end.
    """
    for pattern, instead in _BROKEN:
        text = pattern.sub(instead, text)
    line = " ".join(text.split())
    if ends and line:
        return (" " if text[:1].isspace() else "") + line + (" " if text[-1:].isspace() else "")
    return line
