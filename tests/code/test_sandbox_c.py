from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from contrafact.engines.sandbox import CCase, CProgram, Outcome, Sandbox, compiling, open_sandbox
from contrafact.engines.sandbox.batch import Lane
from contrafact.errors import MissingDependencyError, TransientError
from tests.code.leftovers import left_behind

pytestmark = pytest.mark.system("bubblewrap", "gcc", "libc6-dev")
LIMITS = {"cpu_seconds": 1, "wall_seconds": 3, "memory_mib": 64, "processes": 8, "file_mib": 1, "output_bytes": 4096}
HEAD = "#include <assert.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = open_sandbox({"limits": LIMITS})
    yield made
    made.close()


def main_of(body: str) -> str:
    return f"{HEAD}int main(int argc, char **argv) {{\n{body}\nreturn 0; }}\n"


def one(sandbox: Sandbox, body: str, *arguments: str) -> Outcome:
    return sandbox.c(main_of(body), [CCase(arguments)])[0]


def test_runs_get_their_arguments_and_input(sandbox: Sandbox) -> None:
    source = main_of('char line[80]; fgets(line, 80, stdin); printf("%s|%s", argv[1], line);')
    found = sandbox.c(source, [CCase(("a b",), "x\n"), CCase(("ü",), "y\n")])
    assert [(each.kind, each.stdout) for each in found] == [("ok", "a b|x\n"), ("ok", "ü|y\n")]


@pytest.mark.parametrize(
    ("body", "detail", "message"),
    [
        ("volatile char *b = malloc(8); b[8] = 1;", "heap-buffer-overflow", ": write of 1 bytes in main, line 7"),
        ("char *b = malloc(8); memset(b, 1, 8 + argc);", "heap-buffer-overflow", ": write of 9 bytes in main, line 7"),
        ("volatile char b[8]; volatile int n = 8; b[n] = 1;", "index-out-of-bounds", ""),
        ('char b[8]; memset(b, 1, 8 + argc); printf("%d", b[1]);', "stack-buffer-overflow", ""),
        ('char *b = malloc(8); free(b); printf("%d", b[0]);', "heap-use-after-free", ": read of 1 bytes in main"),
        ("char *b = malloc(8); free(b); free(b);", "double-free", " in main, line 7"),
        ("char b[8]; free(b + argc);", "bad-free", ""),
        ("int *p = argc > 9 ? &argc : 0; *p = 1;", "null-dereference", ""),
        ('volatile long a = 0; printf("%ld", (long)strlen((char *)a));', "null-dereference", ""),
        ('volatile long a = 1L << 40; printf("%d", *(char *)a);', "wild-access", ""),
        ("volatile int x = 2147483647; x = x + argc;", "signed-integer-overflow", ": 1 + 2147483647"),
        ("volatile int x = -2147483647 - 1; x = x / -argc;", "signed-integer-overflow", ""),
        ("volatile int x = 1; x = x / (argc - 1);", "division-by-zero", "division by zero, line 7"),
        ("volatile int x = 33; x = argc << x;", "invalid-shift", ""),
    ],
)  # fmt: skip
def test_a_sanitizer_s_report_has_its_kind(sandbox: Sandbox, body: str, detail: str, message: str) -> None:
    outcome = one(sandbox, body)
    assert (outcome.kind, outcome.detail, outcome.stderr) == ("sanitizer", detail, "")
    assert message in outcome.message


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        ("assert(argc == 7);", "assertion", "argc == 7"),
        ("return 3;", "exit", "3"),
        ("exit(86);", "exit", "86"),
        ("abort();", "killed", "SIGABRT"),
        ("raise_(9);", "compile_error", "undefined reference to raise_"),
        ("for (;;);", "timeout", ""),
        ("sleep(60);", "timeout", ""),
        ('for (;;) { char *b = malloc(1 << 20); memset(b, 1, 1 << 20); printf("%d", b[argc]); }', "memory", ""),
        ('printf("%d", malloc(10L << 30) == 0);', "ok", ""),
        ('for (;;) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");', "output", "stdout"),
        ('FILE *f = fopen("x", "w"); for (;;) fputs("xxxxxxxxxxxxxxxxxxxxxxxxxxx", f);', "output", "file"),
        ("for (;;) fork();", "any", ""),
        ("kill(1, 9); kill(-1, 9);", "ok", ""),
        ('FILE *f = fopen("/etc/shadow", "r"); return f == 0 ? 0 : 1;', "ok", ""),
        ('FILE *f = fopen("/built/x", "w"); return f == 0 ? 0 : 1;', "ok", ""),
        ('fputs("==1==ERROR: AddressSanitizer: heap-buffer-overflow on\\n", stderr); return 1;', "exit", "1"),
        ('fputs("program.c:1:1: runtime error: division by zero\\n", stderr); return 0;', "ok", ""),
        ('symlink("/etc/passwd", "report.2"); return 86;', "exit", "86"),
        ("if (fork() == 0) { setsid(); if (fork() == 0) sleep(1000); }", "ok", ""),
    ],
)  # fmt: skip
def test_every_other_end_has_its_kind_and_stops_nobody(sandbox: Sandbox, body: str, kind: str, detail: str) -> None:
    good = CProgram(main_of('printf("%d", atoi(argv[1]) + 1);'), [CCase(("1",)), CCase(("2",))])
    source = "#include <signal.h>\n" + main_of(body)
    before, found, behind = sandbox.c_many([good, CProgram(source, [CCase()], ("-w",)), good])
    assert [each.stdout for each in (*before, *behind)] == ["2", "3", "2", "3"]
    assert kind in ("any", found[0].kind)
    assert found[0].detail == detail or kind == "any"
    assert left_behind() == []


