from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.engines.media import encode_png, read_image
from contrafact.errors import DataError, RecipeError, RowError
from contrafact.pipeline import run_local
from contrafact.recipe import all_recipes, load_recipe, parse_recipe
from contrafact.stages import Context
from contrafact.streams import Streams
from contrafact.validation import validate
from generators.image.asking import ABSENT, Question, answer_of
from generators.image.base import PictureGenerator
from generators.image.codebook import learned
from generators.image.corruptions import CORRUPTIONS, SEVERITIES, corrupted, psnr
from generators.image.degrade import DegradeGenerator
from generators.image.evidence import EvidenceGenerator
from generators.image.interference import KINDS, InterferenceGenerator
from generators.image.legibility import legibility
from generators.image.masking import STYLES, elsewhere, masked
from generators.image.pictures import Drawn
from generators.image.quantized import QuantizedGenerator
from generators.image.recomputing import recomputed
from generators.image.records import UNKNOWN, mask_of
from generators.image.scenes import Scene, Thing, boxes_of_things, draw_scene, mask_of_things, paint

ROOT = Path(__file__).parent.parent.parent
SCENE = Scene(
    (Thing("star", "red", 40, 40, 18), Thing("ball", "blue", 110, 50, 18), Thing("box", "red", 70, 120, 18)),
    (206.0, 198.0, 186.0),
    5,
)


def made(generator: PictureGenerator, units: int = 12) -> list[dict[str, Any]]:
    source = generator.source(3)
    assert source is not None
    table = generator.generate(source.read(0, units), Context(Streams(3, "test"), "test", 3))
    return list(table.to_pylist())


def picture(member: dict[str, Any]) -> np.ndarray:
    return read_image(member["image"]["bytes"])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_answers_are_read_off_the_list_of_things() -> None:
    assert answer_of(Question("colour", "ball"), SCENE) == "blue"
    assert answer_of(Question("shape", "blue"), SCENE) == "ball"
    assert answer_of(Question("count", "red"), SCENE) == "2"
    assert answer_of(Question("colour", "ring"), SCENE) == ABSENT
    assert Question("count", "red").evidence(SCENE) == [0, 2]
    assert answer_of(Question("count", "red"), SCENE.without([0])) == "1"


def test_things_have_the_colours_that_they_are_said_to_have_and_do_not_touch() -> None:
    drawn = paint(SCENE)
    red, blue = drawn[40, 40].astype(int), drawn[50, 110].astype(int)
    assert red[0] > 2 * red[2]
    assert blue[2] > 1.5 * blue[0]
    for seed in range(20):
        scene = draw_scene(rng(seed))
        masks = [mask_of_things(scene, [at]) for at in range(len(scene.things))]
        assert 3 <= len(masks) <= 5
        assert np.sum(masks, axis=0).max() == 1


def test_evidence_is_covered_and_its_control_covers_none_of_it_with_the_same_area_and_style() -> None:
    pairs = made(EvidenceGenerator(), 10)
    masks = [pair for pair in pairs if pair["intervention"] and pair["intervention"][0]["operation"] == "mask"]
    by_id: dict[str, list[dict[str, Any]]] = {}
    for pair in masks:
        by_id.setdefault(pair["unit_id"], []).append(pair)
    assert len(by_id) >= 7
    for hidden, spared in by_id.values():
        evidence = mask_of(hidden["hidden"]["evidence"])
        covered, moved = mask_of(hidden["hidden"]["touched"]), mask_of(spared["hidden"]["touched"])
        assert not (evidence & ~covered).any()
        assert not (evidence & moved).any()
        assert moved.sum() == covered.sum()
        assert hidden["intervention"][0]["after"] == spared["intervention"][0]["after"]
        assert hidden["counterfactual_label"] == UNKNOWN != hidden["label"]
        assert spared["counterfactual_label"] == spared["label"] == hidden["label"]
        assert spared["control_of"] == f"{hidden['unit_id']}/0"


