"""The generator ``edit``: real clips with one thing done to them, and one question that both clips answer otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contrafact.engines import Engines
from contrafact.engines.media import encode_lossless, safe_path
from contrafact.errors import DataError, RecipeError, RowError, did_you_mean
from contrafact.record import PairShape
from contrafact.stages import Context, Recomputed, RowGenerator, Source
from generators.video.edit.catalogue import OPERATIONS, chosen
from generators.video.edit.choosing import Scene, Take, other_take, rendered, takes
from generators.video.edit.detecting import Detector
from generators.video.edit.footage import Footage, Window, has_cut, read_window
from generators.video.edit.masks import beside, given_mask
from generators.video.edit.objects import Track, moving_object
from generators.video.edit.operations import Frames, Masks, Place
from generators.video.edit.placebo import size_of
from generators.video.edit.placebos import placebo_row
from generators.video.edit.recomputing import recomputed
from generators.video.edit.records import SHAPE, Side, made
from generators.video.questions.asking import ASKED, Item, ask, possible
from generators.video.questions.measuring import measured_item
from generators.video.questions.nature import shown_by_nature
from generators.video.questions.rewording import reworded
from generators.video.questions.words import WORDS

__all__ = ["EditGenerator"]

_KINDS = (*ASKED, "measured")
_PLACES: tuple[Place, ...] = ("frame", "region", "object")


class EditGenerator(RowGenerator):
    """Edits of real footage. Outside the edit's interval and mask every pixel is the clip's own.

    Parameters
    ----------
    footage : str or mapping, optional
        Where clips come from (:class:`generators.video.edit.footage.Footage`), where the recipe names no source.
    column, mask_column, object_column : str
        Of a recipe's source: the clip (bytes, a path, or a ``Video`` of Hugging Face), its mask, and what the masked
        object is called. The last two may be missing.
    edits : list of str, optional
        Operations, or kinds of them: ``visual``, ``semantic``, ``common_sense``. All by default.
    places : list of {'frame', 'region', 'object'}, optional
        Where they are done. All by default.
    objects : {'motion', 'detector'}
        How objects are found where no mask is given.
    detector : mapping, optional
        ``{model, labels, threshold}`` of a zero-shot detector (:class:`generators.video.edit.detecting.Detector`).
    per_unit : int
        Pairs of a window.
    window : int
        Frames of a window.
    longest : int
        Pixels of the longer side; larger clips are shrunk.
    interval : list of two floats, optional
        Seconds [t0, t1) of every edit; drawn within a third of the clip by default.
    questions : list of str, optional
        Kinds of questions: ``event``, ``yesno``, ``when``, ``where``, ``measured``. All by default.
    versus_edit : float
        Share of the pairs that set two edits of one clip against each other; the others set an edit against the clip as
        it was filmed.
    controls : bool
        Put a placebo beside every pair.
    cuts : {'reject', 'keep'}
        What to do with a window in which one scene is cut to another.
    reword : bool
        Have the language model say captions in other words, kept where no fact moved.

    Raises
    ------
    RecipeError
        For an option that can never be met.
    DataError
        For clips that are not there.
    """

    name: ClassVar[str] = "edit"
    task: str = "video_qa"
    label_source: str = "construction"
    shard_rows: ClassVar[int] = 8
    citations: ClassVar[Sequence[str]] = ("DualityForge and DualityVidQA, arXiv:2512.24271",)

    def __init__(
        self,
        footage: str | dict[str, Any] | None = None,
        column: str = "video",
        mask_column: str = "mask",
        object_column: str = "object",
        edits: list[str] | None = None,
        places: list[Place] | None = None,
        objects: Literal["motion", "detector"] = "motion",
        detector: dict[str, Any] | None = None,
        per_unit: int = 2,
        window: int = 24,
        longest: int = 240,
        interval: list[float] | None = None,
        questions: list[str] | None = None,
        versus_edit: float = 0.5,
        controls: bool = False,
        cuts: Literal["reject", "keep"] = "reject",
        reword: bool = False,
        folder: Path | None = None,
    ) -> None:
        for option, value, least in (("per_unit", per_unit, 1), ("window", window, 9), ("longest", longest, 32)):
            if value < least:
                raise RecipeError(f"generator.{option} is {value}", allowed=f"{least} or more")
        if not 0 <= versus_edit <= 1:
            raise RecipeError(f"generator.versus_edit is {versus_edit}", allowed="a share from 0 to 1")
        for each in questions or ():
            if each not in _KINDS:
                raise RecipeError(
                    f"generator.questions: {each!r}{did_you_mean(each, _KINDS)}", allowed=", ".join(_KINDS)
                )
        self.folder, self.given = folder or Path(), footage
        self.columns = {"video": column, "mask": mask_column, "object": object_column}
        self.operations, self.places = chosen(edits), tuple(places or _PLACES)
        self.detector = _detector(objects, detector, self.folder)
        self.per_unit, self.window, self.longest = per_unit, window, longest
        self.interval = _interval(interval)
        self.asked, self.versus_edit = tuple(questions or _KINDS), versus_edit
        self.controls, self.cuts, self.reword = controls, cuts, reword
        self._footage: Footage | None = None

    def shape(self) -> PairShape:
        return SHAPE

    def source(self, seed: int) -> Source | None:
        if self.given is None:
            return None
        if self._footage is None:
            self._footage = Footage(self.given, self.folder, self.window)
        return self._footage

    def borrow(self, engines: Engines) -> None:
        if self.detector is not None and engines.opens:
            self.detector.load()
        if self.reword:
            engines.need("llm", f"the generator {self.name}, to reword captions")

    def borrowed(self) -> Any:
        return None if self.detector is None else self.detector.identity()

    def check_units(self, units: pa.Table) -> None:
        if self.given is None and self.columns["video"] not in units.column_names:
            name = self.columns["video"]
            raise DataError(
                f"the source has no column {name!r}{did_you_mean(name, units.column_names)}",
                allowed=", ".join(units.column_names),
                fix="write generator: {use: edit, column: NAME}",
            )

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        return recomputed(pairs)

    def notes(self) -> Sequence[str]:
        found = "a detector's boxes" if self.detector else "what moves by itself before its background"
        return (
            "what is asked follows from the record of the edit, or is measured in the pixels; no model was asked",
            f"objects without a given mask are {found}; what they are is not known",
            "what is behind an object is taken from other frames, and filled in from around it where none shows it",
        )

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        numbers = np.arange(context.start, context.start + units.num_rows)
        made = super().generate(units.append_column("unit_number", pa.array(numbers)), context)
        if self.reword and "hidden" in made.column_names:
            made = reworded(made, context)
        owner = pc.index_in(made["unit_id"].combine_chunks(), units["unit_id"].combine_chunks())
        files = units["clip" if "clip" in units.column_names else "unit_id"].combine_chunks()
        return made.append_column("group_id", files.take(owner))  # all windows of a file stay together, rejects too

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        window = self._window(unit)
        if self.cuts == "reject" and has_cut(window.frames):
            raise RowError("one scene is cut to another in this window")
        scene = Scene(window, self._track(unit, window), self.interval)
        number, asked = int(unit["unit_number"]) * self.per_unit, 0
        for take in takes(scene, self.operations, self.places, rng):
            found = self._row(unit, scene, take, number + asked, rng)
            if found is None:
                continue
            row, frames, touched = found
            yield row
            if self.controls:
                yield placebo_row(row, frames, touched, window.rate, f"{unit['unit_id']}/{asked * 2}", rng)
            asked += 1
            if asked == self.per_unit:
                return
        if not asked:
            raise RowError("no question could be asked that both clips answer otherwise")

    def _row(
        self, unit: Mapping[str, Any], scene: Scene, take: Take, number: int, rng: np.random.Generator
    ) -> tuple[dict[str, Any], Frames, Masks] | None:
        """A pair with its factual's frames and with what was touched; None where no question fits."""
        window, varied = scene.window, None
        one = Side(window.frames)
        other = _side(take, scene)
        if rng.random() < self.versus_edit and (found := self._other(scene, take, rng)) is not None:
            varied, before = found
            one = _side(before, scene)
        item = self._item((one, other), take, number, rng)
        if item is None:
            return None
        touched = _union(one, other)
        size = size_of(one.frames, other.frames, touched)
        row = made((one, other), item, window.rate, size, str(unit.get("caption") or ""), varied)
        row["label_source"] = "oracle" if item.kind == "measured" else "construction"
        if varied is not None:
            row["hidden"]["original"] = encode_lossless(window.frames, window.rate)
        return row, one.frames, touched

    def _other(self, scene: Scene, take: Take, rng: np.random.Generator) -> tuple[str, Take] | None:
        try:
            return other_take(scene, take, self.operations, rng)
        except RowError:
            return None

    def _item(self, sides: tuple[Side, Side], take: Take, number: int, rng: np.random.Generator) -> Item | None:
        one, other = sides
        assert other.fact is not None  # noqa: S101  # a counterfactual is edited
        facts = (one.fact, other.fact)
        kinds = [kind for kind in possible(facts) if kind in self.asked]
        if "measured" in self.asked and rng.random() < 1 / (1 + len(kinds)):
            item = measured_item(one.frames, other.frames, number, rng)
            if item is not None:
                return item
        shown = shown_by_nature(one.frames if one.fact is None else other.frames, take.mask) if "event" in kinds else ()
        free = [name for name in WORDS if name not in shown and take.fact.place in OPERATIONS[name].places]
        own = [each.name for each in self.operations if each.name in free]  # right elsewhere in the dataset
        for at in rng.permutation(len(kinds)):
            item = ask(kinds[int(at)], facts, own, number, rng)
            if item is not None:
                return item
        # What the recipe never does gives the right answer away: only where nothing else can be asked.
        return ask("event", facts, free, number, rng) if "event" in kinds else None

    def _window(self, unit: Mapping[str, Any]) -> Window:
        if isinstance(self._footage, Footage) and "clip" in unit:
            return self._footage.open(unit, self.longest)
        return read_window(self._media(unit[self.columns["video"]]), None, None, self.longest, most=self.window)

    def _track(self, unit: Mapping[str, Any], window: Window) -> Track | None:
        if "object" not in self.places:
            return None
        given = self._given_mask(unit)
        if given is not None:
            mask = given_mask(given, window.frames.shape, unit.get("start"), self.longest)
            return Track(mask, str(unit.get(self.columns["object"]) or "masked object"), 1.0)
        if self.detector is not None:
            return self.detector.track(window.frames)
        return moving_object(window.frames)

    def _given_mask(self, unit: Mapping[str, Any]) -> Path | bytes | None:
        if self._footage is not None and "clip" in unit:
            return beside(self._footage.root / unit["clip"])
        given = unit.get(self.columns["mask"])
        return None if given is None else self._media(given)

    def _media(self, value: Any) -> Path | bytes:
        """A clip or mask of a table: its bytes, or a path that must not lead out of the recipe's folder."""
        if isinstance(value, Mapping):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, bytes):
            return value
        if value is None:
            raise RowError("the clip is missing")
        return safe_path(self.folder, str(value))


