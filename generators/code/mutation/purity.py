"""What keeps a function from being judged by its values: files, clocks, chance, the network, its own caller.

By name, before anything runs; what gets past is caught by running twice. Nothing here is a matter of safety: that is
the sandbox's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

__all__ = ["impurity"]

_REASONS = {
    "input and output": (
        "asyncio", "codeop", "ctypes", "dbm", "fcntl", "fileinput", "ftplib", "getpass", "glob", "http", "imaplib",
        "io", "logging", "mailbox", "mmap", "msvcrt", "multiprocessing", "nntplib", "pathlib", "pickle", "platform",
        "poplib", "posix", "pty", "select", "selectors", "shelve", "shutil", "smtplib", "socket", "socketserver",
        "sqlite3", "ssl", "subprocess", "tarfile", "telnetlib", "tempfile", "termios", "tkinter", "tty", "webbrowser",
        "winreg", "_winapi", "zipfile", "_io", "pwd", "grp", "nt",
    ),
    "chance": ("random", "secrets", "uuid", "_random"),
    "the clock": ("time", "sched", "timeit"),
    "threads and signals": ("_thread", "concurrent", "queue", "signal", "threading"),
    "the interpreter itself": (
        "ast", "atexit", "code", "dis", "faulthandler", "gc", "imp", "importlib", "inspect", "linecache", "pdb",
        "pkgutil", "runpy", "site", "symtable", "sysconfig", "trace", "traceback", "tracemalloc", "weakref", "_weakref",
        "marshal", "locale", "_locale",
    ),
}  # fmt: skip
_OF_MODULE = {module: reason for reason, modules in _REASONS.items() for module in modules}
_SOME = {  # modules of which a few names are no more than values and calculations
    "sys": {"maxsize", "maxunicode", "byteorder", "float_info", "hash_info", "version_info", "intern", "int_info"},
    "os": {"path", "sep", "altsep", "fspath", "pardir", "curdir", "extsep", "linesep", "name"},
}
_BUILTINS = {
    "open": "input and output", "input": "input and output", "print": "input and output", "breakpoint": "debugging",
    "exec": "code of its own making", "eval": "code of its own making", "compile": "code of its own making",
    "__import__": "imports of its own making", "id": "addresses of objects", "globals": "the interpreter itself",
    "locals": "the interpreter itself", "vars": "the interpreter itself", "exit": "the interpreter itself",
    "quit": "the interpreter itself", "help": "input and output", "hash": "hashes that differ between runs",
}  # fmt: skip
_OF_PATH = {"exists", "isfile", "isdir", "islink", "getsize", "getmtime", "abspath", "realpath", "expanduser", "stat",
            "lexists", "samefile", "getcwd", "expandvars", "ismount", "relpath"}  # fmt: skip
_CLOCK = {"now", "today", "utcnow", "monotonic", "perf_counter"}


def impurity(statement: ast.stmt, own: AbstractSet[str]) -> str:
    """Why a function with this statement is no function of its arguments alone; empty where nothing says so.

    ``own`` are names that the statement binds itself: a parameter called ``input`` is no input.
    """
    return next((reason for node in ast.walk(statement) for reason in _found(node, own)), "")


def _found(node: ast.AST, own: AbstractSet[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _module(alias.name.partition(".")[0])
    elif isinstance(node, ast.ImportFrom):
        if node.level:
            yield "a relative import"
        top = (node.module or "").partition(".")[0]
        if top in _SOME:
            if any(alias.name not in _SOME[top] for alias in node.names):
                yield f"uses {top} beyond its constants"
        else:
            yield from _module(top)
    elif isinstance(node, ast.Name) and node.id in _BUILTINS and node.id not in own and isinstance(node.ctx, ast.Load):
        yield f"uses {_BUILTINS[node.id]} ({node.id})"
    elif isinstance(node, ast.Attribute):
        yield from _attribute(node)


def _module(top: str) -> Iterator[str]:
    if top in _OF_MODULE:
        yield f"uses {_OF_MODULE[top]} ({top})"


def _attribute(node: ast.Attribute) -> Iterator[str]:
    root = node.value.id if isinstance(node.value, ast.Name) else ""
    if root in _SOME and node.attr not in _SOME[root]:
        yield f"uses {root} beyond its constants"
    if isinstance(node.value, ast.Attribute) and node.value.attr == "path" and node.attr in _OF_PATH:
        yield "uses input and output (os.path)"
    if node.attr in _CLOCK and root in ("datetime", "date", "time"):
        yield f"uses the clock ({root})"
    if node.attr in ("f_back", "f_globals", "tb_frame", "gi_frame"):
        yield "uses the interpreter itself (frames)"
