"""Images and clips for the page: stills within a budget; where it is used up, the path alone.

Images that a browser knows go in as they are; clips become a strip of small frames, where PyAV is installed.
"""

from __future__ import annotations

import base64
import colorsys
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import ContrafactError

__all__ = ["QUICK_BUDGET", "Pictures"]

_BUDGET = 12_000_000
"""Bytes of all pictures of a page."""
QUICK_BUDGET = 2_000_000
"""The same of the page that a build ends with: clips take longest of all that goes into it."""
_FRAMES = 8
_WIDTH = 224
"""Pixels across of a frame in a strip."""
_NUMBERS = 32
"""Objects and the ground that a mask tells apart; frames of larger numbers are pictures."""
_FIXTURE = 255
"""What masks give to things that are no object; alone, it is a mask of one area, and white as it stands."""
_GOLDEN = 0.618034
_LARGEST = 400_000
"""Bytes of an image that goes in as it is."""
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
_SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif")


class Pictures:
    """Turns media cells (``bytes`` and ``path``) into what the page shows, until the budget is used up.

    Parameters
    ----------
    folder : Path
        The run directory: relative paths start there, and none leads out of it.
    """

    def __init__(self, folder: Path, budget: int = _BUDGET) -> None:
        self.folder, self.left = folder, budget
        self.told = "this page holds the first ones only"
        if budget < _BUDGET:
            self.told += "; contrafact report makes one that holds more"
        self._known: dict[str, dict[str, Any]] = {}

    def of(self, columns: Mapping[Any, pa.Array]) -> dict[Any, list[dict[str, Any] | None]]:
        """One entry a cell: ``frames`` (data addresses; none where there was no room), ``path`` and a ``note``.

        Pair by pair, so that both members of one are shown or neither.
        """
        found: dict[Any, list[dict[str, Any] | None]] = {name: [] for name in columns}
        for row in range(len(next(iter(columns.values()), ()))):
            room = self.left > 0
            for name, cells in columns.items():
                cell = cells[row].as_py()
                found[name].append(None if cell is None else self._shown(cell, room=room))
        return found

    def _shown(self, cell: Mapping[str, Any], *, room: bool) -> dict[str, Any]:
        path, content = cell.get("path"), cell.get("bytes")
        if not room:
            return {"frames": [], "path": path, "note": f"{path or 'media'} ({self.told})"}
        if path and content is None and path in self._known:
            return self._known[path]
        try:
            frames = self._frames(content if content is not None else self._read(path), path or "")
        except (ContrafactError, OSError, ValueError) as error:
            return {"frames": [], "path": path, "note": f"{path or 'media'}: {str(error).splitlines()[0]}"}
        self.left -= sum(len(each) for each in frames)
        made = {"frames": frames, "path": path}
        if path:
            self._known[path] = made
        return made

    def _read(self, path: str | None) -> bytes:
        from contrafact.engines.media.faults import safe_path

        if not path:
            raise ValueError("neither bytes nor a path are stored")
        return safe_path(self.folder, path).read_bytes()

    def _frames(self, content: bytes, path: str) -> list[str]:
        kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)
        kind = kind or mimetypes.guess_type(path)[0] or ""
        if kind in _SHOWN:
            return [_address(content, kind) if len(content) <= _LARGEST else _still(content)]
        return _strip(content)


def _address(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _still(content: bytes) -> str:
    """A large image, small."""
    from contrafact.engines.media import encode_png, read_image

    return _address(encode_png(_smaller(read_image(content))), "image/png")


def _strip(content: bytes) -> list[str]:
    """Frames at even distances over a clip, the first and the last among them."""
    from contrafact.engines.media import encode_png, sample_frames

    frames = sample_frames(content, _FRAMES)
    if _numbered(frames):
        frames = _palette()[frames[..., 0]]
    return [_address(encode_png(_smaller(frame)), "image/png") for frame in frames]


def _numbered(frames: NDArray[np.uint8]) -> bool:
    """Whether the pixels are numbers of objects, as masks hold them: all but black as they are."""
    first = frames[..., :1]
    if not ((first < _NUMBERS) | (first == _FIXTURE)).all() or not ((first > 0) & (first < _NUMBERS)).any():
        return False
    return bool((frames == first).all())


def _palette() -> NDArray[np.uint8]:
    """A bright colour for each number, far in hue from its neighbours'; black for 0, grey for fixtures. Shape (256, 3).

    By the number alone, so that an object has one colour on both sides of a pair and in every frame.
    """
    table = np.zeros((256, 3), dtype=np.uint8)
    for number in range(1, _NUMBERS):
        hue, pale = (number - 1) * _GOLDEN % 1, 0.85 if number % 2 else 0.6
        table[number] = [round(255 * each) for each in colorsys.hsv_to_rgb(hue, pale, 1.0)]
    table[_FIXTURE] = 128
    return table


def _smaller(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means of whole squares of pixels, so that both sides of a pair are made small alike. Shape (H/k, W/k, 3)."""
    step = -(-image.shape[1] // _WIDTH)
    if step < 2:
        return image
    height, width = image.shape[0] // step * step, image.shape[1] // step * step
    total = np.full((height // step, width // step, 3), step * step // 2, dtype=np.uint32)
    for row in range(step):
        for column in range(step):
            total += image[row:height:step, column:width:step]
    return np.asarray(total // (step * step), dtype=np.uint8)
