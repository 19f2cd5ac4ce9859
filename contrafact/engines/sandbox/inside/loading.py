"""The forked child: loads the code under test as a module, calls its functions, answers on a channel of its own.

The process belongs to the code under test, which could answer in our place; that is its own outcome, as any value it
chooses to return is. What it cannot reach is the supervisor, another program's outcome, or anything outside.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from types import CodeType, ModuleType
from typing import Any, NoReturn

from contrafact.engines.sandbox.inside.frames import send
from contrafact.engines.sandbox.inside.values import Unstorable, decode, encode

__all__ = ["CHANNEL", "answer_cases", "warm"]

CHANNEL = 3
"""The one descriptor that the child keeps besides the standard three."""

NAME = "program"
_MESSAGE = 500
_builtins = builtins.__dict__
_ours = dict(_builtins)
_theirs: dict[str, Any] = dict(_builtins)
# Bound here: the code under test may replace what `os` and `sys` hold.
_getpid, _leave, _read, _out, _err, _sys = os.getpid, os._exit, os.read, sys.stdout, sys.stderr, sys
_trace, _profile = sys.settrace, sys.setprofile


def answer_cases(source: str, cases: Sequence[Sequence[Any]], secret: bytes, most: int) -> NoReturn:
    """Load the program and say how that went; then answer the cases, each after the supervisor's sign. Never returns.

    Parameters
    ----------
    source : str
    cases : sequence of (function, arguments, keywords, stdin)
        Arguments and keywords as :mod:`values` writes them. A case without a function asks for the loading alone, which
        the supervisor answers itself.
    most : int
        Bytes that an answer may have.
    """
    own = _getpid()
    calls = [(name, decode(given), decode(named), stdin) for name, given, named, stdin in cases if name]
    _forget_us()
    module, failure = _loaded(source)
    _answer(failure or ("ok", "", "", None), own, secret, most)
    for name, given, named, stdin in calls:
        _sys.stdin = io.StringIO(stdin)
        _answer(_called(module, name, given, named), own, secret, most)
    _leave(0)


def warm() -> None:
    """Load and call a program once, before any child is forked: each would else set up the same things again."""
    module, _ = _loaded("def f(x):\n    return [x, {}]\n")
    _payload(_called(module, "f", (decode("[1]"),), {}), 1 << 10)
    del sys.modules[NAME]


def _answer(answer: tuple[str, str, str, Any], own: int, secret: bytes, most: int) -> None:
    """Send it and wait for the sign to go on."""
    if _getpid() != own:  # a fork of theirs that came back here
        _leave(0)
    payload = _payload(answer, most)
    _flush()
    send(CHANNEL, secret, payload)
    if _read(CHANNEL, 1) != b"+":
        _leave(0)


def _run(function: Any, *arguments: Any, **keywords: Any) -> Any:
    """Call it among the builtins that the program has made; everything of ours runs among those that Python has."""
    _builtins.update(_theirs)
    try:
        return function(*arguments, **keywords)
    finally:
        _trace(None)
        _profile(None)
        _theirs.update(_builtins)
        _builtins.update(_ours)


class _Program(SourceFileLoader):
    """The program's text, never a file: another case may have written one of that name."""

    def __init__(self, text: str) -> None:
        super().__init__(NAME, f"{NAME}.py")
        self.text = text
        self.code: CodeType | None = None

    def get_data(self, path: str) -> bytes:
        return self.text.encode()

    def get_code(self, fullname: str) -> CodeType:
        if self.code is None:
            self.code = self.source_to_code(self.text, self.path)  # text is taken as well
        return self.code


def _forget_us() -> None:
    """Take our modules out of sight: code that looks whether it is tested sees the standard library alone."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("contrafact", "__main__")]:
        del sys.modules[name]
    sys.modules["__main__"] = ModuleType("__main__")  # much of the standard library takes it for granted
    sys.path[:] = [path for path in sys.path if not path.endswith("harness")]
    sys.argv[:] = [f"{NAME}.py"]


def _loaded(source: str) -> tuple[ModuleType | None, tuple[str, str, str, Any] | None]:
    """The module, or the answer that every case gets instead."""
    loader = _Program(source)
    try:
        loader.get_code(NAME)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        said = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        return None, ("compile_error", type(error).__name__, said, None)
    spec = ModuleSpec(NAME, loader, origin=loader.path)
    spec.has_location = True
    module = module_from_spec(spec)
    sys.modules[NAME] = module
    try:
        _run(loader.exec_module, module)
    except BaseException as error:  # noqa: BLE001  # whatever it raises is what we are asked for
        return None, _failed(error)
    return module, None


def _called(module: Any, name: str, arguments: Any, keywords: Any) -> tuple[str, str, str, Any]:
    target = module
    try:
        for part in name.split("."):
            target = _run(getattr, target, part)
    except AttributeError:
        return "compile_error", "NameError", f"the program defines no {name}", None
    except BaseException as error:  # noqa: BLE001  # a module may have a __getattr__
        return _failed(error)
    try:
        return "ok", "", "", _run(target, *arguments, **keywords)
    except BaseException as error:  # noqa: BLE001  # the same
        return _failed(error)


def _failed(error: BaseException) -> tuple[str, str, str, Any]:
    kind = type(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return "missing_import", str(error.name), _said(error), None
    if isinstance(error, MemoryError):
        return "memory", kind.__name__, "", None
    name = kind.__qualname__ if kind.__module__ in ("builtins", NAME) else f"{kind.__module__}.{kind.__qualname__}"
    return "assertion" if isinstance(error, AssertionError) else "exception", name, _said(error), None


def _said(error: BaseException) -> str:
    try:
        return str(error)[:_MESSAGE]
    except BaseException:  # noqa: BLE001  # their own __str__
        return ""


def _payload(answer: tuple[str, str, str, Any], most: int) -> bytes:
    """``+`` where all went well, else ``-``, and the answer's text."""
    kind, detail, message, value = answer
    try:
        text = encode(value)
    except Unstorable as error:
        kind, detail, message, text = "unstorable", type(value).__name__, str(error), "null"
    except BaseException as error:  # noqa: BLE001  # their own __repr__
        kind, detail, message, _ = _failed(error)
        text = "null"
    if len(text) > most:
        kind, detail, message, text = "output", "value", f"the value's text has {len(text)} characters", "null"
    return b"+-"[kind != "ok" :][:1] + encode((kind, detail, message, text)).encode()


def _flush() -> None:
    for stream in (_sys.stdout, _sys.stderr, _out, _err):
        with contextlib.suppress(BaseException):  # closed, or an object of theirs
            stream.flush()
