"""What is asked of the sandbox and what comes back: programs, cases, outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from contrafact.engines.sandbox.inside.values import encode

__all__ = ["CCase", "CProgram", "Case", "Kind", "Outcome", "Program"]

Kind = Literal[
    "ok",
    "exception",
    "assertion",
    "sanitizer",
    "exit",
    "timeout",
    "memory",
    "output",
    "processes",
    "killed",
    "compile_error",
    "missing_import",
    "unstorable",
    "tampered",
]
"""How a case ended:

====================  ========================================================  ======================================
kind                  meaning                                                   ``detail``
====================  ========================================================  ======================================
``ok``                it returned (Python), or ended with code 0 (C)
``exception``         it raised                                                 the exception's type
``assertion``         an ``AssertionError``, or ``assert`` of C                 the type; the condition in C
``sanitizer``         a report of the address or undefined-behaviour sanitizer  heap-buffer-overflow, null-dereference …
``exit``              the process ended by itself                               the exit code
``timeout``           CPU or wall seconds were used up
``memory``            more memory than allowed, or ``MemoryError``
``output``            more printed, written or returned than allowed            stdout, file or value
``processes``         more processes than allowed
``killed``            a signal ended it                                         the signal, such as SIGSEGV
``compile_error``     it does not compile, or defines no such function          the exception's type; C: the error
``missing_import``    it imports what is not there                              the module's name
``unstorable``        the value has no text (a function, an open file …)        the value's type
``tampered``          it wrote to the sandbox's own channel
====================  ========================================================  ======================================
"""


@dataclass(frozen=True)
class Case:
    """One call of a Python program.

    Attributes
    ----------
    function : str
        Name in the program's module, ``Class.method`` too. Empty: only load the module.
    arguments, keywords
        Plain values: None, bool, int, float, str, bytes, list, tuple, dict, set, frozenset, complex.
    stdin : str
        What ``sys.stdin`` gives.
    """

    function: str
    arguments: Sequence[Any] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    stdin: str = ""


@dataclass(frozen=True)
class Program:
    """Source of a Python module and the calls to make.

    ``fresh`` loads the module anew, in a process of its own, for each case; otherwise what one case leaves in the
    module's variables, the next one sees.
    """

    source: str
    cases: Sequence[Case]
    fresh: bool = False


@dataclass(frozen=True)
class CCase:
    """One run of a C program: its arguments (without the program's name) and what it reads."""

    arguments: Sequence[str] = ()
    stdin: str = ""


@dataclass(frozen=True)
class CProgram:
    """Source of a C program with ``main``, the runs to make, and the compiler's options besides the sanitizers'."""

    source: str
    cases: Sequence[CCase]
    flags: Sequence[str] = ()


@dataclass(frozen=True)
class Outcome:
    """How one case ended.

    Two outcomes are equal where kind, detail, value and standard output are; compare values of unlike types with
    ``behaviour``, which tells 1 from True and finds nan equal to itself.

    Attributes
    ----------
    kind : Kind
    value
        What the function returned. A value of no plain type is :class:`~contrafact.engines.sandbox.Shown`.
    stdout, stderr : str
        What was printed during the case, at most ``limits.output_bytes`` each.
    detail : str
        Which one of its kind; see :data:`Kind`.
    message : str
        What was said of it, for people to read. It is not part of the behaviour.
    seconds : float
        Wall clock, for measurements; never to be stored in a dataset.
    """

    kind: Kind
    value: Any = None
    stdout: str = ""
    stderr: str = field(default="", compare=False)
    detail: str = ""
    message: str = field(default="", compare=False)
    seconds: float = field(default=0.0, compare=False)

    @property
    def behaviour(self) -> str:
        """One text that is equal for two outcomes exactly where the cases behaved alike."""
        return encode((self.kind, self.detail, self.value, self.stdout))
