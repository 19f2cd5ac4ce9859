"""Drops what a drawn function sets and never reads, such as a counter that is not returned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generators.code.executable.syntax import (
    Assign,
    Binary,
    Block,
    Both,
    Call,
    Compare,
    Expression,
    For,
    If,
    Item,
    Name,
    Slice,
    Statement,
    Update,
    While,
)

__all__ = ["read_by", "without_unread"]


def without_unread(block: Block) -> Block:
    """The same block without variables that are only ever set and updated; what it returns stays the same."""
    return _kept(block, read_by(block))


def read_by(block: Block) -> set[str]:
    """Names that a block reads; an update reads its own name for itself alone, which does not count."""
    return set(_read(block))


def _kept(block: Block, read: set[str]) -> Block:
    kept: list[Statement] = []
    for each in block:
        if isinstance(each, Assign | Update) and each.name not in read:
            continue
        if isinstance(each, If):
            kept.append(replace(each, body=_kept(each.body, read), orelse=_kept(each.orelse, read)))
        elif isinstance(each, While | For):
            kept.append(replace(each, body=_kept(each.body, read)))
        else:
            kept.append(each)
    return tuple(kept)


def _read(block: Block) -> Iterator[str]:
    for each in block:
        if isinstance(each, If | While):
            yield from _names(each.test)
            yield from _read(each.body)
            yield from _read(each.orelse) if isinstance(each, If) else ()
        elif isinstance(each, For):
            yield from _names(each.sequence)
            yield from _read(each.body)
        else:
            yield from _names(each.value)


def _names(node: Expression | None) -> Iterator[str]:
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Binary | Compare | Both):
        yield from _names(node.left)
        yield from _names(node.right)
    elif isinstance(node, Call):
        for each in node.arguments:
            yield from _names(each)
    elif isinstance(node, Item):
        yield from _names(node.sequence)
        yield from _names(node.index)
    elif isinstance(node, Slice):
        for part in (node.sequence, node.start, node.stop):
            yield from _names(part)
