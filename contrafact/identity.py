"""What makes two recipes, models or datasets the same: a canonical text and its hash.

The identity says what decides the bytes of the result, and nothing else. What it leaves out is listed in
``EXCLUDED``: settings that change how fast or by whom a dataset is made, never what is in it.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["EXCLUDED", "IDENTITY_VERSION", "canonical", "hash_strings", "identity_of", "without_excluded"]

IDENTITY_VERSION = 1
"""Stored in every manifest, and part of every hash.

To be raised by the first change after a release that gives an unchanged recipe another identity (another canonical
text, another part). Nothing has been released yet, so that it stands at 1 whatever changes until then.
"""

EXCLUDED = (
    "output",
    "workers",
    "description",
    "licence",
    "inputs",
    "citations",
    "tags",
    "engines.llm.base_url",
    "engines.llm.api_key_env",
    "engines.llm.concurrency",
    "engines.llm.timeout",
    "engines.llm.patience",
    "engines.llm.retries",
    "engines.llm.patience",
    "engines.llm.budget",
    "engines.llm.prices",
    "engines.llm.batch",
    "engines.llm.cache",
    "engines.embeddings.cache",
    "engines.embeddings.threads",
    "engines.sandbox.workers",
)
"""Dotted paths of a recipe that its identity leaves out: where it goes, by how many hands, what it says of itself."""


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces and shortest round-trip numbers: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def identity_of(value: Any, *, length: int = 16) -> str:
    """Hexadecimal BLAKE2b of the canonical text, ``length`` characters, versioned by ``IDENTITY_VERSION``."""
    text = f"v{IDENTITY_VERSION}:{canonical(value)}".encode()
    return hashlib.blake2b(text, digest_size=32).hexdigest()[:length]


def without_excluded(recipe: Mapping[str, Any], paths: Iterable[str] = EXCLUDED) -> dict[str, Any]:
    """Copy of a nested mapping without the given dotted paths."""
    kept = copy.deepcopy(dict(recipe))
    for path in paths:
        *parents, last = path.split(".")
        place: Any = kept
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.pop(last, None)
    return kept


def hash_strings(values: pa.Array | pa.ChunkedArray, salt: str) -> NDArray[np.uint64]:
    """Stable 64-bit hash of each string; equal strings give equal hashes on every machine.

    Returns
    -------
    ndarray of uint64, shape (len(values),)
    """
    from pandas.util import hash_array

    key = hashlib.blake2b(salt.encode(), digest_size=8).hexdigest()  # pandas wants a key of exactly 16 characters
    plain = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.to_numpy()
    hashes: NDArray[np.uint64] = hash_array(plain.astype(object), hash_key=key, categorize=False)
    return hashes


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical text")
