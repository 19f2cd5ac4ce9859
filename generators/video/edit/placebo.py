"""The placebo of an edit: film grain in the same pixels, changing them as much, and changing nothing that is asked.

Grain is drawn with mean zero, so that light, colour, place and order stay; only its size is the edit's, as far as grain
of that size leaves the picture readable.
"""

from __future__ import annotations

import numpy as np

from generators.video.edit.operations import Frames, Masks

__all__ = ["MOST", "grain", "size_of"]

MOST = 24.0
"""Grey levels of mean change: coarser grain would hide what is asked about."""

_STEPS = 12


def size_of(one: Frames, other: Frames, touched: Masks) -> float:
    """Mean change of the touched pixels, in grey levels."""
    if not touched.any():
        return 0.0
    return float(np.abs(one[touched].astype(np.int16) - other[touched]).mean())


def grain(frames: Frames, touched: Masks, size: float, rng: np.random.Generator) -> Frames:
    """The clip with grain in the touched pixels whose mean change is ``size`` grey levels, or :data:`MOST`."""
    out = frames.copy()
    inside = frames[touched].astype(np.float32)
    # The same for all three colours, as grain is; NumPy's uniforms from raw words, summed to something bell-shaped.
    noise = (rng.random((4, len(inside), 1), dtype=np.float32).sum(axis=0) - 2) * np.sqrt(3.0)
    wanted, low, high = min(size, MOST), 0.0, 4 * MOST
    for _ in range(_STEPS):
        strength = (low + high) / 2
        changed = np.clip(np.rint(inside + strength * noise), 0, 255)
        low, high = (strength, high) if np.abs(changed - inside).mean() < wanted else (low, strength)
    out[touched] = np.clip(np.rint(inside + high * noise), 0, 255).astype(np.uint8)
    return out
