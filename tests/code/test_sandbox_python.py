from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contrafact.engines import Engines
from contrafact.engines.sandbox import Case, Outcome, Program, Sandbox, Shown, open_sandbox

pytestmark = pytest.mark.system("bubblewrap")
LIMITS = {"cpu_seconds": 1, "wall_seconds": 3, "memory_mib": 128, "processes": 8, "file_mib": 1, "output_bytes": 4096}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = open_sandbox({"limits": LIMITS})
    yield made
    made.close()


def one(sandbox: Sandbox, source: str, *arguments: Any, **more: Any) -> Outcome:
    return sandbox.python(source, [Case("f", arguments, **more)])[0]


def test_a_call_returns_its_value_and_what_it_printed(sandbox: Sandbox) -> None:
    source = """
import sys
def f(a, b=2):
    print('seen', a)
    print('warned', file=sys.stderr)
    return {a: (b, {b})}
"""
    outcome = one(sandbox, source, b"x", keywords={"b": 3})
    assert (outcome.kind, outcome.value) == ("ok", {b"x": (3, {3})})
    assert (outcome.stdout, outcome.stderr) == ("seen b'x'\n", "warned\n")


def test_standard_input_is_the_case_s_own(sandbox: Sandbox) -> None:
    cases = [Case("f", stdin="first\n"), Case("f", stdin="second\n"), Case("f")]
    found = sandbox.python("def f():\n    return input()", cases)
    assert [each.value for each in found] == ["first", "second", None]
    assert found[2].detail == "EOFError"


@pytest.mark.parametrize(
    ("body", "kind", "detail", "message"),
    [
        ("return 1 // 0", "exception", "ZeroDivisionError", "integer division or modulo by zero"),
        ("raise SystemExit(0)", "exception", "SystemExit", "0"),
        ("raise KeyboardInterrupt", "exception", "KeyboardInterrupt", ""),
        ("return f()", "exception", "RecursionError", "maximum recursion depth exceeded"),
        ("class Odd(ValueError): pass\n    raise Odd('x')", "exception", "f.<locals>.Odd", "x"),
        ("import json; json.loads('{')", "exception", "json.decoder.JSONDecodeError", "Expecting property name"),
        ("assert 1 == 2, 'unequal'", "assertion", "AssertionError", "unequal"),
        ("import numpy.linalg", "missing_import", "numpy", "No module named 'numpy'"),
        ("import os; os._exit(0)", "exit", "0", ""),
        ("import os; os._exit(7)", "exit", "7", ""),
        ("import os; os.abort()", "killed", "SIGABRT", ""),
        ("import ctypes; ctypes.string_at(0)", "killed", "SIGSEGV", ""),
        ("while True: pass", "timeout", "", ""),
        ("import time; time.sleep(60)", "timeout", "", "wall"),
        ("import os; os.kill(os.getpid(), 19)", "timeout", "", "wall"),
        ("return bytearray(10 << 30)", "memory", "MemoryError", ""),
        ("return lambda: 0", "unstorable", "function", ""),
        ("return 'x' * 5000", "output", "value", ""),
        ("raise ValueError(object())", "exception", "ValueError", "<object object at 0x…>"),
    ],
)
def test_every_end_has_its_kind(sandbox: Sandbox, body: str, kind: str, detail: str, message: str) -> None:
    outcome = one(sandbox, f"def f():\n    {body}")
    assert (outcome.kind, outcome.detail) == (kind, detail)
    assert outcome.message.startswith(message)
    assert outcome.value is None


@pytest.mark.parametrize(
    ("source", "kind", "detail", "message"),
    [
        ("def f(:\n    pass", "compile_error", "SyntaxError", "line 1: invalid syntax"),
        ("def f():\n\tif 1:\n        pass", "compile_error", "TabError", "line 3: "),
        ("x = '\0'", "compile_error", "", ""),
        ("x = '\ud800'", "compile_error", "UnicodeEncodeError", ""),
        ("def g(): pass", "compile_error", "NameError", "the program defines no f"),
        ("import nosuch", "missing_import", "nosuch", ""),
        ("from . import x", "exception", "ImportError", ""),
        ("raise ValueError('at once')", "exception", "ValueError", "at once"),
        ("while True: pass", "timeout", "", ""),
        ("import os; os._exit(3)", "exit", "3", ""),
    ],
)
def test_a_program_that_cannot_be_loaded_gives_that_to_every_case(
    sandbox: Sandbox, source: str, kind: str, detail: str, message: str
) -> None:
    begin = time.monotonic()
    found = sandbox.python(source, [Case("f")] * 30)
    assert [each.kind for each in found] == [kind] * 30
    assert detail in found[0].detail
    assert found[0].message.startswith(message)
    assert time.monotonic() - begin < 30  # the loading is tried once, not once a case


def test_cpu_seconds_decide_however_long_that_takes() -> None:
    sandbox = open_sandbox({"limits": {"cpu_seconds": 0.3, "wall_seconds": 60}})
    source = "import time\ndef busy():\n    while True: pass\ndef idle():\n    time.sleep(0.6)\n    return 1"
    busy, idle = sandbox.python(source, [Case("busy"), Case("idle")])
    sandbox.close()
    assert (busy.kind, busy.message) == ("timeout", "cpu")
    assert (idle.kind, idle.value) == ("ok", 1)


