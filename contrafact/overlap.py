"""How much of what is held out is in the training split word for word, under another unit's name.

Splits keep groups apart, and two units may be alike: where a model's variables are few and discrete, most held-out
pairs have a double in the training split, and a score on them measures memory. Each shard leaves a 64-bit hash of the
content of every accepted pair; completion compares them, one part of the hash space at a time, so that memory stays
flat.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.identity import hash_strings
from contrafact.store.mirrors import sent

__all__ = ["content_hashes", "overlap_of", "training_split", "write_contents"]

Words = NDArray[np.uint64]

_AT_ONCE = 4_000_000  # hashes of the largest split in memory at a time: 32 MB
_SPACE = 2**64
_ODD = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_NULL = np.uint64(0xD1B54A32D192ED03)
_HALF = np.uint64(32)


def content_hashes(pairs: pa.Table) -> Words:
    """Hash of what each pair holds: both members, what was acted on and how; not who it is or how it was judged.

    ``before``, ``after`` and ``where`` of an intervention are left out, since the members show them.

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    changes = _whole(pairs["intervention"])
    entries = changes.flatten()
    done = _combined([entries.field("variable"), entries.field("operation")], len(entries))
    members = [_words(_whole(pairs[side])) for side in ("factual", "counterfactual")]
    return _joined([*members, _list_words(changes, done)], len(changes))


def write_contents(path: Path, pairs: pa.Table, place: NDArray[np.int64], splits: int) -> None:
    """Keep the hashes of one shard's accepted pairs, split by split.

    Parameters
    ----------
    place : ndarray of int64, shape (n,)
        Position of each pair's split; ``splits`` and above for a rejected pair.
    """
    kept = np.flatnonzero(place < splits)
    hashes = content_hashes(pairs if len(kept) == len(place) else pairs.take(pa.array(kept)))
    # Within a split in rising order, so that completion finds a part of the hash space in one place.
    ordered = [np.sort(hashes[place[kept] == split]) for split in range(splits)]
    counts = np.array([len(each) for each in ordered])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(each.astype("<u8").tobytes() for each in (counts, *ordered)))
    sent(path)


