"""The sandbox: Python cases and sanitised C functions a second, batched, and what isolation costs.

``python -m benchmarks.sandbox [--programs N] [--functions N] [--repeats N]``. Python programs are small functions with
ten cases each, C programs one function with a ``main`` that runs twice; every round gives the compiler sources that it
has never seen. Bare is the same work without a sandbox, on as many threads: an interpreter a program that prints its
values, and a compiler call followed by the two runs. All answers are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.harness import Measurement, Target, rate, ratio, report, run_interleaved, spread
from contrafact.engines.sandbox import Case, CCase, CProgram, Outcome, Program, Sandbox, open_sandbox
from contrafact.engines.sandbox.compiling import FLAGS

__all__ = ["main"]

CASES, RUNS = 10, 2
TARGETS = {
    "Python: cases": Target(at_least=1000),
    "C: functions compiled, sanitised and run": Target(at_least=20),
}
PYTHON = """
def weigh(values, least):
    total = {number}
    for value in values:
        if value >= least:
            total += value * 2
        elif value % 3:
            total -= 1
    return total
"""
C = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count(const char *text, char wanted) {{
    char held[64];
    int found = {number};
    strncpy(held, text, sizeof held - 1);
    held[sizeof held - 1] = 0;
    for (size_t at = 0; held[at]; at++) found += held[at] == wanted;
    return found;
}}

int main(int argc, char **argv) {{
    if (argc < 2) return 1;
    printf("%d", count(argv[1], 'a'));
    return 0;
}}
"""


def python_programs(count: int) -> list[Program]:
    """Different programs, each with its cases."""
    cases = [Case("weigh", (list(range(at, at + 8)), at + 3)) for at in range(CASES)]
    return [Program(PYTHON.format(number=number), cases) for number in range(count)]


def c_programs(numbers: Iterator[int], count: int) -> list[CProgram]:
    """Programs that were never compiled before."""
    runs = [CCase(("banana",)), CCase(("b" * 60,))][:RUNS]
    return [CProgram(C.format(number=number), runs) for number in itertools.islice(numbers, count)]


def bare_python(programs: list[Program]) -> list[list[str]]:
    """An interpreter a program, nothing in between."""

    def run(program: Program) -> list[str]:
        calls = "".join(f"print(repr(weigh(*{case.arguments!r})))\n" for case in program.cases)
        command = [sys.executable, "-I", "-S", "-c", f"{program.source}\n{calls}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    with ThreadPoolExecutor(workers()) as pool:
        return list(pool.map(run, programs))


def bare_c(programs: list[CProgram], flags: tuple[str, ...], folder: Path) -> list[list[str]]:
    """The compiler with the same flags, and the program."""
    environment = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}

    def run(numbered: tuple[int, CProgram]) -> list[str]:
        number, program = numbered
        built = str(folder / str(number))
        command = ["gcc", *flags, "-pipe", "-x", "c", "-", "-o", built]
        subprocess.run(command, input=program.source, text=True, check=True)
        return [
            subprocess.run([built, *case.arguments], env=environment, capture_output=True, text=True, check=True).stdout
            for case in program.cases
        ]

    with ThreadPoolExecutor(workers()) as pool:
        return list(pool.map(run, enumerate(programs)))


def workers() -> int:
    return len(os.sched_getaffinity(0))


def compare(sandbox: Sandbox, folder: Path) -> None:
    """Sandboxed and bare answers must be the same."""
    programs, functions = python_programs(5), c_programs(itertools.count(), 3)
    found = [[repr(each.value) for each in cases] for cases in all_ok(sandbox.python_many(programs))]
    assert found == bare_python(programs)
    printed = [[each.stdout for each in runs] for runs in all_ok(sandbox.c_many(functions))]
    assert printed == bare_c(functions, FLAGS, folder)


def all_ok(outcomes: list[list[Outcome]]) -> list[list[Outcome]]:
    assert all(each.kind == "ok" for one in outcomes for each in one)
    return outcomes


def main() -> None:
    """Compare, time and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=300)
    parser.add_argument("--functions", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    sandbox, unprotected = open_sandbox({}), open_sandbox({"isolation": "unprotected"})
    programs, numbers = python_programs(options.programs), itertools.count(1000)
    crowd = [Program(PYTHON.format(number=0), [Case("weigh", ([1, 2], 1))] * 1000)]
    with tempfile.TemporaryDirectory() as name:
        compare(sandbox, Path(name))
        flags = sandbox._compiler.flags  # noqa: SLF001  # the linker that it found
        sides: dict[str, Callable[[], object]] = {
            "python": lambda: all_ok(sandbox.python_many(programs)),
            "python unprotected": lambda: all_ok(unprotected.python_many(programs)),
            "python bare": lambda: bare_python(programs),
            "python one program": lambda: all_ok(sandbox.python_many(crowd)),
            "start": lambda: sandbox.python("", [Case("")]),
            "c": lambda: all_ok(sandbox.c_many(c_programs(numbers, options.functions))),
            "c bare": lambda: bare_c(c_programs(numbers, options.functions), flags, Path(name)),
        }
        times = run_interleaved(sides, options.repeats)
    sandbox.close()
    unprotected.close()
    report("sandbox", rows(times, options.programs, options.functions), TARGETS, settings=vars(options))


def rows(times: dict[str, list[float]], programs: int, functions: int) -> list[Measurement]:
    cases = programs * CASES
    return [
        rate("Python: cases", times["python"], cases, "cases/s"),
        rate("Python: programs of ten cases", times["python"], programs, "programs/s"),
        rate("Python: cases of one program", times["python one program"], 1000, "cases/s"),
        rate("Python unprotected: cases", times["python unprotected"], cases, "cases/s"),
        rate("Python bare, an interpreter a program: cases", times["python bare"], cases, "cases/s"),
        ratio("Python: time of the sandbox / unprotected", times["python"], times["python unprotected"]),
        ratio("Python: time of the sandbox / bare", times["python"], times["python bare"]),
        spread("a call with one empty program", times["start"]),
        rate("C: functions compiled, sanitised and run", times["c"], functions, "functions/s"),
        rate("C bare: the same", times["c bare"], functions, "functions/s"),
        ratio("C: time of the sandbox / bare", times["c"], times["c bare"]),
    ]


if __name__ == "__main__":
    main()
