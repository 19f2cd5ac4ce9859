"""What a user may get wrong in a setting, and what they are told, before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from contrafact.errors import ModelError, RecipeError
from generators.text.pieces import Piece, filled, parse
from generators.text.structural.generator import StructuralGenerator
from tests.text.structurals import FEW, few, pairs

DO = {"do": {"rain": "another"}}
RAIN = FEW["concepts"]["rain"]


def rain(**changes: Any) -> dict[str, Any]:
    return {"rain": {**RAIN, **changes}, "degrees": FEW["concepts"]["degrees"]}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("diseases", "did you mean 'disease'"),
        (few(style={}), "no key 'style'.*did you mean 'styles'"),
        (few(concepts=None), "concepts is None"),
        (few(label=None), "no label"),
        (few(scm=None), "no scm"),
        (few(styles={"plain": {"templates": ["[rain]"]}}), "does not tell 'degrees'"),
        (few(styles={"plain": {"templates": ["[rain] [degrees] [walk]"]}}), "tells 'walk', which is no concept"),
        (few(styles={"plain": {"templates": ["[rain] [degrees] {whom}"]}}), r"slot \{whom\}.*did you mean 'who'"),
        (few(styles={"plain": {"templates": ["[rain [degrees]"]}}), "stands alone"),
        (few(styles={"plain": {"templates": ["{who [rain] [degrees]"]}}), "stands alone"),
        (few(styles={"plain": {"templates": []}}), "a list of texts"),
        (few(styles={"plain": {"texts": ["[rain]"]}}), "styles.plain is"),
        (few(personas=[{"who": "Ada"}, {"whom": "Bo"}]), "differ in who, whom"),
        (few(personas=[]), "personas is"),
        (few(details={"day": []}), "details.day is"),
        (few(concepts={"snow": RAIN}), "'snow' is no observed variable"),
        (few(concepts=rain(read={"true": ["rains"], "false": ["dry", "no rain"]})), "'It is wet.' says that"),
        (few(concepts=rain(read={"true": ["(rains"], "false": ["dry"]})), "no regular expression"),
        (few(concepts=rain(read={"true": ["rains"]})), "a list of texts"),
        (few(concepts=rain(read={"true": ["rains"], "false": ["dry"], "maybe": ["x"]})), "no value 'maybe'"),
        (few(concepts=rain(wordings={"any": {"true": ["It rains."], "false": ["Dry.", "Not wet."]}})), "1 and 2"),
        (few(concepts=rain(wordings={"loud": RAIN["wordings"]["any"]})), "no wordings for the register 'any'"),
        (few(concepts={**rain(), "degrees": {"wordings": {"any": ["Warm."]}, "read": [r"(\d+)"]}}), "not tell the"),
        (few(concepts={**rain(), "degrees": {"wordings": {"any": ["{value}"]}, "read": [r"\d+"]}}), "has no group"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_refused(setting: Any, said: str) -> None:
    with pytest.raises(RecipeError, match=f"(?s){said}"):
        StructuralGenerator(setting, DO)


def test_a_setting_can_be_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "weather.yaml").write_text(yaml.safe_dump(FEW), encoding="utf-8")
    made = pairs("weather.yaml", DO, 5, folder=tmp_path)
    assert [pair["factual"]["text"] for pair in made] == [pair["factual"]["text"] for pair in pairs(FEW, DO, 5)]
    assert all(pair["unit_id"].startswith("weather-") for pair in made)
    (tmp_path / "list.yaml").write_text("- 1\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="is no setting"):
        StructuralGenerator("list.yaml", DO, folder=tmp_path)
    with pytest.raises(RecipeError, match="no setting is called"):
        StructuralGenerator("none.yaml", DO, folder=tmp_path)


def test_what_the_model_refuses_it_refuses_here_too() -> None:
    with pytest.raises(ModelError, match="snow"):
        StructuralGenerator(FEW, {"do": {"snow": "another"}})
    with pytest.raises(RecipeError, match="shots"):
        StructuralGenerator(FEW, DO, shots=0)


def test_a_text_is_the_name_of_no_variable() -> None:
    spec = few(scm={"variables": {**FEW["scm"]["variables"], "text": {"mechanism": "bernoulli", "probability": 0.5}}})
    with pytest.raises(RecipeError, match="'text'"):
        StructuralGenerator(spec, DO)


def test_pieces_are_filled_in_place() -> None:
    pieces = parse("{Who} says: [rain]!", "here")
    assert pieces == (
        Piece("slot", "Who"),
        Piece("literal", " says: "),
        Piece("concept", "rain"),
        Piece("literal", "!"),
    )
    assert filled(pieces, {"who": "ada"}, lambda name: name.upper()) == "Ada says: RAIN!"
    assert parse("[a] {b}", "here", concepts=False) == (Piece("literal", "[a] "), Piece("slot", "b"))
