"""Source text to a tree, its tokens, and where it does not parse."""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from contrafact.errors import MissingDependencyError

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["LANGUAGES", "Language", "Trouble", "parse", "tokens", "trouble", "walk"]

Language = Literal["python", "c"]

LANGUAGES: tuple[Language, ...] = ("python", "c")

WHOLE = ("string", "string_literal", "char_literal", "concatenated_string")
"""Nodes that count as one token, although the grammar looks into them; an f-string is what it is made of."""


@dataclass(frozen=True)
class Trouble:
    """Where a text does not parse, counted from 1, and why."""

    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.reason}"


@cache
def _grammar(language: Language) -> tree_sitter.Language:
    try:
        import tree_sitter

        if language == "c":
            import tree_sitter_c

            return tree_sitter.Language(tree_sitter_c.language())
        import tree_sitter_python

        return tree_sitter.Language(tree_sitter_python.language())
    except ImportError as error:
        raise MissingDependencyError(
            f"programs are read by tree-sitter, and {error.name} is not installed",
            fix="pip install 'contrafact[code]'",
        ) from None


def parse(source: bytes, language: Language) -> tree_sitter.Tree:
    """The syntax tree, whatever the text is; offsets are bytes of ``source``.

    Raises
    ------
    MissingDependencyError
        Where tree-sitter or the language's grammar is not installed.
    """
    grammar = _grammar(language)
    import tree_sitter

    return tree_sitter.Parser(grammar).parse(source)


def trouble(source: bytes, language: Language) -> Trouble | None:
    """The first place that does not parse; None for a program.

    Python is asked of the interpreter's own parser and scopes, which know more than a grammar: an argument named twice.
    """
    if language == "python":
        return _python_trouble(source)
    root = parse(source, language).root_node
    if not root.has_error:
        return None
    node = next(node for node in walk(root) if node.is_error or node.is_missing)
    row, column = node.start_point
    said = f"{node.type!r} is missing" if node.is_missing else "this is not C"
    return Trouble(row + 1, column + 1, said)


def _python_trouble(source: bytes) -> Trouble | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
            symtable.symtable(source, "program.py", "exec")  # type: ignore[arg-type]  # bytes are taken as well
    except SyntaxError as error:
        # The parser counts from 1, and says 0 or -1 where it knows no place, such as for an encoding that there is not.
        return Trouble(max(error.lineno or 1, 1), max(error.offset or 1, 1), error.msg)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:  # null bytes, or nested past all measure
        return Trouble(1, 1, str(error) or type(error).__name__)
    return None


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """A node and everything below it, in the order of the text. Without recursion: generated code nests deep."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(reversed(each.children))


def leaves(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """The tokens of a tree, comments left out."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each.type == "comment":
            continue
        if not each.children or is_whole(each):
            if each.end_byte > each.start_byte:
                yield each
        else:
            waiting.extend(reversed(each.children))


def is_whole(node: tree_sitter.Node) -> bool:
    """Whether a node is one token although it has children: a string without anything to evaluate in it."""
    return node.type in WHOLE and not any(child.type == "interpolation" for child in walk(node))


def tokens(source: bytes, language: Language) -> list[bytes]:
    """Tokens of a program: names, numbers, whole strings, operators and punctuation; no comments and no white space."""
    found: list[Any] = [source[node.start_byte : node.end_byte] for node in leaves(parse(source, language).root_node)]
    return found