def _side(take: Take, scene: Scene) -> Side:
    fact = take.fact
    frames, touched = rendered(take, scene.window.frames, scene.shot(fact.place, fact.where, (fact.start, fact.stop)))
    return Side(frames, fact, take.mask, touched)


def _union(one: Side, other: Side) -> Masks:
    assert other.touched is not None  # noqa: S101  # a counterfactual is edited
    return other.touched if one.touched is None else one.touched | other.touched


def _interval(given: Sequence[float] | None) -> tuple[float, float] | None:
    if given is None:
        return None
    if len(given) != 2 or not 0 <= given[0] < given[1]:
        raise RecipeError(
            f"generator.interval is {list(given)}",
            allowed="two times in seconds, 0 <= from < to",
            fix="interval: [0.2, 0.6]",
        )
    return float(given[0]), float(given[1])


def _detector(objects: str, given: Mapping[str, Any] | None, folder: Path) -> Detector | None:
    if (objects == "detector") != (given is not None):
        raise RecipeError(
            "generator.objects and generator.detector disagree",
            allowed="objects: detector with detector: {model, labels}, or neither",
            fix="write objects: detector and detector: {model: google/owlv2-base-patch16, labels: [a person]}",
        )
    if given is None:
        return None
    known = ("model", "labels", "threshold")
    for key in given:
        if key not in known:
            raise RecipeError(f"generator.detector: {key!r}{did_you_mean(key, known)}", allowed=", ".join(known))
    return Detector(
        str(given.get("model", "")), list(given.get("labels") or []), float(given.get("threshold", 0.1)), folder
    )
