"""What an edit must keep, put back: pixels outside a mask, or frequencies that were measured.

Both are projections: doing them twice is doing them once. In pixels, x ← m ⊙ x + (1 − m) ⊙ x₀ with the bits of x₀. In
k-space, as MRI reconstruction keeps its data consistent (Schlemper et al. 2018), x ← F⁻¹(M ⊙ F x₀ + (1 − M) ⊙ F x).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import RowError

__all__ = ["frequency_error", "low_frequencies", "project_frequencies", "project_pixels"]


def project_pixels(
    edited: NDArray[np.uint8], original: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The edited picture or clip (..., H, W, 3) under the mask (..., H, W), the original's bits elsewhere.

    Raises
    ------
    RowError
        For another size.
    """
    if edited.shape != original.shape or mask.shape != original.shape[:-1]:
        raise RowError("the edit came back in another size than the original")
    return np.where(mask[..., None], edited, original)


def low_frequencies(size: tuple[int, int], share: float) -> NDArray[np.bool_]:
    """Frequencies up to a share of the highest in either direction, as :func:`numpy.fft.fft2` orders them.

    Symmetric about zero, so that a real picture stays real. Shape (H, W).
    """
    down, across = (np.abs(np.fft.fftfreq(each)) * 2 for each in size)
    return np.asarray((down[:, None] <= share) & (across[None] <= share))


def project_frequencies(
    edited: NDArray[np.float64], original: NDArray[np.float64], measured: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The edited picture with the original's measured frequencies, colour by colour.

    Parameters
    ----------
    edited, original : ndarray of float64, shape (H, W, C)
    measured : ndarray of bool, shape (H, W)
        Symmetric about zero frequency.

    Raises
    ------
    RowError
        For another size.
    """
    if edited.shape != original.shape or measured.shape != original.shape[:2]:
        raise RowError("the edit came back in another size than the original")
    axes = (0, 1)
    mixed = np.where(measured[..., None], np.fft.fft2(original, axes=axes), np.fft.fft2(edited, axes=axes))
    return np.fft.ifft2(mixed, axes=axes).real


def frequency_error(one: NDArray[np.float64], other: NDArray[np.float64], measured: NDArray[np.bool_]) -> float:
    """Largest difference of the measured frequencies, relative to the largest of them."""
    spectra = [np.fft.fft2(each, axes=(0, 1))[measured] for each in (one, other)]
    return float(np.abs(spectra[0] - spectra[1]).max() / max(float(np.abs(spectra[0]).max()), 1e-12))
