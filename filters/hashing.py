"""64-bit hashes of whole rows, column by column: equal rows give equal hashes on every machine.

Among 10^7 distinct rows, two share a hash by chance with probability about 3e-6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.identity import hash_strings
from filters.columns import segment_sums

__all__ = ["Words", "hash_rows", "mix"]

Words = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_NAN = np.uint64(0x7FF8000000000000)
_TEXTS = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
_NULL = np.uint64(0xD1B54A32D192ED03)


def mix(words: Words) -> Words:
    """Scramble each word: the output function of SplitMix64 (Steele, Lea & Flood 2014, variant 13 of Stafford)."""
    mixed = words + _STEP
    mixed ^= mixed >> np.uint64(30)
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


def hash_rows(columns: list[pa.Array], decimals: int | None = None) -> Words:
    """Hash of each row over the given columns, in their order.

    Zeros of either sign are one value, and so are all NaN; null is a value of its own. Integers and floats may share a
    hash with nothing but their own type's values, since a dataset's columns have one type each.

    Parameters
    ----------
    columns : list of pyarrow.Array of length n
        Numbers, booleans, texts, bytes, times, and lists and structs of them.
    decimals : int, optional
        Round floats first.

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    hashes = np.zeros(len(columns[0]), dtype=np.uint64)
    for values in columns:
        hashes = mix(hashes ^ _words(values, decimals))
    return hashes


def _words(values: pa.Array, decimals: int | None) -> Words:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    words = _valid_words(values, decimals)
    if values.null_count:
        words = np.where(values.is_null().to_numpy(zero_copy_only=False), _NULL, words)
    return words


def _valid_words(values: pa.Array, decimals: int | None) -> Words:
    """Words of the values that are there; anything at nulls."""
    kind = values.type
    if pa.types.is_floating(kind):
        return _float_words(np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64), decimals)
    if pa.types.is_struct(kind):
        return hash_rows(values.flatten(), decimals) if kind.num_fields else np.zeros(len(values), dtype=np.uint64)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _list_words(values, decimals)
    if pa.types.is_temporal(kind):
        values = values.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type):
        filled = pc.fill_null(values, pa.scalar(0).cast(values.type)) if values.null_count else values
        whole = filled.to_numpy(zero_copy_only=False)
        return np.asarray(whole if whole.dtype == np.uint64 else whole.astype(np.int64).view(np.uint64))
    if pa.types.is_null(kind):
        return np.zeros(len(values), dtype=np.uint64)
    if kind not in _TEXTS:
        values = values.cast(pa.string())
    return np.asarray(hash_strings(values, "row"), dtype=np.uint64)


def _float_words(values: NDArray[np.float64], decimals: int | None) -> Words:
    if decimals is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = np.round(values, decimals)
        # Rounding multiplies first: a value so large that this overflows has no decimals to lose.
        values = np.where(np.isfinite(rounded), rounded, values)
    words = (values + 0.0).view(np.uint64)
    missing = np.isnan(values)
    return np.where(missing, _NAN, words) if missing.any() else words


def _list_words(values: pa.Array, decimals: int | None) -> Words:
    lengths: NDArray[Any] = pc.fill_null(pc.list_value_length(values), 0).to_numpy().astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    place = (np.arange(lengths.sum()) - np.repeat(starts, lengths)).astype(np.uint64)
    items = mix(mix(_words(values.flatten(), decimals)) ^ place)
    sums: Words = segment_sums(items, lengths)
    return mix(sums)
