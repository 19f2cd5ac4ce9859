"""Random numbers that belong to a unit, not to the order in which units are made.

Every uniform is addressed by (key, name, unit, lane): a counter-based generator (Philox 4x64) is moved straight to the
unit's place in the stream. The same unit therefore gets the same noise whatever the shard size, the number of workers
or the units made before it, and there is no global random state anywhere.

Only raw 64-bit words are used. NumPy guarantees their stream; it does not guarantee the samplers built on top, so
noise is drawn by inverting the distribution function of a uniform.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Streams"]

_WORDS_PER_COUNT = 4  # Philox 4x64 yields four 64-bit words a counter step
_HALF_CELL = 2.0**-53


@dataclass(frozen=True)
class Streams:
    """A family of named random streams under one key.

    Parameters
    ----------
    seed : int
        The recipe's seed.
    identity : str
        What the stream belongs to, such as the identity of a causal model. Two families with another seed or another
        identity are independent.
    """

    seed: int
    identity: str = ""

    def uniforms(self, name: str, start: int, stop: int, width: int = 1) -> NDArray[np.float64]:
        """Uniforms on the open interval (0, 1) for units ``start`` to ``stop``.

        Returns
        -------
        ndarray of float64
            Shape ``(stop - start,)`` for ``width`` 1, else ``(stop - start, width)``. Never exactly 0 or 1.
        """
        count = (stop - start) * width
        words = self._words(name, start * width, count)
        # 52 random bits, placed in the middle of their cell so that neither end can occur. With 53 the middle of the
        # last cell is no float64, and rounds to 1.
        values = (words >> np.uint64(12)).astype(np.float64)
        values *= 2.0**-52
        values += _HALF_CELL
        return values if width == 1 else values.reshape(stop - start, width)

    def generator(self, *names: str | int) -> np.random.Generator:
        """A NumPy generator of its own for one named purpose (one unit, one fold, one shuffle)."""
        return np.random.Generator(np.random.Philox(key=self._key("/".join(map(str, names)))))

    def _words(self, name: str, first: int, count: int) -> NDArray[np.uint64]:
        bits = np.random.Philox(key=self._key(name))
        whole, skip = divmod(first, _WORDS_PER_COUNT)
        if whole:
            bits.advance(whole)
        words: NDArray[np.uint64] = bits.random_raw(count + skip)
        return words[skip:]

    def _key(self, name: str) -> int:
        text = f"{self.seed}\x1f{self.identity}\x1f{name}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=16, person=b"contrafact").digest(), "little")