def test_removed_evidence_gives_another_answer_that_the_scene_has() -> None:
    pairs = [pair for pair in made(EvidenceGenerator(), 14) if pair["label_source"] == "oracle"]
    assert len(pairs) >= 8
    for pair in pairs:
        assert pair["counterfactual_label"] not in (UNKNOWN, pair["label"])
        assert pair["counterfactual_label"] in pair["counterfactual"]["options"]
        apart = (picture(pair["factual"]) != picture(pair["counterfactual"])).any(axis=-1)
        assert apart.any()
        assert not (apart & ~mask_of(pair["hidden"]["touched"])).any()
        if pair["factual"]["question"].startswith("How many"):
            assert int(pair["counterfactual_label"]) == int(pair["label"]) - 1


@pytest.mark.parametrize("style", STYLES)
def test_nothing_shows_through_a_mask(style: str) -> None:
    one, mask = paint(SCENE), boxes_of_things(SCENE, [0])
    other = one.copy()
    other[mask] = np.roll(one, 7, axis=0)[mask]
    hidden = masked(one, mask, style, 4)
    assert np.array_equal(hidden[~mask], one[~mask])
    if style in ("grey", "black", "noise"):
        assert np.array_equal(masked(other, mask, style, 4), hidden)
    apart = legibility(one, hidden, mask)
    assert apart < 0.35


def test_a_mask_is_moved_over_something_where_it_fits() -> None:
    evidence, other = boxes_of_things(SCENE, [0]), boxes_of_things(SCENE, [1])
    moved = elsewhere(evidence, [other], rng())
    assert moved.sum() == evidence.sum()
    assert (moved & other).sum() > 0.7 * other.sum()


def test_evidence_that_nothing_happened_to_is_legible_however_even_it_is() -> None:
    sky = np.full((96, 96, 3), (120, 160, 220), np.uint8)
    sky[60:] = rng().integers(0, 255, (36, 96, 3))
    other, region = sky.copy(), np.zeros((96, 96), dtype=bool)
    other[60:], region[5:40, 5:90] = 0, True
    assert legibility(sky, other, region) == 1.0
    asked = {"unit_id": "sky", "image": encode_png(sky), "question": "What colour is the sky?", "answer": "blue",
             "options": ["blue", "grey"], "boxes": [[5, 5, 90, 40]]}  # fmt: skip
    (pair,) = QuantizedGenerator(images="source", where=["background"]).make(asked, rng())
    assert pair["label"] == pair["counterfactual_label"] == "blue"
    for generator in (QuantizedGenerator(images="source"), DegradeGenerator(images="source")):
        with pytest.raises(RowError, match="so even"):
            list(generator.make(asked, rng()))


def test_the_answer_after_a_removal_is_computed_from_what_is_left() -> None:
    table = EvidenceGenerator().generate(Drawn().read(0, 8), Context(Streams(3, "test"), "test", 3))
    rows = [row for row in table.to_pylist() if row["label_source"] == "oracle" and row["factual"]]
    again = recomputed(pa.Table.from_pylist(rows))
    assert again.counterfactual_label.to_pylist() == [row["counterfactual_label"] for row in rows]
    assert again.counterfactual["image_sha256"].tolist() == [row["counterfactual"]["image_sha256"] for row in rows]
    for row in rows:  # the record says another answer, and shows the picture as it was
        row["counterfactual"] = {**row["factual"], "answer": UNKNOWN}
    false = recomputed(pa.Table.from_pylist(rows))
    assert UNKNOWN not in false.counterfactual_label.to_pylist()
    assert set(false.counterfactual["image_sha256"]) == {None}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_severities_rise(name: str) -> None:
    clean = paint(SCENE)
    noise = [psnr(clean, corrupted(clean, name, severity, rng(1))) for severity in SEVERITIES]
    assert all(one > other for one, other in pairwise(noise)), noise
    legible = [legibility(clean, corrupted(clean, name, each, rng(1)), boxes_of_things(SCENE, [0])) for each in (1, 5)]
    assert legible[0] > 0.9
    assert legible[1] < legible[0]
    assert np.array_equal(corrupted(clean, name, 3, rng(2)), corrupted(clean, name, 3, rng(2)))