def overlap_of(paths: Sequence[Path], splits: Sequence[str], at_once: int = _AT_ONCE) -> dict[str, Any]:
    """How many pairs of each held-out split have their content in the training split too.

    Parameters
    ----------
    paths : sequence of Path
        What :func:`write_contents` kept, a file a shard.
    at_once : int
        Hashes of one split that are in memory at a time, about.

    Returns
    -------
    dict
        ``{"train": name, "held_out": {split: {"pairs": int, "in_train": int}}}``, without splits that have no pairs;
        empty where there is nothing to compare.
    """
    base = splits.index(training_split(splits))
    totals = np.zeros(len(splits), dtype=np.int64)
    for path in paths:
        totals += _counts(path, len(splits))
    if not totals[base] or totals.sum() == totals[base]:
        return {}
    shared = np.zeros(len(splits), dtype=np.int64)
    parts = max(1, -(-int(totals.max()) // at_once))
    for part in range(parts):
        words = _gathered(paths, len(splits), (part, parts))
        for split in range(len(splits)):
            if split != base and totals[split]:
                shared[split] += np.count_nonzero(_among(words[split], words[base]))
    held = {
        name: {"pairs": int(totals[split]), "in_train": int(shared[split])}
        for split, name in enumerate(splits)
        if split != base and totals[split]
    }
    return {"train": splits[base], "held_out": held}


def training_split(splits: Sequence[str]) -> str:
    """The split that the others are held out from: ``train``, or else the first."""
    return "train" if "train" in splits else splits[0]


def _counts(path: Path, splits: int) -> NDArray[np.int64]:
    return np.fromfile(path, dtype="<u8", count=splits).astype(np.int64)


def _gathered(paths: Sequence[Path], splits: int, which: tuple[int, int]) -> list[Words]:
    """Hashes of every split that lie in one part of the hash space, in rising order. Every hash is read once in all."""
    found: list[list[Words]] = [[] for _ in range(splits)]
    part, parts = which
    bounds = np.array([part * _SPACE // parts, min((part + 1) * _SPACE // parts, _SPACE - 1)], dtype=np.uint64)
    for path in paths:
        words: Words = np.memmap(path, dtype="<u8", mode="r")
        starts = splits + np.concatenate([[0], np.cumsum(words[:splits].astype(np.int64))])
        for split in range(splits):
            own = words[starts[split] : starts[split + 1]]
            first, last = np.searchsorted(own, bounds)
            found[split].append(np.array(own[first : len(own) if part + 1 == parts else last]))
    return [np.sort(np.concatenate(each)) for each in found]


def _among(words: Words, known: Words) -> NDArray[np.bool_]:
    """Which of some hashes are among the known ones; both in rising order, so that the search walks through memory."""
    if not len(known):
        return np.zeros(len(words), dtype=bool)
    return np.asarray(known[np.minimum(np.searchsorted(known, words), len(known) - 1)] == words)


def _combined(columns: Sequence[pa.Array], rows: int) -> Words:
    return _joined([_words(column) for column in columns], rows)


def _joined(columns: Sequence[Words], rows: int) -> Words:
    """One hash a row over several words: the sum of the folded words, each times an odd number of its own, mixed.

    Folding the upper half of a word into the lower one keeps short floats, whose lower bits are all zero, apart.
    """
    total: Words = np.zeros(rows, dtype=np.uint64)
    factor = _ODD
    folded = np.empty_like(total)
    for words in columns:
        np.right_shift(words, _HALF, out=folded)
        folded ^= words
        folded *= factor
        total += folded
        with np.errstate(over="ignore"):
            factor = factor * _FIRST | np.uint64(1)
    return _mixed(total)


def _mixed(words: Words) -> Words:
    """The output function of SplitMix64 (Steele, Lea & Flood 2014), in place."""
    for shift, factor in ((np.uint64(30), _FIRST), (np.uint64(27), _SECOND)):
        words ^= words >> shift
        words *= factor
    words ^= words >> np.uint64(31)
    return words


def _words(column: pa.Array) -> Words:
    """A word for each value; equal values have equal words, null one of its own."""
    kind = column.type
    if pa.types.is_struct(kind):
        words = _combined(column.flatten(), len(column))
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        words = _list_words(column, _words(column.flatten()))
    elif pa.types.is_floating(kind):
        values = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
        words = (values + 0.0).view(np.uint64)  # zeros of either sign are one value
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        filled = column.fill_null(0 if pa.types.is_integer(kind) else False) if column.null_count else column
        words = np.asarray(filled.to_numpy(zero_copy_only=False)).astype(np.int64).view(np.uint64)
    else:
        words = _text_words(column)
    if column.null_count:
        words = np.where(column.is_null().to_numpy(zero_copy_only=False), _NULL, words)
    return words


def _text_words(column: pa.Array) -> Words:
    """Texts and bytes, each distinct one hashed once."""
    codes = column.dictionary_encode() if not pa.types.is_dictionary(column.type) else column
    known = codes.dictionary
    if not (pa.types.is_string(known.type) or pa.types.is_binary(known.type)):
        known = known.cast(pa.string())
    hashes = hash_strings(known, "content") if len(known) else np.zeros(1, dtype=np.uint64)
    return np.asarray(hashes[codes.indices.fill_null(0).to_numpy(zero_copy_only=False)], dtype=np.uint64)


def _list_words(column: pa.Array, items: Words) -> Words:
    """A word for each list, from the words of all items in order."""
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0)).astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    place = (np.arange(lengths.sum()) - np.repeat(starts, lengths)).astype(np.uint64)
    placed = _mixed(items ^ (place * _ODD))
    running = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(placed, dtype=np.uint64)])
    return np.asarray(running[starts + lengths] - running[starts] + lengths.astype(np.uint64), dtype=np.uint64)


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