def test_a_case_without_a_function_is_the_loading_itself(sandbox: Sandbox) -> None:
    found = sandbox.python("print('loaded')\ndef f(): print('called')", [Case(""), Case("f")])
    assert [(each.kind, each.stdout) for each in found] == [("ok", "loaded\n"), ("ok", "called\n")]


def test_a_case_that_dies_loses_itself_alone(sandbox: Sandbox) -> None:
    source = (
        "import os\ndef f(x):\n    if x == 2: os._exit(0)\n    if x == 4:\n        while True: pass\n    return x * x"
    )
    found = sandbox.python(source, [Case("f", (x,)) for x in range(7)])
    assert [each.kind for each in found] == ["ok", "ok", "exit", "ok", "timeout", "ok", "ok"]
    assert [each.value for each in found if each.kind == "ok"] == [0, 1, 9, 25, 36]


def test_variables_stay_between_cases_unless_they_are_fresh(sandbox: Sandbox) -> None:
    source = "seen = []\ndef f(x):\n    seen.append(x)\n    return seen"
    cases = [Case("f", (x,)) for x in range(3)]
    assert [each.value for each in sandbox.python(source, cases)] == [[0], [0, 1], [0, 1, 2]]
    assert [each.value for each in sandbox.python(source, cases, fresh=True)] == [[0], [1], [2]]


def test_nothing_of_one_program_reaches_the_next() -> None:
    leaving = """
import os, builtins
def f():
    os.makedirs('deep/er'); open('deep/er/x', 'w').write('x'); os.symlink('/', 'root')
    os.chmod('deep/er', 0); os.chmod('deep', 0)
    builtins.len = lambda x: 99
    return os.getcwd()
"""
    looking = "import os\ndef f():\n    return os.listdir('.'), len('abc')"
    sandbox = open_sandbox({"limits": LIMITS, "workers": 1})
    found = sandbox.python_many([Program(leaving, [Case("f")]), Program(looking, [Case("f")])])
    sandbox.close()
    assert [each[0].value for each in found] == ["/tmp", ([], 3)]  # noqa: S108


def test_many_programs_keep_their_order(sandbox: Sandbox) -> None:
    programs = [Program(f"def f(x):\n    return x + {at}", [Case("f", (x,)) for x in range(3)]) for at in range(40)]
    found = sandbox.python_many(programs)
    assert [[each.value for each in outcomes] for outcomes in found] == [[at, at + 1, at + 2] for at in range(40)]
    assert sandbox.python_many([]) == []
    assert sandbox.python("def f(): pass", []) == []


def test_the_same_program_behaves_alike_in_every_start(sandbox: Sandbox) -> None:
    source = "def f():\n    return list({'a', 'b', 'c', 'd', 'e'}), hash('x'), __name__, __file__"
    found = {one(sandbox, source).behaviour for _ in range(3)}
    assert len(found) == 1


def test_the_page_s_example_prints_what_the_page_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    source, printed = (
        part.partition("```")[0] for part in re.split(r"^```(?:python fragment|text)\n", page, flags=re.MULTILINE)[1:3]
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == printed


def test_engines_hold_one_sandbox_with_the_recipe_s_settings() -> None:
    engines = Engines({"sandbox": {"limits": {"cpu_seconds": 1}}})
    assert engines.sandbox is engines.sandbox
    assert engines.sandbox.settings.limits.cpu_seconds == 1
    folder = engines.sandbox._launcher.folder
    engines.close()
    assert not folder.exists()


def test_values_of_other_types_are_shown(sandbox: Sandbox) -> None:
    source = """
from collections import OrderedDict
class P:
    def __repr__(self): return 'P!'
def f():
    return [P(), OrderedDict(a=1)]
"""
    shown = [Shown("P", "P!"), Shown("collections.OrderedDict", "OrderedDict([('a', 1)])")]
    assert one(sandbox, source).value == shown


def test_line_ends_encodings_and_long_files_are_taken_as_they_are(sandbox: Sandbox) -> None:
    assert one(sandbox, "def f():\r\n\treturn 'a\\r'\r\n").value == "a\r"
    assert one(sandbox, "# -*- coding: latin-1 -*-\ndef f():\n    return 'é'").value == "é"
    long = (
        "\n".join(f"def g{at}(x):\n    return x + {at}\n" for at in range(17_000)) + "\ndef f():\n    return g16999(1)"
    )
    assert one(sandbox, long).value == 17_000


def test_a_program_sees_the_standard_library_and_nothing_of_ours(sandbox: Sandbox) -> None:
    source = """
import sys
def f():
    import inspect
    ours = [name for name in sys.modules if name.startswith(('contrafact', 'pytest', 'numpy'))]
    paths = [path for path in sys.path if 'harness' in path]
    return ours, sys.argv, paths, 'unittest' in sys.modules, inspect.getsource(f)[:7], len(inspect.stack()) > 1
"""
    assert one(sandbox, source).value == ([], ["program.py"], [], False, "def f()", True)
