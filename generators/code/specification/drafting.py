"""What is known of a unit before the engine is asked: target, pool, strings to choose from, distractors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contrafact.errors import RowError
from generators.code.specification.automaton import Automaton, automaton_of, common, distinguishing
from generators.code.specification.edits import KINDS, neighbours
from generators.code.specification.reading import read_pattern
from generators.code.specification.strings import changed, member, stressing
from generators.code.specification.tree import ALPHABET, Chars, Node, text_of, walk

__all__ = ["LONGEST_STRING", "Choice", "Draft", "Sizes", "draft_of", "probe_of"]

LONGEST_STRING = 20
"""Characters of a string that may become an example."""

_NEAR_SHARE = 0.6
_TRIES = 12
_BACK = {"drop": "add"}  # what an edit is called the other way round, where that is another
_Probes = tuple[str, str]  # kind of edit, shortest distinguishing string


@dataclass(frozen=True)
class Sizes:
    """Programs in a pool besides the target, strings to choose from, pairs a unit, and whether draws spread these."""

    pool: int
    strings: int
    pairs: int
    spread: bool = True


@dataclass(frozen=True)
class Choice:
    """A distractor: its place in the pool, the kind of its edit, and the string that tells it from the target."""

    place: int
    kind: str
    string: str


@dataclass(frozen=True)
class Draft:
    """A unit without signs. ``pool`` begins with the target."""

    pool: tuple[str, ...]
    strings: tuple[str, ...]
    choices: tuple[Choice, ...]
    stress: tuple[str, ...]


def probe_of(one: str, other: str) -> str | None:
    """The shortest distinguishing string of two patterns, by code points; None where their languages are equal.

    Raises
    ------
    RowError
        For a pattern that cannot be read, or a comparison that is too large.
    """
    return distinguishing(automaton_of(one), automaton_of(other))


def draft_of(
    target: Node, others: Sequence[str], sizes: Sizes, draw: np.random.Generator, *, exchange: bool = False
) -> Draft:
    """A target with a pool of programs around it, and what a reader could be shown.

    Parameters
    ----------
    others : sequence of str
        Programs that need not be near, for the rest of the pool.
    exchange : bool
        Let a draw decide which of the two, the program or its one distractor, is the target: nothing in their form then
        tells a factual program from a counterfactual one.

    Raises
    ------
    RowError
        Where the target is too large, or no program near it could be taken for it and yet says otherwise of a string of
        at most :data:`LONGEST_STRING` characters.
    """
    given = text_of(target)
    automaton = automaton_of(given)
    probes = _near(given, target, automaton, sizes, draw)
    choices = _chosen(probes, automaton, sizes, draw)
    if not choices:
        raise RowError("no program one edit away shares a string with the target and differs in a short one")
    around = _around(choices, list(probes), others, sizes, draw)
    kinds = {text: probes[text] for text in choices}
    if exchange and len(choices) == 1 and draw.random() < 0.5:
        kind, string = kinds[choices[0]]
        kinds = {given: (_BACK.get(kind, kind), string)}
        given, choices = choices[0], [given]
    pool = _filled(given, [*choices, *around], sizes.pool)
    places = {text: place for place, text in enumerate(pool)}
    found = tuple(Choice(places[text], *kinds[text]) for text in choices)
    strings = _strings(pool, [each.string for each in found], sizes.strings, draw)
    stress = [stressing(read_pattern(pool[place])) for place in (0, *(each.place for each in found))]
    return Draft(pool, strings, found, tuple(dict.fromkeys(text for each in stress for text in each)))


def _near(
    given: str, target: Node, automaton: Automaton, sizes: Sizes, draw: np.random.Generator
) -> dict[str, _Probes]:
    """Programs one edit away that are other programs: text to (kind of edit, shortest distinguishing string)."""
    found: dict[str, _Probes] = {}
    for kind, text in neighbours(target, draw, max(2 * sizes.pool, 8)):
        if len(found) >= max(1, round(sizes.pool * _NEAR_SHARE)):
            break
        probe = _probe(automaton, text)
        if probe is not None and text != given:
            found[text] = (kind, probe)
    return found


def _probe(automaton: Automaton, text: str) -> str | None:
    try:
        return distinguishing(automaton, automaton_of(text))
    except RowError:
        return None


def _chosen(probes: dict[str, _Probes], target: Automaton, sizes: Sizes, draw: np.random.Generator) -> list[str]:
    """Distractors by the length of their distinguishing strings, then by code points.

    Where they are to be spread, it is drawn first whether the target shall accept the string, and then of which kind
    the edit shall be, so that neither verdict and no kind is the usual one (a letter that may be left out has the
    shortest string of all); others are taken where there is no such program. The empty string tells nothing of a
    program's form and is no question.
    """
    wanted = bool(draw.random() < 0.5)
    rank = {KINDS[place]: number for number, place in enumerate(draw.permutation(len(KINDS)))}

    def key(text: str) -> tuple[bool, int, int, str, str]:
        kind, probe = probes[text]
        drawn = (target.accepts(probe) != wanted, rank[kind]) if sizes.spread else (False, 0)
        return *drawn, len(probe), probe, text

    asked = [text for text in probes if 0 < len(probes[text][1]) <= LONGEST_STRING and _confusable(target, text)]
    kept: dict[str, str] = {}
    for text in sorted(asked, key=key):
        kept.setdefault(probes[text][1], text)
    return list(kept.values())[: sizes.pairs]


def _confusable(target: Automaton, text: str) -> bool:
    """Whether some string is in both languages, so that a reader who saw it accepted could still think of either."""
    return common(target, automaton_of(text)) not in (None, "")


def _around(
    choices: Sequence[str], near: Sequence[str], others: Sequence[str], sizes: Sizes, draw: np.random.Generator
) -> list[str]:
    """Programs for the rest of a pool: as many near the target as near its distractors, and others."""
    half = max(1, (sizes.pool - len(others) - len(choices) + 1) // 2)
    left = [text for text in near if text not in choices]
    beyond = [text for one in choices for _, text in neighbours(read_pattern(one), draw, half)]
    return [*left[:half], *others, *beyond, *left[half:]]


def _filled(given: str, texts: Sequence[str], most: int) -> tuple[str, ...]:
    """The pool: the target, then different programs; none is the target in another spelling."""
    pool = {given: None}
    for text in texts:
        if len(pool) > most:
            break
        if text not in pool and _probe(automaton_of(given), text) is not None:
            pool[text] = None
    return tuple(pool)


def _strings(pool: Sequence[str], probes: Sequence[str], most: int, draw: np.random.Generator) -> tuple[str, ...]:
    """Strings to choose examples from, without those that pairs will ask about.

    First one for each program that tells the target from it, as far as there is room, then members of all programs, and
    members with a slip.
    """
    nodes = [read_pattern(text) for text in pool]
    letters = _letters(nodes[0])
    found: dict[str, None] = {}
    for text in pool[1:]:
        telling = _telling((nodes[0], read_pattern(text)), (automaton_of(pool[0]), automaton_of(text)), probes, draw)
        if telling is not None:
            found[telling] = None
    for turn in range(4 * most):
        if len(found) >= most:
            break
        node = nodes[0] if turn % 2 == 0 else nodes[1 + turn // 2 % (len(nodes) - 1)]
        text = _string(node, letters if turn % 4 == 2 else (), draw)
        if len(text) <= LONGEST_STRING and text not in probes:
            found[text] = None
    return tuple(found)[:most]


def _telling(
    nodes: tuple[Node, Node], automata: tuple[Automaton, Automaton], probes: Sequence[str], draw: np.random.Generator
) -> str | None:
    """A string that one of two programs accepts alone: a drawn one, else the shortest. None where none is short."""
    for turn in range(_TRIES):
        text = member(nodes[turn % 2], draw)
        if len(text) <= LONGEST_STRING and text not in probes and len({each.accepts(text) for each in automata}) == 2:
            return text
    least = distinguishing(*automata, without=probes)
    return least if least is not None and len(least) <= LONGEST_STRING else None


def _string(node: Node, letters: Sequence[str], draw: np.random.Generator) -> str:
    """A member, with a slip where there are letters to slip with."""
    text = member(node, draw)
    return changed(text, letters, draw) if letters else text


def _letters(node: Node) -> list[str]:
    """Characters that a program is about: all of its small sets, the first and last of its large ones."""
    found: set[str] = set()
    for each in walk(node):
        if isinstance(each, Chars):
            kept = sorted(each.members)
            found |= set(kept if len(kept) <= 4 else (kept[0], kept[-1]))
    return sorted(found) or list(ALPHABET)
