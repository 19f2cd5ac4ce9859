"""A codebook of a picture's own patches, and edits that speak in its indices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Codebook", "learned"]

_ROUNDS = 8
Cells = NDArray[np.int64]


@dataclass(frozen=True)
class Codebook:
    """Patches by index.

    Attributes
    ----------
    codes : ndarray of float64, shape (K, patch * patch * 3)
    indices : ndarray of int64, shape (rows, columns)
        The nearest code of each cell. Pixels beyond the last whole cell belong to none.
    patch : int
        Pixels of a cell's side.
    size : tuple of int
        Height and width of the picture.
    """

    codes: NDArray[np.float64]
    indices: Cells
    patch: int
    size: tuple[int, int]

    def cells(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which cells a mask (H, W) touches. Shape (rows, columns)."""
        rows, columns = self.indices.shape
        inside = mask[: rows * self.patch, : columns * self.patch]
        return np.asarray(inside.reshape(rows, self.patch, columns, self.patch).any(axis=(1, 3)))

    def pixels(self, cells: Cells) -> NDArray[np.bool_]:
        """The pixels (H, W) of some cells, given by flat position."""
        on = np.zeros(self.indices.size, dtype=bool)
        on[cells] = True
        out = np.zeros(self.size, dtype=bool)
        large = on.reshape(self.indices.shape).repeat(self.patch, axis=0).repeat(self.patch, axis=1)
        out[: large.shape[0], : large.shape[1]] = large
        return out

    def resampled(
        self, picture: NDArray[np.uint8], cells: Cells, pool: Cells, temperature: float, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Other codes in some cells, each drawn by softmax(−‖c − c'‖² / T) among all of the pool's but its own."""
        out = picture.copy()
        open_ = np.isin(np.arange(len(self.codes)), self.indices.ravel()[pool])
        gaps = np.square(self.codes[:, None] - self.codes[None]).mean(axis=-1)
        for cell in cells:
            own = int(self.indices.ravel()[cell])
            others = np.flatnonzero(open_ & (np.arange(len(open_)) != own))
            if not len(others):
                continue
            weights = np.exp(-(gaps[own][others] - gaps[own][others].min()) / temperature)
            place = int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum()))
            code = self.codes[others[min(place, len(others) - 1)]].reshape(self.patch, self.patch, 3)
            out[self._window(int(cell))] = np.rint(code).astype(np.uint8)
        return out

    def moved(self, picture: NDArray[np.uint8], cells: Cells, sources: Cells) -> NDArray[np.uint8]:
        """Some cells with the patches of others, as they are in the picture."""
        out = picture.copy()
        for cell, source in zip(cells, sources, strict=True):
            out[self._window(int(cell))] = picture[self._window(int(source))]
        return out

    def _window(self, cell: int) -> tuple[slice, slice]:
        row, column = divmod(cell, self.indices.shape[1])
        side = self.patch
        return slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)


def learned(picture: NDArray[np.uint8], patch: int, codes: int) -> Codebook:
    """A codebook by k-means (Lloyd 1982) on the patches of one picture, begun at patches that are far apart.

    Nothing is drawn: the same picture has the same codebook.
    """
    rows, columns = picture.shape[0] // patch, picture.shape[1] // patch
    whole = picture[: rows * patch, : columns * patch].astype(np.float64)
    cells = whole.reshape(rows, patch, columns, patch, 3).transpose(0, 2, 1, 3, 4).reshape(rows * columns, -1)
    centres = _apart(cells, min(codes, len(np.unique(cells, axis=0))))
    nearest = _nearest(cells, centres)
    for _ in range(_ROUNDS):
        for code in range(len(centres)):
            own = cells[nearest == code]
            if len(own):
                centres[code] = own.mean(axis=0)
        nearest = _nearest(cells, centres)
    return Codebook(centres, nearest.reshape(rows, columns), patch, (picture.shape[0], picture.shape[1]))


def _apart(cells: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Farthest-first: each centre is the patch farthest from those before it (Gonzalez 1985)."""
    chosen = [int(np.square(cells - cells.mean(axis=0)).sum(axis=1).argmin())]
    away = np.square(cells - cells[chosen[0]]).sum(axis=1)
    while len(chosen) < count:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.square(cells - cells[chosen[-1]]).sum(axis=1))
    return cells[chosen].copy()


def _nearest(cells: NDArray[np.float64], centres: NDArray[np.float64]) -> Cells:
    away = (centres**2).sum(axis=1)[None] - 2 * cells @ centres.T
    return np.asarray(away.argmin(axis=1), dtype=np.int64)
