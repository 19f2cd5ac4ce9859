"""Processes that a sandbox left behind, told from those that other tests of the process keep (trackers, servers)."""

from __future__ import annotations

import psutil

__all__ = ["left_behind", "note_children"]

_KNOWN: set[psutil.Process] = set()


def note_children() -> None:
    """Remember what runs under this process before a test begins."""
    _KNOWN.clear()
    _KNOWN.update(psutil.Process().children(recursive=True))


def left_behind() -> list[psutil.Process]:
    """What runs under this process and did not before the test."""
    return [each for each in psutil.Process().children(recursive=True) if each not in _KNOWN]