@pytest.mark.parametrize(
    ("source", "kind", "detail"),
    [
        ("int main(void) { return f(; }", "compile_error", "expected expression before ';' token"),
        ("#include <nosuch.h>\nint main(void) { return 0; }", "missing_import", "nosuch.h"),
        (
            '#include "/etc/shadow"\nint main(void) { return 0; }',
            "compile_error",
            "/etc/shadow: No such file or directory",
        ),
        ("int f(void) { return 0; }", "compile_error", "undefined reference to main"),
        ("#error stop here\n", "compile_error", "#error stop here"),
        ("", "compile_error", "undefined reference to main"),
    ],
)
def test_what_does_not_compile_says_why(sandbox: Sandbox, source: str, kind: str, detail: str) -> None:
    found = sandbox.c(source, [CCase(), CCase()])
    assert [(each.kind, each.detail) for each in found] == [(kind, detail)] * 2


def test_a_compiler_without_end_is_stopped(sandbox: Sandbox) -> None:
    huge = "static char b[1L << 38] = {1};\nint main(void) { return b[0]; }"
    swallowing = 'int main(void) { return 0; }\n__asm__(".incbin \\"/dev/zero\\"");'
    outcomes = [each for (each,) in sandbox.c_many([CProgram(source, [CCase()]) for source in (huge, swallowing)])]
    assert [each.kind for each in outcomes] == ["compile_error"] * 2


def test_a_program_is_compiled_once(sandbox: Sandbox) -> None:
    source = main_of('printf("%d", argc);')
    first = sandbox.c(source, [CCase()])
    there = set(sandbox._compiler.built.iterdir())
    again = sandbox.c(source, [CCase(("x",))])
    assert [first[0].stdout, again[0].stdout] == ["1", "2"]
    assert set(sandbox._compiler.built.iterdir()) == there


def test_programs_that_are_forgotten_leave_no_file(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_KEPT", 0)
    sandbox.c(main_of('printf("forgotten");'), [CCase()])
    there = set(sandbox._compiler.built.iterdir())
    assert sandbox.c(main_of('printf("kept");'), [CCase()])[0].stdout == "kept"
    left = set(sandbox._compiler.built.iterdir())
    assert len(left) == 1
    assert not left & there


@pytest.mark.parametrize(("how", "detail"), [("signal", "9"), ("timeout", "wall")])
def test_a_compiler_that_the_machine_stopped_is_no_finding(
    sandbox: Sandbox, how: str, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = {"how": how, "detail": detail, "answer": "", "stdout": "", "stderr": "", "report": "", "seconds": 1.0}
    source = main_of(f"return 5;  // {how}")
    asked: list[Any] = []
    true = Lane.run

    def stopped(lane: Lane, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        asked.append(job)
        return [reply] if len(asked) <= lives else true(lane, job)

    monkeypatch.setattr(Lane, "run", stopped)
    lives = 2
    with pytest.raises(TransientError, match="the compiler was stopped twice"):
        sandbox.c(source, [CCase()])
    lives = len(asked) + 1
    assert sandbox.c(source, [CCase()])[0].detail == "5"


def test_mathematics_are_linked_where_they_are_included(sandbox: Sandbox) -> None:
    source = "#include <math.h>\n" + main_of('printf("%.1f", cbrt(26.0 + argc));')
    assert sandbox.c(source, [CCase()])[0].stdout == "3.0"


def test_flags_count(sandbox: Sandbox) -> None:
    source = main_of('printf("%d", SIZE);')
    found = sandbox.c_many([CProgram(source, [CCase()], (f"-DSIZE={size}",)) for size in (1, 2)])
    assert [each[0].stdout for each in found] == ["1", "2"]


def test_no_compiler_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = open_sandbox({"compiler": "clang"})
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "clang" else found(name))
    with pytest.raises(MissingDependencyError, match="apt-get install clang"):
        sandbox.need_compiler()
    with pytest.raises(MissingDependencyError, match="there is no clang"):
        sandbox.c(main_of(""), [CCase()])
    sandbox.close()
