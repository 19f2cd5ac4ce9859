"""Any editing pipeline of diffusers as one call: a picture or a clip, a mask where it takes one, and an instruction."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.weights import loading, weights_identity
from contrafact.errors import MissingDependencyError, RecipeError
from generators.video.diffusion.tiny import random_pipeline

__all__ = ["Editor"]

Pictures = NDArray[np.uint8]
"""Shape (T, H, W, 3); T is 1 for a picture."""
_ALLOWED = "a folder or hub name of a diffusers pipeline, or random"
_RANDOM = "random"
_SETTINGS = {"steps": "num_inference_steps", "guidance": "guidance_scale", "strength": "strength"}


class Editor:
    """A pipeline, loaded once, that edits.

    What it takes is read off the signature of its call: ``video`` gets a clip whole, ``image`` one frame after another
    with the same noise; ``mask_image`` or ``mask`` gets the mask; ``strength``, ``num_inference_steps`` and
    ``guidance_scale`` are given where they are taken. Sizes, and for clips the number of frames, are filled up to what
    its autoencoder divides, and cut back.

    Parameters
    ----------
    pipeline : str
        A folder, a name on the hub, or ``random``: one with random weights, whose pictures mean nothing.
    settings : mapping
        ``steps``, ``guidance``, ``strength``.
    kind : str, optional
        A class of diffusers, where the folder's own is not the one that edits (``AutoPipelineForInpainting``).
    folder : Path, optional
        Where a relative folder is looked for first.
    """

    def __init__(
        self, pipeline: str, settings: Mapping[str, float], kind: str | None = None, folder: Path | None = None
    ) -> None:
        place = (folder or Path()) / pipeline
        self.name = str(place) if place.exists() else pipeline
        self.settings, self.kind = dict(settings), kind or "DiffusionPipeline"
        self._loaded: Any = None

    def load(self) -> Any:
        """The pipeline.

        Raises
        ------
        MissingDependencyError
            Where diffusers or what the pipeline needs is not installed.
        RecipeError
            Where it cannot be loaded, or edits nothing.
        """
        if self._loaded is None:
            self._loaded = self._opened()
            if not self._takes & {"image", "video"}:
                raise RecipeError(
                    f"generator.pipeline: {self.name} takes neither an image nor a video, so that it edits nothing",
                    allowed="a pipeline for image-to-image, inpainting, instructions or video-to-video",
                    fix="write kind: AutoPipelineForImage2Image, or name another pipeline",
                )
        return self._loaded

    @cached_property
    def place(self) -> Path:
        """Where the pipeline is; one of the hub is downloaded now, where it is not here yet.

        Raises
        ------
        MissingDependencyError
            Where diffusers, which knows what files of a repository it needs, is not installed.
        RecipeError
            Where the hub does not give it.
        """
        if Path(self.name).is_dir():
            return Path(self.name)
        if self.name == _RANDOM:
            _diffusers()
            return random_pipeline()
        pipeline = _diffusers().DiffusionPipeline
        with loading("generator.pipeline", self.name, extra="diffusers", allowed=_ALLOWED):
            return Path(pipeline.download(self.name))

    def identity(self) -> str:
        """The pipeline's name, and a hash of its settings and weights, whatever the hub has under the name later."""
        return f"{Path(self.name).name}:{self.kind}:{weights_identity(self.place)}"

    @property
    def random(self) -> bool:
        """Whether it has random weights."""
        return self.name == _RANDOM

    def edit(self, frames: Pictures, mask: NDArray[np.bool_] | None, instruction: str, seed: int) -> Pictures:
        """The frames as the pipeline gives them back, of the size that they had."""
        self.load()
        filled, size = _filled(frames, self._multiple)
        masks = None if mask is None else _filled(mask.astype(np.uint8)[..., None], self._multiple)[0][..., 0] > 0
        if "video" in self._takes:
            longer = None if masks is None else _longer(masks, self._stride)
            made = self._called(_longer(filled, self._stride), longer, instruction, seed)
            return made[: len(frames), : size[0], : size[1]]
        alone = [
            self._called(filled[at : at + 1], None if masks is None else masks[at : at + 1], instruction, seed)
            for at in range(len(filled))
        ]
        return np.concatenate(alone)[:, : size[0], : size[1]]

    def _opened(self) -> Any:
        made = getattr(_diffusers(), self.kind, None)
        if made is None:
            raise RecipeError(
                f"generator.kind: diffusers has no {self.kind!r}", allowed="a pipeline class of diffusers"
            )
        with loading("generator.pipeline", self.name, extra="diffusers", allowed=_ALLOWED), _without_bars():
            loaded = made.from_pretrained(str(self.place))
        loaded.set_progress_bar_config(disable=True)
        return loaded

    @property
    def _takes(self) -> set[str]:
        return set(inspect.signature(self._loaded.__call__).parameters)

    @property
    def _multiple(self) -> int:
        """Pixels that a side must be a multiple of."""
        scales = [getattr(self._loaded, name, None) for name in ("vae_scale_factor", "vae_scale_factor_spatial")]
        return 2 * max([each for each in scales if isinstance(each, int)], default=8)

    @property
    def _stride(self) -> int:
        """Frames that its autoencoder takes as one, after a first one that stands alone."""
        found = getattr(self._loaded, "vae_scale_factor_temporal", 1)
        return found if isinstance(found, int) else 1

    def _called(self, frames: Pictures, mask: NDArray[np.bool_] | None, instruction: str, seed: int) -> Pictures:
        import torch
        from PIL import Image

        takes = self._takes
        pictures = [Image.fromarray(each) for each in frames]
        given: dict[str, Any] = {"prompt": instruction, "output_type": "np"}
        given |= {"generator": torch.Generator("cpu").manual_seed(seed)}
        given |= {"height": frames.shape[1], "width": frames.shape[2], "num_frames": len(frames)}
        given |= {_SETTINGS[name]: value for name, value in self.settings.items()}
        given |= {"video": pictures} if "video" in takes else {"image": pictures[0]}
        if mask is not None:
            masks = [Image.fromarray(np.where(each, np.uint8(255), np.uint8(0))) for each in mask]
            given |= {"mask": masks, "mask_image": masks[0]}
        made = self._loaded(**{name: value for name, value in given.items() if name in takes})
        return _whole(made)


