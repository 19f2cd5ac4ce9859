"""The generator ``scm_image``: counterfactual pictures from a causal model, with every change read off the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import PluginError, RecipeError, did_you_mean
from contrafact.plugins import find
from contrafact.record import PairShape, media_fields
from contrafact.stages import Context, Generator, Recomputed, Source
from generators.image.records import image_of
from generators.image.world import WORLDS
from generators.image.world.base import World
from generators.scm.generator import SCMGenerator

__all__ = ["SCMImageGenerator", "load_world"]

_PICTURES = ("image", "image_sha256", "measured")


class SCMImageGenerator(Generator):
    """Exact counterfactuals of a causal model, drawn.

    Every variable that the world can read off a picture is read off both, and a pair whose picture does not show what
    its record says (effectiveness) is rejected. A variable that cannot be seen in a picture is null there.

    Parameters
    ----------
    scm : str
        A world: ``pendulum``, ``strokes``, ``objects``, or ``package.module:WORLD``, an object of
        :class:`generators.image.world.base.World`.
    interventions, label, per_unit, abduction
        As of the generator ``scm``, over the world's variables.

    Raises
    ------
    RecipeError
        For an unknown world.
    """

    name: ClassVar[str] = "scm_image"
    label_source: str = "oracle"
    shard_rows: ClassVar[int] = 250
    citations: ClassVar[Sequence[str]] = (
        "CausalVAE (Pendulum), arXiv:2004.08697",
        "Morpho-MNIST, JMLR 20(178), 2019; DeepSCM, arXiv:2006.06485",
        "CausalDiffAE, arXiv:2404.17735",
        "Causal3DIdent, arXiv:2106.04619",
    )

    def __init__(
        self,
        scm: str,
        interventions: dict[str, Any] | list[dict[str, Any]],
        label: str | dict[str, Any],
        per_unit: Literal["all", "one"] = "all",
        abduction: Literal["known", "observed"] = "known",
        folder: Path | None = None,
    ) -> None:
        self.world = load_world(scm, folder)
        self.values = SCMGenerator(self.world.model, interventions, label, per_unit, None, abduction, None, folder)
        self.model, self.task = self.values.model, self.values.task

    def shape(self) -> PairShape:
        inner = self.values.shape()
        read = pa.field("measured", pa.struct([pa.field(name, pa.float64()) for name in self._measured]))
        return PairShape(
            [*inner.members, *media_fields("image", "image"), *([read] if self._measured else [])],
            inner.label,
            inner.hidden,
            inner.scores,
        )

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        table = self.values.generate(units, context).combine_chunks()
        reasons = _reasons(table)
        for side in ("factual", "counterfactual"):
            members, wrong = self._drawn(table[side].combine_chunks())
            table = table.set_column(table.schema.get_field_index(side), side, members)
            reasons = [given or ([why] if why else []) for given, why in zip(reasons, wrong, strict=True)]
        column = pa.array(reasons, pa.list_(pa.string()))
        if "reasons" in table.column_names:
            return table.set_column(table.schema.get_field_index("reasons"), "reasons", column)
        return table.append_column("reasons", column)

    def recompute(self, pairs: pa.Table) -> Recomputed:
        bare = pairs
        for side in ("factual", "counterfactual"):
            bare = bare.set_column(bare.schema.get_field_index(side), side, self._bare(pairs[side].combine_chunks()))
        again = self.values.recompute(bare)
        hashes = {side: self._hashes(bare[side].combine_chunks()) for side in ("factual", "counterfactual")}
        return Recomputed(
            {**again.counterfactual, "image_sha256": hashes["counterfactual"]},
            again.label,
            again.counterfactual_label,
            {**dict(again.factual or {}), "image_sha256": hashes["factual"]},
            again.exact,
            again.held_fixed,
        )

    def source(self, seed: int) -> Source:
        return self.values.source(seed)

    def identity(self) -> Any:
        return self.values.identity()

    def graph(self) -> Any:
        graph = self.values.graph()
        graph.add_edges_from((name, "image") for name in self.model.observed)
        graph.add_edges_from([("image", "image_sha256"), *([("image", "measured")] if self._measured else [])])
        return graph

    def supports(self) -> Mapping[str, Mapping[str, Any]]:
        return self.values.supports()

    def model_name(self) -> str:
        return self.values.model_name()

    def model_origin(self) -> str:
        return self.values.model_origin()

    def advice(self) -> Mapping[str, str]:
        return self.values.advice()

    def notes(self) -> Sequence[str]:
        read = ", ".join(self._measured) or "nothing"
        return (*self.values.notes(), f"read off every picture, and compared with the values it was drawn from: {read}")

    @property
    def _measured(self) -> list[str]:
        return [name for name in self.model.observed if name in self.world.measures]

    def _drawn(self, members: pa.StructArray) -> tuple[pa.StructArray, list[str]]:
        """Members with their pictures, and why a picture does not show what it should; an empty text where it does."""
        drawn: list[dict[str, Any] | None] = []
        reasons: list[str] = []
        for row in members.to_pylist():
            if row is None:
                drawn.append(None)
                reasons.append("")
                continue
            picture = self.world.render(row)
            seen = {name: self.world.measures[name](picture) for name in self._measured}
            drawn.append({**row, **image_of(picture), "measured": seen})
            reasons.append(self._wrong(row, seen))
        return pa.array(drawn, pa.struct(list(self.shape().members))), reasons

    def _wrong(self, row: Mapping[str, Any], seen: Mapping[str, float | None]) -> str:
        for name, reading in seen.items():
            if reading is not None and self.world.away(name, row[name], reading) > self.world.tolerance[name]:
                return f"{self.name}: the picture does not show the {name} that it was drawn with"
        return ""

    def _bare(self, members: pa.StructArray) -> pa.StructArray:
        fields = [each for each in members.type if each.name not in _PICTURES]
        return pa.StructArray.from_arrays([members.field(each.name) for each in fields], fields=fields)

    def _hashes(self, members: pa.StructArray) -> NDArray[Any]:
        return np.array([image_of(self.world.render(row))["image_sha256"] for row in members.to_pylist()], dtype=object)


def load_world(name: str, folder: Path | None = None) -> World:
    """A world by its name, or by ``module:object``.

    Raises
    ------
    RecipeError
        Where there is none of that name.
    PluginError
        Where the object is none.
    """
    if name not in WORLDS and ":" not in name:
        raise RecipeError(
            f"generator.scm: no world is called {name!r}{did_you_mean(name, WORLDS)}",
            allowed=f"{', '.join(WORLDS)}; package.module:WORLD",
        )
    found = find("scm", WORLDS.get(name, name), folder)
    if not isinstance(found, World):
        raise PluginError(f"{name!r} is no world", allowed="an object of generators.image.world.base:World")
    return found


def _reasons(table: pa.Table) -> list[list[str]]:
    if "reasons" not in table.column_names:
        return [[] for _ in range(table.num_rows)]
    return [list(each or []) for each in table["reasons"].to_pylist()]
