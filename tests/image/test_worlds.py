from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.engines.media import read_image
from contrafact.errors import PluginError, RecipeError
from contrafact.stages import Context
from contrafact.streams import Streams
from generators.image.scm_image import SCMImageGenerator, load_world
from generators.image.world import WORLDS
from generators.image.world.base import World

INTERVENTIONS: dict[str, list[dict[str, Any]]] = {
    "pendulum": [{"shift": {"angle": 0.25}}, {"do": {"light": 1.3}}, {"do": {"shadow_length": 7}}],
    "strokes": [{"shift": {"thickness": 1.0}}, {"do": {"digit": "another"}}, {"do": {"intensity": 220}}],
    "objects": [{"do": {"shape": "another"}}, {"shift": {"position": 0.3}}, {"do": {"light": -0.7}}],
}
LABELS: dict[str, Any] = {
    "pendulum": {"expression": "shadow_length > 4", "names": ["short", "long"]},
    "strokes": "digit",
    "objects": "shape",
}


def pairs_of(name: str, units: int = 8, **options: Any) -> tuple[SCMImageGenerator, list[dict[str, Any]]]:
    made = SCMImageGenerator(name, options.pop("interventions", INTERVENTIONS[name]), LABELS[name], **options)
    source = made.source(3)
    context = Context(Streams(3, "test"), "test", 3)
    return made, made.generate(source.read(0, units), context).to_pylist()


def picture(member: dict[str, Any]) -> np.ndarray:
    return read_image(member["image"]["bytes"])


@pytest.mark.parametrize("name", WORLDS)
def test_every_change_is_read_off_the_picture_again(name: str) -> None:
    made, pairs = pairs_of(name, 3)
    world = load_world(name)
    seen = 0
    for pair in pairs:
        assert pair["reasons"] == [], pair["reasons"]
        for side in ("factual", "counterfactual"):
            for variable, measure in world.measures.items():
                reading = measure(picture(pair[side]))
                assert reading == pair[side]["measured"][variable], "read off the stored picture"
                if reading is not None:
                    seen += 1
                    assert world.away(variable, pair[side][variable], reading) <= world.tolerance[variable]
    assert seen > len(pairs)
    assert [each for each in made.notes() if "read off every picture" in each]


@pytest.mark.parametrize("name", WORLDS)
def test_pictures_differ_where_a_variable_moved_and_are_made_again_from_the_record(name: str) -> None:
    made, pairs = pairs_of(name, 3)
    for pair in pairs:
        moved = [each for each in made.model.observed if pair["factual"][each] != pair["counterfactual"][each]]
        same = pair["factual"]["image_sha256"] == pair["counterfactual"]["image_sha256"]
        assert bool(moved) != same
    kept = [{key: value for key, value in pair.items() if key != "reasons"} for pair in pairs]
    again = made.recompute(pa.Table.from_pylist(kept))
    assert again.counterfactual["image_sha256"].tolist() == [pair["counterfactual"]["image_sha256"] for pair in pairs]
    assert again.factual is not None
    assert again.factual["image_sha256"].tolist() == [pair["factual"]["image_sha256"] for pair in pairs]
    assert again.counterfactual_label.to_pylist() == [pair["counterfactual_label"] for pair in pairs]


def test_a_shadow_that_is_set_by_hand_moves_nothing_but_the_shadow() -> None:
    _, pairs = pairs_of("pendulum", interventions=[{"do": {"shadow_length": 7}}])
    for pair in pairs:
        apart = (picture(pair["factual"]) != picture(pair["counterfactual"])).any(axis=-1)
        rows = np.flatnonzero(apart.any(axis=1))
        assert len(rows)
        assert rows.min() >= 86, "only the strip on the ground"
        assert pair["factual"]["angle"] == pair["counterfactual"]["angle"]


def test_the_angle_moves_the_shadow_and_the_light_stays() -> None:
    _, pairs = pairs_of("pendulum", interventions=[{"shift": {"angle": 0.25}}])
    assert all(pair["factual"]["light"] == pair["counterfactual"]["light"] for pair in pairs)
    assert all(pair["factual"]["shadow_position"] != pair["counterfactual"]["shadow_position"] for pair in pairs)


def test_thickness_makes_strokes_brighter_by_the_model_and_wider_by_the_distance_transform() -> None:
    _, pairs = pairs_of("strokes", interventions=[{"shift": {"thickness": 1.2}}])
    for pair in pairs:
        one, other = pair["factual"]["measured"], pair["counterfactual"]["measured"]
        assert other["thickness"] - one["thickness"] == pytest.approx(1.2, abs=0.35)
        assert other["intensity"] > one["intensity"]


@given(st.floats(0.9, 3.7), st.integers(0, 9), st.floats(-0.3, 0.3), st.floats(70, 250))
@settings(max_examples=40)
def test_thickness_is_read_within_its_tolerance(
    thickness: float, digit: int, slant: float, intensity: float
) -> None:  # fmt: skip
    world = load_world("strokes")
    values = {"digit": digit, "slant": slant, "thickness": thickness, "intensity": intensity}
    reading = world.measures["thickness"](world.render(values))
    assert reading is not None
    assert abs(reading - thickness) <= world.tolerance["thickness"]


def test_a_picture_that_does_not_show_its_values_is_a_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    world = load_world("pendulum")
    blind = World(
        world.model, lambda values: np.zeros((96, 96, 3), np.uint8), {"angle": lambda picture: 9.0}, {"angle": 0.1}
    )
    monkeypatch.setattr("generators.image.scm_image.load_world", lambda name, folder: blind)
    _, pairs = pairs_of("pendulum", 3)
    assert {reason for pair in pairs for reason in pair["reasons"]} == {
        "scm_image: the picture does not show the angle that it was drawn with"
    }


def test_an_unknown_world_is_told_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'pendulum'"):
        load_world("pendulm")
    with pytest.raises(PluginError, match="is no world"):
        load_world("generators.image.world.pendulum:Pendulum")


def test_a_world_of_ones_own_is_found_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "lamp.py").write_text(
        "import numpy as np\n"
        "from generators.image.world.base import World\n"
        "from generators.scm import SCM, Root, Uniform\n\n\n"
        "class Lamp(SCM):\n    light = Root(Uniform(0, 255))\n\n\n"
        "def render(values):\n    return np.full((8, 8, 3), int(values['light']), np.uint8)\n\n\n"
        "WORLD = World('lamp.py:Lamp', render, {'light': lambda picture: float(picture.mean())}, {'light': 1.0})\n"
    )
    made = SCMImageGenerator("lamp.py:WORLD", {"do": {"light": 9}}, {"expression": "light > 5"}, folder=tmp_path)
    pairs = made.generate(made.source(1).read(0, 3), Context(Streams(1, ""), "", 1)).to_pylist()
    assert [picture(pair["counterfactual"]).max() for pair in pairs] == [9, 9, 9]
    assert [pair["reasons"] for pair in pairs] == [[], [], []]