@contextmanager
def _without_bars() -> Iterator[None]:
    """Loading draws bars of its own over those of the build."""
    from diffusers.utils import logging as diffusers_bars
    from transformers.utils import logging as transformers_bars

    shown = [each for each in (diffusers_bars, transformers_bars) if each.is_progress_bar_enabled()]
    for each in shown:
        each.disable_progress_bar()
    try:
        yield
    finally:
        for each in shown:  # of one that was off before, that would turn it on for everybody
            each.enable_progress_bar()


def _diffusers() -> Any:
    try:
        import diffusers
    except ImportError:
        raise MissingDependencyError(
            "edits by diffusion need diffusers, which is not installed", fix="pip install 'contrafact[diffusers]'"
        ) from None
    return diffusers


def _whole(made: Any) -> Pictures:
    """A pipeline's answer as uint8 (T, H, W, 3)."""
    values: Any = made.frames if hasattr(made, "frames") else made.images
    array = np.asarray(values, dtype=np.float64)
    array = array[0] if array.ndim == 5 else array
    return np.clip(np.rint(np.nan_to_num(array) * 255), 0, 255).astype(np.uint8)


def _filled(frames: NDArray[np.uint8], multiple: int) -> tuple[NDArray[np.uint8], Sequence[int]]:
    """Frames (T, H, W, C) filled up by their own borders to a multiple in height and width, and the size they had."""
    high, wide = frames.shape[1:3]
    return np.pad(frames, ((0, 0), (0, -high % multiple), (0, -wide % multiple), (0, 0)), mode="edge"), (high, wide)


def _longer(frames: NDArray[Any], stride: int) -> NDArray[Any]:
    """Frames (T, …) with the last one repeated until their number is one more than a multiple of ``stride``."""
    return np.concatenate([frames, np.repeat(frames[-1:], (1 - len(frames)) % stride, axis=0)])
