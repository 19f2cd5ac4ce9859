"""From what the supervisor saw to an outcome: the kinds, and what the reports of sanitizers say."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Any, get_args

from contrafact.engines.sandbox.inside.values import decode
from contrafact.engines.sandbox.outcome import Kind, Outcome

__all__ = ["SANITIZED", "c_outcome", "frame", "python_outcome"]

SANITIZED = 86
"""Exit code of a program that a sanitizer stopped."""

_ANNOUNCED = "AddressSanitizer:DEADLYSIGNAL\n"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_ASSERTION = re.compile(r"^[^\n]*: Assertion [`'](?P<condition>.*)' failed\.$", re.MULTILINE)
_ASAN = re.compile(r"ERROR: AddressSanitizer:? (?P<what>[^\n]*)")
_LAST_WORDS = re.compile(r"^program\.c:\d+:\d+: runtime error: (?:(?!runtime error: ).)*\Z", re.MULTILINE | re.DOTALL)
_UBSAN = re.compile(r"runtime error: (?P<what>[^\n]*)")
_ACCESS = re.compile(r"^(?P<way>READ|WRITE) of size (?P<size>\d+)", re.MULTILINE)
_PLACE = re.compile(r"program\.c:(?P<line>\d+)")
_FAULT = re.compile(r"(?:unknown address|points to) (?:\(nil\)|0x(?P<address>[0-9a-f]+))")
_NULL_PAGE = 1 << 16

_ADDRESS_KINDS = (  # what the address sanitizer writes, and our word
    ("attempting double-free", "double-free"),
    ("attempting free on address which was not malloc", "bad-free"),
    ("attempting to call malloc_usable_size", "bad-free"),
    ("requested allocation size", "allocation-size-too-big"),
    ("allocation-size-too-big", "allocation-size-too-big"),
    ("calloc-overflow", "allocation-size-too-big"),
    ("FPE", "division-by-zero"),
    ("ILL", "illegal-instruction"),
    ("memcpy-param-overlap", "overlapping-copy"),
    ("strcpy-param-overlap", "overlapping-copy"),
)
_UNDEFINED_KINDS = (  # what the undefined-behaviour sanitizer writes, and our word
    ("signed integer overflow", "signed-integer-overflow"),
    ("negation of", "signed-integer-overflow"),
    ("division by zero", "division-by-zero"),
    ("division of", "signed-integer-overflow"),
    ("null pointer", "null-dereference"),
    ("applying zero offset to null", "null-dereference"),
    ("out of bounds", "index-out-of-bounds"),
    ("shift", "invalid-shift"),
    ("misaligned address", "misaligned-access"),
    ("insufficient space", "object-size"),
    ("variable length array bound", "array-bound"),
    ("outside the range of representable values", "float-cast-overflow"),
    ("not a valid value for type", "invalid-value"),
    ("pointer index expression", "pointer-overflow"),
    ("reached an unreachable", "unreachable-reached"),
    ("end of a value-returning function", "missing-return"),
)


def python_outcome(reply: Mapping[str, Any]) -> Outcome:
    """The outcome of a Python case. An answer that is none of ours is kind ``tampered``."""
    if reply["how"] != "answer":
        return _ended(reply)
    try:
        kind, detail, message, text = decode(reply["answer"][1:])
        value = decode(text)
    except (ValueError, TypeError):
        return _outcome(reply, "tampered")
    if kind not in get_args(Kind) or not isinstance(detail, str) or not isinstance(message, str):
        return _outcome(reply, "tampered")
    return _outcome(reply, kind, detail, message, value)


def frame(report: str, name: str) -> str | None:
    """Offset of the first frame in the program's own file (of this name), where a report has addresses alone."""
    found = re.search(rf"#\d+ \S+ +\(\S*/{name}\+(0x[0-9a-f]+)\)", report)
    return found[1] if found else None


def c_outcome(reply: Mapping[str, Any], place: str = "") -> Outcome:
    """The outcome of one run of a sanitised C program, judged by its exit code, its signal and the report's file.

    ``place`` says where the report's :func:`frame` is.
    """
    how, code = reply["how"], reply["detail"]
    if how == "exit" and code == str(SANITIZED):
        if reply["report"]:
            reply = {**reply, "stderr": reply["stderr"].replace(_ANNOUNCED, "")}
            return _sanitizer(reply, reply["report"], place)
        # GCC's runtime for undefined behaviour writes to standard error alone, as the program's last words.
        said = _LAST_WORDS.search(reply["stderr"])
        if said:
            line = _PLACE.search(said[0])
            where = f", line {line['line']}" if line else ""
            return _sanitizer({**reply, "stderr": reply["stderr"][: said.start()]}, said[0], where)
    if how == "signal" and int(code) == signal.SIGABRT:
        condition = _ASSERTION.search(reply["stderr"])
        if condition:
            return _outcome(reply, "assertion", condition["condition"], condition[0])
    return _ended(reply)


def _sanitizer(reply: Mapping[str, Any], report: str, place: str) -> Outcome:
    undefined, address = _UBSAN.search(report), _ASAN.search(report)
    if undefined is not None:
        return _outcome(reply, "sanitizer", _word(undefined["what"], _UNDEFINED_KINDS), undefined["what"] + place)
    if address is None:
        return _outcome(reply, "memory" if "rss limit" in report else "sanitizer", "", report.partition("\n")[0])
    what = address["what"]
    if "out of memory" in what or "rss limit" in what:
        return _outcome(reply, "memory", "", what)
    if what.startswith(("SEGV", "BUS")):
        fault = _FAULT.search(report)
        near = fault is not None and int(fault["address"] or "0", 16) < _NULL_PAGE
        return _outcome(reply, "sanitizer", "null-dereference" if near else "wild-access", what + place)
    access = _ACCESS.search(report)
    way = f": {access['way'].lower()} of {access['size']} bytes" if access else ""
    detail = _word(what, _ADDRESS_KINDS)
    return _outcome(reply, "sanitizer", detail, detail + way + place)


def _word(what: str, kinds: tuple[tuple[str, str], ...]) -> str:
    """Our word; for what is not in the list, the report's own first one."""
    for phrase, word in kinds:
        if phrase in what:
            return word
    return (what.split() or ["unknown"])[0].strip(":,")


def _ended(reply: Mapping[str, Any]) -> Outcome:
    """An end without an answer."""
    how, detail = reply["how"], reply["detail"]
    if how == "exit":
        return _outcome(reply, "ok") if detail == "0" and not reply["python"] else _outcome(reply, "exit", detail)
    if how == "signal":
        number = int(detail)
        if number == signal.SIGXCPU:
            return _outcome(reply, "timeout", "", "cpu")
        if number == signal.SIGXFSZ:
            return _outcome(reply, "output", "file")
        return _outcome(reply, "killed", _signal(number))
    if how == "timeout":
        return _outcome(reply, "timeout", "", detail)
    if how == "output":
        return _outcome(reply, "output", "stdout")
    return _outcome(reply, how)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _outcome(reply: Mapping[str, Any], kind: Any, detail: str = "", message: str = "", value: Any = None) -> Outcome:
    plain = _ADDRESS.sub("0x…", message)
    return Outcome(kind, value, reply["stdout"], reply["stderr"], detail, plain, reply["seconds"])