def test_an_answer_whose_evidence_is_gone_becomes_unknown() -> None:
    pairs = made(DegradeGenerator(corruptions=["low_contrast", "darkness", "jpeg"], per_unit=6), 12)
    for pair in pairs:
        kept = pair["scores"]["legibility"] >= 0.5
        assert pair["counterfactual_label"] == (pair["label"] if kept else UNKNOWN)
    families = {each["intervention"][0]["where"].rpartition(", ")[2] for each in pairs}
    assert families == {"seen family", "unseen family"}
    assert {pair["counterfactual_label"] == UNKNOWN for pair in pairs} == {True, False}


@pytest.mark.parametrize(
    "generator",
    [
        DegradeGenerator(corruptions=["low_contrast", "darkness"], per_unit=6),
        QuantizedGenerator(),
        EvidenceGenerator(remove=False),
    ],
    ids=lambda each: each.name,
)
def test_an_answer_is_taken_again_from_the_evidence_in_both_pictures(generator: PictureGenerator) -> None:
    table = generator.generate(Drawn().read(0, 8), Context(Streams(3, "test"), "test", 3))
    rows = [row for row in table.to_pylist() if row["factual"]]
    again = generator.recompute(pa.Table.from_pylist(rows))
    assert again is not None
    told = [row["counterfactual_label"] for row in rows]
    assert again.counterfactual_label.to_pylist() == told
    assert set(told) > {UNKNOWN}
    false = [UNKNOWN if each != UNKNOWN else row["label"] for row, each in zip(rows, told, strict=True)]
    for row, each in zip(rows, false, strict=True):
        row["counterfactual"], row["counterfactual_label"] = {**row["counterfactual"], "answer": each}, each
    found = generator.recompute(pa.Table.from_pylist(rows))
    assert found is not None
    assert found.counterfactual_label.to_pylist() == told
    if "legibility" in rows[0]["scores"]:
        for row in rows:
            row["scores"]["legibility"] += 1e-6
        moved = generator.recompute(pa.Table.from_pylist(rows))
        assert moved is not None
        assert set(moved.counterfactual_label.to_pylist()) == {None}


def test_a_label_that_legibility_decides_is_a_judges() -> None:
    assert DegradeGenerator().label_source == "teacher"
    for pair in made(QuantizedGenerator(), 8):
        if pair["factual"]:
            where = pair["intervention"][0]["where"]
            assert pair["label_source"] == ("teacher" if where == "evidence" else "construction")


def test_patches_that_keep_their_place_keep_their_pixels() -> None:
    pairs = made(QuantizedGenerator(), 14)
    assert {pair["intervention"][0]["operation"] for pair in pairs if pair["intervention"]} == {"resample", "shuffle"}
    shares: dict[str, list[float]] = {}
    for pair in pairs:
        if not pair["intervention"]:
            continue
        apart = (picture(pair["factual"]) != picture(pair["counterfactual"])).any(axis=-1)
        touched, evidence = mask_of(pair["hidden"]["touched"]), mask_of(pair["hidden"]["evidence"])
        assert not (apart & ~touched).any()
        if pair["intervention"][0]["where"] == "background":
            assert not (touched & evidence).any()
            assert pair["label"] == pair["counterfactual_label"]
        shares.setdefault(pair["intervention"][0]["after"], []).append(pair["scores"]["edit_area"])
    assert max(shares["0.1"]) < max(shares["1"])


def test_a_codebook_is_the_pictures_own_and_names_each_patch_by_its_nearest_code() -> None:
    book = learned(paint(SCENE), 8, 16)
    assert book.codes.shape == (16, 8 * 8 * 3)
    assert book.indices.shape == (20, 20)
    assert np.array_equal(learned(paint(SCENE), 8, 16).codes, book.codes)
    flat = learned(np.full((16, 16, 3), 9, np.uint8), 8, 16)
    assert len(flat.codes) == 1


