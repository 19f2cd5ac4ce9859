"""The families of programs by name, and what of a program decides which split it goes to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from generators.code.executable.branching import if_else, if_else_long, several_hidden
from generators.code.executable.calling import calls
from generators.code.executable.drawing import Draft, Draw, Knobs
from generators.code.executable.looping import loop
from generators.code.executable.sequences import sequences
from generators.code.executable.stories import word_problem
from generators.code.executable.syntax import Block, For, If, Program, Statement, While

__all__ = ["FAMILIES", "SplitBy", "flow_of", "group_of"]

SplitBy = Literal["program", "flow", "family"]

FAMILIES: Mapping[str, Callable[[Draw, Knobs], Draft]] = {
    "if_else": if_else,
    "if_else_long": if_else_long,
    "while": loop,
    "calls": calls,
    "several_hidden": several_hidden,
    "sequences": sequences,
    "gsm": word_problem,
}
"""Each draws one item from a unit's uniforms."""


def group_of(family: str, program: Program, source: str, split_by: SplitBy) -> str:
    """What may not be parted by a split: the family, all programs of one control flow, or one program by its hash."""
    if split_by == "family":
        return f"family:{family}"
    if split_by == "flow":
        return f"flow:{flow_of(program)}"
    return f"program:{hashlib.blake2b(source.encode(), digest_size=12).hexdigest()}"


def flow_of(program: Program) -> str:
    """Control flow alone: how branches, loops, assignments and returns follow and hold one another.

    ``a`` assigns or updates, ``r`` returns, ``i(..|..)`` branches, ``w(..)`` and ``f(..)`` loop; functions are apart
    by ``/``. Names, constants, operators and conditions are no part of it.
    """
    return "/".join("".join(_block(function.body)) for function in program)


def _block(block: Block) -> Iterator[str]:
    for each in block:
        yield _statement(each)


def _statement(node: Statement) -> str:
    if isinstance(node, If):
        other = "|" + "".join(_block(node.orelse)) if node.orelse else ""
        return f"i({''.join(_block(node.body))}{other})"
    if isinstance(node, While | For):
        return f"{'w' if isinstance(node, While) else 'f'}({''.join(_block(node.body))})"
    return "r" if type(node).__name__ == "Return" else "a"
