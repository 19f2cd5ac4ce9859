"""How far two programs are apart: in tokens (Levenshtein) and as trees (Zhang & Shasha 1989)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from contrafact.engines.syntax.trees import Language, is_whole, parse, tokens

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["token_distance", "tree_distance"]

T = TypeVar("T")
MOST = 200_000
"""Product of two trees' nodes up to which they are compared node by node."""


def token_distance(before: bytes, after: bytes, language: Language) -> int:
    """Tokens to insert, delete or replace (each costs 1) to make one program of the other; comments do not count."""
    old, new = _middle(tokens(before, language), tokens(after, language))
    line = list(range(len(new) + 1))
    for row, token in enumerate(old, start=1):
        corner, line[0] = line[0], row
        for column, other in enumerate(new, start=1):
            corner, line[column] = (
                line[column],
                min(line[column] + 1, line[column - 1] + 1, corner + (token != other)),
            )
    return line[-1]


class Tree:
    """A node's kind (for a token, with its text) and what is below it.

    Equal trees have equal digests, so that two are compared without going through them.
    """

    __slots__ = ("children", "digest", "label", "size")

    def __init__(self, label: tuple[str, bytes], children: Sequence[Tree] = ()) -> None:
        self.label, self.children = label, tuple(children)
        self.size: int = 1 + sum(each.size for each in self.children)
        below = b"".join(each.digest for each in self.children)
        self.digest: bytes = hashlib.blake2b(repr(label).encode() + below, digest_size=16).digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def tree_distance(before: bytes, after: bytes, language: Language) -> int:
    """Nodes to insert, delete or relabel (each costs 1): the ordered tree edit distance of Zhang & Shasha (1989).

    Measured between the smallest subtrees that hold all differences, comments left out. Where those are so large that
    the product of their nodes passes :data:`MOST`, the distance is its upper bound: all of one and all of the other.
    """
    old, new = _tree(parse(before, language).root_node), _tree(parse(after, language).root_node)
    olds, news = _differing((old,), (new,))
    total_old, total_new = sum(each.size for each in olds), sum(each.size for each in news)
    if not olds or not news or total_old * total_new > MOST:
        return total_old + total_new
    root = ("", b"")
    return _zhang_shasha(Tree(root, olds), Tree(root, news))


def _tree(root: tree_sitter.Node) -> Tree:
    """A plain copy without comments, made without recursion: generated code nests deep."""
    made: list[Tree] = []
    waiting: list[tuple[tree_sitter.Node, int | None]] = [(root, None)]
    while waiting:
        node, first = waiting.pop()
        if first is not None:
            below = tuple(made[first:])
            del made[first:]
            made.append(Tree((node.type, b""), below))
            continue
        children = [] if is_whole(node) else [child for child in node.children if child.type != "comment"]
        if not children:
            made.append(Tree((node.type, node.text or b"")))
            continue
        waiting.append((node, len(made)))
        # What stands under a node is made before it is closed, and in the order of the text.
        waiting.extend((child, None) for child in reversed(children))
    return made[0]


def _differing(olds: Sequence[Tree], news: Sequence[Tree]) -> tuple[tuple[Tree, ...], tuple[Tree, ...]]:
    """Go down while all that differs is within one child of one kind."""
    while True:
        olds, news = _middle(olds, news)
        if len(olds) != 1 or len(news) != 1 or olds[0].label != news[0].label or not olds[0].children:
            return tuple(olds), tuple(news)
        olds, news = olds[0].children, news[0].children


def _middle(olds: Sequence[T], news: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Both without what they begin and end with alike."""
    start, least = 0, min(len(olds), len(news))
    while start < least and olds[start] == news[start]:
        start += 1
    stop = 0
    while stop < least - start and olds[-1 - stop] == news[-1 - stop]:
        stop += 1
    return olds[start : len(olds) - stop], news[start : len(news) - stop]


def _zhang_shasha(old: Tree, new: Tree) -> int:
    """Bottom-up over pairs of key roots, in the notation of the paper: l(i) is the leftmost leaf below node i."""
    labels, lefts, keys = _postorder(old)
    other_labels, other_lefts, other_keys = _postorder(new)
    distance = [[0] * len(other_labels) for _ in labels]
    for i in keys:
        for j in other_keys:
            _forest(i, j, labels, other_labels, lefts, other_lefts, distance)
    return distance[-1][-1]


def _postorder(root: Tree) -> tuple[list[tuple[str, bytes]], list[int], list[int]]:
    labels: list[tuple[str, bytes]] = []
    lefts: list[int] = []
    waiting: list[tuple[Tree, int | None]] = [(root, None)]
    while waiting:
        tree, left = waiting.pop()
        if left is None:
            waiting.append((tree, len(labels)))
            waiting.extend((child, None) for child in reversed(tree.children))
        else:
            labels.append(tree.label)
            lefts.append(left)
    last = {left: position for position, left in enumerate(lefts)}
    return labels, lefts, sorted(last.values())


def _forest(
    i: int,
    j: int,
    labels: Sequence[tuple[str, bytes]],
    others: Sequence[tuple[str, bytes]],
    lefts: Sequence[int],
    other_lefts: Sequence[int],
    distance: list[list[int]],
) -> None:
    top, side = lefts[i], other_lefts[j]
    rows, columns = i - top + 2, j - side + 2
    cost = [[0] * columns for _ in range(rows)]
    for x in range(1, rows):
        cost[x][0] = x
    cost[0] = list(range(columns))
    for x in range(1, rows):
        a = x + top - 1
        for y in range(1, columns):
            b = y + side - 1
            step = min(cost[x - 1][y] + 1, cost[x][y - 1] + 1)
            if lefts[a] == top and other_lefts[b] == side:
                cost[x][y] = min(step, cost[x - 1][y - 1] + (labels[a] != others[b]))
                distance[a][b] = cost[x][y]
            else:
                cost[x][y] = min(step, cost[lefts[a] - top][other_lefts[b] - side] + distance[a][b])