def test_what_matters_is_the_same_bytes_and_the_answer_stays() -> None:
    pairs = made(InterferenceGenerator(per_unit=6), 10)
    assert {pair["intervention"][0]["after"] for pair in pairs} == set(KINDS)
    for pair in pairs:
        one, other = pair["factual"], pair["counterfactual"]
        assert one["relevant_sha256"] == other["relevant_sha256"]
        assert pair["label"] == pair["counterfactual_label"] in one["options"]
        if one["relevant"] == "image":
            assert one["image_sha256"] == other["image_sha256"]
            assert one["context"] != other["context"]
            assert one["answer"] not in other["context"] or "right answer" not in other["context"]
        else:
            assert one["context"] == other["context"]
            assert one["image_sha256"] != other["image_sha256"]


@pytest.mark.parametrize("name", sorted(path.stem for path in all_recipes() if path.stem.startswith("image_")))
def test_a_recipe_builds_and_validates(name: str, tmp_path: Path) -> None:
    recipe, path = load_recipe(name, rows=3)
    manifest = run_local(recipe, path, tmp_path / name)
    assert manifest["accepted"] >= 3
    found = validate(tmp_path / name, path.parent)
    assert found.problems == []
    assert (found.kept if name == "image_interference" else found.recomputed) >= manifest["accepted"]


def test_images_of_a_table_are_masked_where_its_boxes_say(tmp_path: Path) -> None:
    data = encode_png(paint(SCENE))
    (tmp_path / "scene.png").write_bytes(data)
    question = {"question": "What colour is the ball?", "answer": "blue"}
    rows = [
        {"image": {"bytes": data, "path": None}, "boxes": [[85.0, 25, 135, 75]], **question},
        {"image": {"bytes": None, "path": "scene.png"}, "boxes": [[85.0, 25, 135, 75]], **question},
        {"image": {"bytes": None, "path": "../scene.png"}, "boxes": [[85.0, 25, 135, 75]], **question},
        {"image": {"bytes": data, "path": None}, "boxes": [[85.0, 25, 535, 75]], **question},
        {"image": {"bytes": data[:200], "path": None}, "boxes": [[85.0, 25, 135, 75]], **question},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "images.parquet")
    recipe = {"name": "table", "rows": 5, "source": "images.parquet", "splits": {"train": 1.0}}
    generator = {"use": "evidence", "images": "source"}
    run_local(parse_recipe({**recipe, "generator": generator}), tmp_path / "recipe.yaml", tmp_path / "out")
    assert validate(tmp_path / "out", tmp_path).problems == []
    accepted = pq.read_table(tmp_path / "out" / "data").to_pylist()
    assert [pair["counterfactual_label"] for pair in accepted] == ["unknown", "blue"] * 2
    reasons = [row["reasons"][0] for row in pq.read_table(tmp_path / "out" / "rejected").to_pylist()]
    assert "leads out of its folder" in reasons[0]
    assert "a box of evidence lies outside the image" in reasons[1]
    assert "is no" in reasons[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"use": "evidence", "styles": ["gray"]}, "generator.styles"),
        ({"use": "degrade", "corruptions": ["jpg"]}, "did you mean 'jpeg'"),
        ({"use": "degrade", "severities": [6]}, "1 to 5"),
        ({"use": "degrade", "floor": 2.0}, "0 to 1"),
        ({"use": "quantized", "share": [0.0]}, "shares above 0"),
        ({"use": "quantized", "patch": 1}, "2 or more"),
        ({"use": "interference", "kinds": ["noise"]}, "did you mean 'noise_image'"),
    ],
)
def test_a_wrong_option_is_told_before_any_work(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        run_local(parse_recipe({"name": "x", "rows": 2, "generator": options}), None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_table_without_questions_is_told_before_any_work(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [encode_png(paint(SCENE))], "qestion": ["?"]}), tmp_path / "images.parquet")
    data = {"name": "x", "rows": 1, "source": str(tmp_path / "images.parquet"),
            "generator": {"use": "degrade", "images": "source"}}  # fmt: skip
    with pytest.raises(DataError, match=r"no column .question.*did you mean .qestion"):
        run_local(parse_recipe(data), None, tmp_path / "out")
