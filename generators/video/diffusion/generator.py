"""The generator ``diffusion``: a pipeline's edit of a picture or clip, with what must not change put back exactly."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.engines.media import encode_lossless, encode_png, read_clip, read_image, read_mask, safe_path
from contrafact.errors import DataError, MediaError, RecipeError, RowError, did_you_mean
from contrafact.record import PairShape, class_label, media_fields
from contrafact.stages import Recomputed, RowGenerator, Source
from generators.video.diffusion.pipelines import Editor
from generators.video.diffusion.projection import (
    frequency_error,
    low_frequencies,
    project_frequencies,
    project_pixels,
)
from generators.video.edit.footage import Footage
from generators.video.edit.regions import region_mask

__all__ = ["DiffusionGenerator"]

_EXACT = 1e-6
"""How far a measured frequency may be off, relative to the largest."""


class DiffusionGenerator(RowGenerator):
    """Edits by instruction.

    That a pipeline did what it was told is only asserted (label source ``llm``); filters such as ``clip_similarity`` or
    a teacher may look. What is exact is what did not change: every pixel outside the mask, or with
    ``keep_frequencies`` every frequency that counts as measured, to 1e-6; ``validate`` looks at both again.

    Parameters
    ----------
    pipeline : str
        A folder, hub name or ``random`` (:class:`generators.video.diffusion.pipelines.Editor`).
    medium : {'image', 'video'}
        What the source's column of that name holds. A clip is edited whole by a pipeline that takes a video, frame by
        frame with the same noise by one that takes an image.
    kind : str, optional
        A class of diffusers to load it as.
    footage : str or mapping, optional
        Real clips to edit (:class:`generators.video.edit.footage.Footage`), where the recipe names no source.
    window, longest : int
        Of footage: frames of a clip, and pixels of its longer side.
    region : str, optional
        The part of the picture that is edited where a unit has no mask: ``left third``, ``middle third``,
        ``right third``.
    instruction : str, optional
        For all units; else the source's column ``instruction``.
    steps : int
        Steps of the sampler; 1 to 4 for consistency models.
    guidance, strength : float, optional
        Where the pipeline takes them.
    keep_frequencies : float, optional
        Share of the highest frequency up to which frequencies are kept; for images, instead of a mask. Both members
        then carry ``signal``, a NumPy array of float64 that 8 bits could not hold.
    """

    name: ClassVar[str] = "diffusion"
    task: str = "edit"
    label_source: str = "llm"
    shard_rows: ClassVar[int] = 16

    def __init__(
        self,
        pipeline: str,
        medium: Literal["image", "video"] = "image",
        kind: str | None = None,
        instruction: str | None = None,
        steps: int = 20,
        guidance: float | None = None,
        strength: float | None = None,
        keep_frequencies: float | None = None,
        footage: str | dict[str, Any] | None = None,
        window: int = 16,
        longest: int = 240,
        region: Literal["left third", "middle third", "right third"] | None = None,
        folder: Path | None = None,
    ) -> None:
        if steps < 1:
            raise RecipeError(f"generator.steps is {steps}", allowed="1 or more")
        if keep_frequencies is not None and (not 0 < keep_frequencies < 1 or medium == "video"):
            raise RecipeError(
                f"generator.keep_frequencies is {keep_frequencies} for {medium}s",
                allowed="a share above 0 and below 1, for images",
            )
        if keep_frequencies is not None and region is not None:
            raise RecipeError(
                "generator.region and generator.keep_frequencies are both given, and only one of them can be kept",
                fix="leave one of them out",
            )
        if footage is not None and medium != "video":
            raise RecipeError("generator.footage: footage is clips", fix="write medium: video")
        for option, value, least in (("window", window, 9), ("longest", longest, 32)):
            if value < least:
                raise RecipeError(f"generator.{option} is {value}", allowed=f"{least} or more")
        given = {"steps": steps, "guidance": guidance, "strength": strength}
        self.folder, self.medium, self.instruction = folder or Path(), medium, instruction
        self.keep, self.region = keep_frequencies, region
        self.given, self.window, self.longest = footage, window, longest
        self._footage: Footage | None = None
        self.editor = Editor(
            pipeline, {name: value for name, value in given.items() if value is not None}, kind, folder
        )

    def shape(self) -> PairShape:
        signal = [] if self.keep is None else [pa.field("signal", pa.binary())]
        members = [*media_fields(self.medium, self.medium), *signal, pa.field("instruction", pa.string())]
        return PairShape(members, class_label("carried out", ["no", "yes"]), [pa.field("touched", pa.binary())])

    def source(self, seed: int) -> Source | None:
        if self.given is not None and self._footage is None:
            self._footage = Footage(self.given, self.folder, self.window)
        return self._footage

    def borrow(self, engines: Engines) -> None:
        if engines.opens and not engines.replay:
            self.editor.load()

    def borrowed(self) -> Any:
        return self.editor.identity()

    def model_name(self) -> str | None:
        return Path(self.editor.name).name

    def check_units(self, units: pa.Table) -> None:
        needed = [] if self._footage is not None else [self.medium]
        for column in (*needed, *([] if self.instruction else ["instruction"])):
            if column not in units.column_names:
                raise DataError(
                    f"the source has no column {column!r}{did_you_mean(column, units.column_names)}",
                    allowed=", ".join(units.column_names),
                    fix=f"rename a column to {column}",
                )

    def notes(self) -> Sequence[str]:
        told = "that an instruction was carried out is asserted by the pipeline alone; what was kept is exact"
        return (
            (told, "the pipeline has random weights: what it painted means nothing") if self.editor.random else (told,)
        )

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Mapping[str, Any]:
        instruction = self.instruction or str(unit["instruction"] or "")
        frames, rate = self._frames(unit)
        mask = self._mask(unit, frames)
        if mask is not None and self.keep is not None:
            raise RowError("a mask and frequencies are both to be kept, and only one of them can be")
        made = self.editor.edit(frames, mask, instruction, int(rng.integers(2**31)))
        everywhere = np.ones(frames.shape[:3], dtype=bool)
        kept = project_pixels(made, frames, everywhere if mask is None else mask)
        signals = (None, None) if self.keep is None else self._signals(frames[0], kept[0])
        if signals[1] is not None:
            kept = np.clip(np.rint(signals[1]), 0, 255).astype(np.uint8)[None]
        touched = everywhere if mask is None else mask
        change = {"variable": self.medium, "operation": "edit", "before": "as it was", "after": instruction}
        return {
            "factual": self._member(frames, rate, instruction, signals[0]),
            "counterfactual": self._member(kept, rate, instruction, signals[1]),
            "intervention": [{**change, "where": "everywhere" if mask is None else "mask"}],
            "label": 0,
            "counterfactual_label": 1,
            "held_fixed": ["instruction"],
            "hidden": {"touched": encode_lossless((np.uint8(255) * each for each in touched.astype(np.uint8)), rate)},
        }

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        rows = pairs.select(["factual", "counterfactual", "hidden"]).to_pylist()
        hashes = np.array([self._again(row) for row in rows], dtype=object)
        # Nothing that is stored says that an instruction was carried out: the labels are the record's own.
        asserted = np.zeros(pairs.num_rows, dtype=bool)
        labels = (pairs["label"], pairs["counterfactual_label"])
        return Recomputed({f"{self.medium}_sha256": hashes}, *labels, computed=asserted)

    def _again(self, row: Mapping[str, Any]) -> str | None:
        """The hash of the counterfactual where it kept what it must, else None."""
        one, other = row["factual"], row["counterfactual"]
        before, after = (self._read(side[self.medium]["bytes"])[0] for side in (one, other))
        touched = read_clip(row["hidden"]["touched"]).frames[..., 0] > 127
        kept = before.shape == after.shape and not (before != after).any(axis=-1)[~touched].any()
        if self.keep is not None and kept:
            first, second = (np.load(io.BytesIO(side["signal"]), allow_pickle=False) for side in (one, other))
            kept = frequency_error(first, second, low_frequencies(first.shape[:2], self.keep)) <= _EXACT
        return other[f"{self.medium}_sha256"] if kept else None

    def _signals(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[Any, Any]:
        original = before.astype(np.float64)
        measured = low_frequencies((before.shape[0], before.shape[1]), float(self.keep or 0))
        return original, project_frequencies(after.astype(np.float64), original, measured)

    def _member(
        self, frames: NDArray[np.uint8], rate: Fraction, instruction: str, signal: NDArray[np.float64] | None
    ) -> dict[str, Any]:
        data = encode_png(frames[0]) if self.medium == "image" else encode_lossless(frames, rate)
        name = "image.png" if self.medium == "image" else "clip.mkv"
        member: dict[str, Any] = {self.medium: {"bytes": data, "path": name}, "instruction": instruction}
        member[f"{self.medium}_sha256"] = hashlib.sha256(data).hexdigest()
        return member if signal is None else {**member, "signal": _npy(signal)}

    def _frames(self, unit: Mapping[str, Any]) -> tuple[NDArray[np.uint8], Fraction]:
        if self._footage is not None and "clip" in unit:
            opened = self._footage.open(unit, self.longest)
            return opened.frames, opened.rate
        return self._read(self._source(unit[self.medium]))

    def _read(self, source: bytes | Path) -> tuple[NDArray[np.uint8], Fraction]:
        if self.medium == "image":
            return read_image(source)[None], Fraction(1)
        clip = read_clip(source, variable="resample")
        return clip.frames, clip.rate

    def _mask(self, unit: Mapping[str, Any], frames: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        if unit.get("mask") is None:
            return None if self.region is None else region_mask(self.region, frames.shape)
        source = self._source(unit["mask"])
        try:
            mask = read_mask(source, (frames.shape[1], frames.shape[2])) > 0
        except MediaError:
            if self.medium == "image":
                raise
            mask = read_clip(source).frames.max(axis=-1) > 127
        if mask.ndim == 3 and mask.shape != frames.shape[:3]:
            raise RowError("the mask is of another size or length than the clip")
        return np.broadcast_to(mask, frames.shape[:3])

    def _source(self, value: Any) -> bytes | Path:
        if isinstance(value, Mapping):
            value = value.get("bytes") or value.get("path")
        if value is None:
            raise RowError(f"the {self.medium} is missing")
        return value if isinstance(value, bytes) else safe_path(self.folder, str(value))


def _npy(signal: NDArray[np.float64]) -> bytes:
    target = io.BytesIO()
    np.save(target, signal, allow_pickle=False)
    return target.getvalue()
