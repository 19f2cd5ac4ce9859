"""Runs code that nobody vouches for: Python and C, isolated, within limits, many programs a start.

::

    Sandbox.python_many ─► batch (a thread a core) ─► start ─► bwrap ─► inside/ (a supervisor) ─► a child a program
    Sandbox.c_many ─► compiling ─┘                                         replies ─► reading ─► outcomes
"""

from contrafact.engines.sandbox.engine import Sandbox, open_sandbox
from contrafact.engines.sandbox.inside.values import Shown, Unstorable
from contrafact.engines.sandbox.naming import sandbox_identity
from contrafact.engines.sandbox.outcome import Case, CCase, CProgram, Kind, Outcome, Program
from contrafact.engines.sandbox.settings import UNPROTECTED, Isolation, Limits, SandboxSettings, read_sandbox_settings

__all__ = [
    "UNPROTECTED",
    "CCase",
    "CProgram",
    "Case",
    "Isolation",
    "Kind",
    "Limits",
    "Outcome",
    "Program",
    "Sandbox",
    "SandboxSettings",
    "Shown",
    "Unstorable",
    "open_sandbox",
    "read_sandbox_settings",
    "sandbox_identity",
]
