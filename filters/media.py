"""Media members of pairs as arrays, for filters that look at pixels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.media import read_clip, read_image, read_mask
from contrafact.errors import RecipeError, did_you_mean
from contrafact.record import HIDDEN, is_media
from contrafact.stages import Generator, PairFilter
from filters.columns import column

__all__ = ["MediaFilter", "Seen", "seen", "size_of_change"]

_PNG = b"\x89PNG"


@dataclass(frozen=True)
class Seen:
    """What both members of one pair show.

    Attributes
    ----------
    row : int
    before, after : ndarray of uint8, shape (T, H, W, 3)
        The factual's and the counterfactual's frames; T is 1 for an image.
    mask : ndarray of bool, shape (T, H, W), or None
        Where the edit says that it was; None where it does not say.
    """

    row: int
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None

    @property
    def alike(self) -> bool:
        """Whether both are as long and as large."""
        return self.before.shape == self.after.shape


def _media_field(alias: str, given: str | None, generator: Generator) -> str:
    """The member that holds the medium: the one given, or the first there is.

    Raises
    ------
    RecipeError
        Where it is no clip or image, or there is none.
    """
    names = [each.name for each in generator.shape().members if is_media(each.type)]
    if given is None and names:
        return str(names[0])
    if given not in names:
        raise RecipeError(
            f"filter {alias}: {given!r} is no clip or image of these pairs{did_you_mean(given or '', names)}"
            if given
            else f"filter {alias}: these pairs have neither clips nor images",
            allowed=", ".join(names) or "pairs with a clip or an image",
            fix="leave field out" if names else f"remove the filter {alias} from the recipe",
        )
    return str(given)


class MediaFilter(PairFilter):
    """A filter of one medium of each pair, with scores of its own.

    Parameters
    ----------
    field : str, optional
        The member that is looked at; the first clip or image by default.
    """

    def __init__(self, field: str | None) -> None:
        self._given, self.field = field, ""

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        self.field = _media_field(alias, self._given, generator)

    def score_fields(self) -> Sequence[pa.Field]:
        return [pa.field(name, pa.float64()) for name in self._names()]

    @abstractmethod
    def _names(self) -> list[str]:
        """Names of the scores, each a float64."""


def seen(pairs: pa.Table, field: str, mask: str = "touched") -> Iterator[Seen]:
    """Both members' frames, pair by pair, one pair in memory at a time.

    Parameters
    ----------
    mask : str
        The hidden field that says where the edit was, where the pairs have one.
    """
    sides = [column(pairs, side).field(field) for side in ("factual", "counterfactual")]
    masks = None
    if HIDDEN in pairs.column_names:
        hidden = column(pairs, HIDDEN)
        masks = hidden.field(mask) if hidden.type.get_field_index(mask) >= 0 else None
    for row in range(pairs.num_rows):
        before, after = (_frames(side[row].as_py()) for side in sides)
        stored = None if masks is None else masks[row].as_py()
        yield Seen(row, before, after, None if stored is None else _mask(stored))


def size_of_change(each: Seen) -> tuple[float, float]:
    """Mean change inside the mask (everywhere where there is none) and largest change outside, in grey levels."""
    apart = np.abs(each.before.astype(np.int16) - each.after)
    if each.mask is None:
        return float(apart.mean()), 0.0
    inside = apart[each.mask]
    outside = apart[~each.mask]
    return float(inside.mean()) if inside.size else 0.0, float(outside.max(initial=0))


def _frames(value: Mapping[str, Any] | None) -> NDArray[np.uint8]:
    if value is None:
        return np.zeros((0, 0, 0, 3), dtype=np.uint8)
    source: bytes = value["bytes"]
    return read_image(source)[None] if _is_still(source[:4]) else read_clip(source).frames


def _is_still(head: bytes) -> bool:
    return head in (_PNG, b"GIF8", b"RIFF") or head[:2] in (b"\xff\xd8", b"BM")


def _mask(stored: bytes) -> NDArray[np.bool_]:
    if stored[:4] == _PNG:
        return np.asarray(read_mask(stored) > 0)[None]
    return np.asarray(read_clip(stored).frames[..., 0] > 127)
