r"""The ``main`` that calls a C function: it reads inputs from its arguments and writes down what came of each.

``program 1 WORDS…`` makes one call in its own process. ``program N WORDS…`` makes N, and starts again behind one that
ends it: a search can try many inputs for the price of one start, and only what it finds is run by itself afterwards.

What is written: for one call whatever the function printed, then ``\x1e VALUE \x1f AFTER``; for many, each call begins
with ``\x1d PLACE \x1b`` and ends with ``\x1c`` and its marks, and one that ended the process says how (``!86``).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from generators.code.mutation.c.slots import (
    Cells,
    Hole,
    Nothing,
    Result,
    Scalar,
    Signature,
    Size,
    Slot,
    Structure,
    Text,
)  # fmt: skip
from generators.code.mutation.c.types import Int, Kind, Real

__all__ = ["harness_of"]


def harness_of(name: str, signature: Signature, marks: int = 0) -> str:
    """What to append to a function's text so that it is a program.

    Parameters
    ----------
    name : str
        The function.
    signature : Signature
    marks : int
        How many places of the function's text set a byte of ``cf_marks`` when they are come to.
    """
    slots = [(f"cf_{number}", each) for number, each in enumerate(signature.slots)]
    kept = [line for variable, each in slots for line in _variables(variable, each)]
    read = [line for variable, each in slots for line in _read(variable, each)]
    states = [(variable, each) for variable, each in slots if _may_change(each)]
    arms = [f"    case {at}: {_shown(variable, each)} break;" for at, (variable, each) in enumerate(states)]
    arguments = ", ".join(_argument(variable, each) for variable, each in slots)
    result = signature.result
    call, more = _call(f"{name}({arguments})", result)
    parts = [
        _text("head.c"),
        *kept,
        *more,
        "static void cf_read(void)\n{",
        *(f"    {line}" for line in read),
        "}",
        "static void cf_state(int number)\n{\n    switch (number) {",
        *arms,
        "    default: break;\n    }\n}",
        f"static void cf_value(void)\n{{\n    {_value(result)}\n}}",
        _text("main.c").replace("STATES", str(len(states))).replace("CALL", call)
        .replace("MARKS_CLEARED", f"memset(cf_marks, 0, {marks});" if marks else "")
        .replace("MARKS_TOLD", _told(marks)),
    ]  # fmt: skip
    return "\n".join(parts)


@cache
def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _told(marks: int) -> str:
    if not marks:
        return ""
    return f'if (cf_many) {{ cf_put("\\x1c"); for (each = 0; each < {marks}; each++) putchar(48 + cf_marks[each]); }}'


def _word(kind: Kind) -> str:
    """A type in which a number of this kind lies in a row."""
    if isinstance(kind, Real):
        return "float" if kind.bits == 32 else "double"
    if isinstance(kind, Int):
        width = {8: "char", 16: "short", 32: "int", 64: "long"}[kind.bits]
        return f"{'signed' if kind.signed else 'unsigned'} {width}"
    return "void"


def _variables(variable: str, slot: Slot) -> Iterator[str]:
    """What is kept at the top of the file for one slot."""
    match slot:
        case Scalar(kind=Real()):
            yield f"static double {variable};"
        case Scalar() | Size():
            yield f"static long long {variable};"
        case Text():
            yield f"static char *{variable}; static size_t {variable}_n;"
        case Cells(inside=False, kind=kind):
            yield f"static {_word(kind)} *{variable}; static size_t {variable}_n;"
        case Hole():
            yield f"static void *{variable};"
        case Structure(spelling=spelling):
            yield f"static {spelling} *{variable};"
            for number, each in enumerate(slot.slots):
                if isinstance(each, Text | Cells | Hole | Structure):
                    yield from _variables(f"{variable}_{number}", each)


def _read(variable: str, slot: Slot, target: str | None = None) -> Iterator[str]:
    """Reading one slot's words; into ``target`` where that is a structure's field."""
    to = target or variable
    match slot:
        case Scalar(kind=Real()):
            yield f"{to} = cf_real();"
        case Scalar() | Size():
            yield f"{to} = cf_whole();"
        case Text(name=name):
            yield f'{variable} = cf_text("{name}", &{variable}_n);'
        case Cells(inside=True, count=count, kind=kind):
            yield f"for (size_t at = 0; at < {count}; at++) {to}[at] = {_reader(kind)};"
        case Cells(name=name, kind=kind):
            cell = f"sizeof({_word(kind)})"
            yield f'{variable} = cf_cells(&{variable}_n, {cell}, "{name}");'
            yield f"for (size_t at = 0; at < {variable}_n; at++) {variable}[at] = {_reader(kind)};"
        case Hole():
            yield f"{variable} = 0;"
        case Structure():
            yield from _structure(variable, slot)
    if target is not None and isinstance(slot, Text | Hole | Structure | Cells) and not getattr(slot, "inside", False):
        if isinstance(slot, Structure) and not slot.pointer:
            yield f"{target} = *{variable};"
        else:
            yield f"{target} = (void *) {'&' if isinstance(slot, Hole) else ''}{variable};"


def _structure(variable: str, slot: Structure) -> Iterator[str]:
    spelling = slot.spelling
    yield f"{variable} = 0;"
    yield "if (cf_whole()) {"
    yield f'{variable} = cf_block(sizeof({spelling}), sizeof({spelling}), "{slot.name}");'
    for number, each in enumerate(slot.slots):
        yield from _read(f"{variable}_{number}", each, f"{variable}->{each.name}")
    yield "}"


def _reader(kind: Kind) -> str:
    return "cf_real()" if isinstance(kind, Real) else f"({_word(kind)}) cf_whole()"


def _argument(variable: str, slot: Slot) -> str:
    match slot:
        case Text() | Cells():
            return f"(void *) {variable}"
        case Hole():
            return f"(void *) &{variable}"
        case Structure(pointer=False):
            return f"*{variable}"
        case Nothing():
            return "0"
    return variable


def _call(call: str, result: Result) -> tuple[str, list[str]]:
    """The statement that calls, and where its result is kept."""
    match result.way:
        case "nothing":
            return f"{call};", []
        case "number":
            kind = "double" if isinstance(result.kind, Real) else "long long"
            return f"cf_result = {call};", [f"static {kind} cf_result;"]
        case "structure":
            return f"cf_result = {call};", [f"static {result.spelling} cf_result;"]
    return f"cf_result = (void *) {call};", ["static void *cf_result;"]


def _value(result: Result) -> str:
    match result.way:
        case "nothing":
            return ";"
        case "number":
            return _number("cf_result", result.kind)
        case "text":
            return "if (!cf_place(cf_result)) cf_letters(cf_result, 4000);"
        case "place":
            return 'if (!cf_place(cf_result)) cf_say("elsewhere");'
    return " ".join(_fields("cf_result.", result.slots))


def _may_change(slot: Slot) -> bool:
    if isinstance(slot, Text | Cells | Structure):
        return not slot.const
    return isinstance(slot, Hole)


def _number(access: str, kind: Kind) -> str:
    if isinstance(kind, Real):
        return f"cf_real_said({access});"
    if isinstance(kind, Int) and not kind.signed:
        return f'cf_say("%llu", (unsigned long long) ({_cast(kind)}) {access});'
    return f'cf_say("%lld", (long long) {access});'


def _cast(kind: Int) -> str:
    return {8: "unsigned char", 16: "unsigned short", 32: "unsigned int", 64: "unsigned long"}[kind.bits]


def _shown(variable: str, slot: Slot) -> str:
    """Statements that say what is in a slot now, its name first."""
    match slot:
        case Text(name=name):
            return f'cf_say("{name} = "); cf_letters({variable}, {variable}_n);'
        case Cells(name=name, kind=kind):
            each = _number(f"{variable}[at]", kind)
            loop = f'for (size_t at = 0; at < {variable}_n; at++) {{ cf_say(at ? ", " : ""); {each} }}'
            return f'cf_say("{name} = {{"); {loop} cf_say("}}");'
        case Hole(name=name):
            return f'cf_say("{name} = "); if (!cf_place({variable})) cf_say("elsewhere");'
        case Structure(name=name):
            inner = " ".join(_fields(f"{variable}->", slot.slots))
            kept = [
                f'cf_say(", "); {_shown(f"{variable}_{number}", each)}'
                for number, each in enumerate(slot.slots)
                if isinstance(each, Text | Cells) and not each.const and not getattr(each, "inside", False)
            ]
            return f'if ({variable}) {{ cf_say("{name} = {{"); {inner} cf_say("}}"); {" ".join(kept)} }}'
    return ";"


def _fields(access: str, slots: tuple[Slot, ...]) -> Iterator[str]:
    """Statements that say what is in a structure's fields."""
    for number, each in enumerate(slots):
        yield f'cf_say("{", " if number else ""}{each.name} = ");'
        field = f"{access}{each.name}"
        match each:
            case Scalar(kind=kind) | Size(kind=kind):
                yield _number(field, kind)
            case Cells(inside=True, count=count, kind=kind):
                said = _number(f"{field}[at]", kind)
                yield f'cf_say("{{"); for (size_t at = 0; at < {count}; at++) {{ cf_say(at ? ", " : ""); {said} }}'
                yield 'cf_say("}");'
            case Structure(pointer=False):
                yield 'cf_say("{");'
                yield from _fields(f"{field}.", each.slots)
                yield 'cf_say("}");'
            case _:
                yield f'if (!cf_place((void *) {field})) cf_say("elsewhere");'
