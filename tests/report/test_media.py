"""Pictures and clips on the page: stills within a budget, both sides of a pair or neither, and nothing from outside."""

from __future__ import annotations

import base64
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.engines.media import encode_lossless, encode_png, read_image
from contrafact.report.media import Pictures
from tests.report.datasets import MEDIA, png

GREY = np.full((40, 60, 3), 90, dtype=np.uint8)


def shown(folder: Path, *cells: dict[str, Any] | None, budget: int = 10**7) -> list[dict[str, Any] | None]:
    return Pictures(folder, budget).of({"one": pa.array(cells, MEDIA)})["one"]


def pixels(address: str) -> Any:
    return read_image(base64.b64decode(address.partition("base64,")[2]))


def test_a_picture_that_browsers_know_goes_in_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.png").write_bytes(png(GREY))
    inside, beside, none = shown(
        tmp_path, {"bytes": png(GREY), "path": None}, {"bytes": None, "path": "media/a.png"}, None
    )
    assert inside is not None
    assert beside is not None
    assert none is None
    assert inside["frames"] == beside["frames"]
    assert inside["frames"][0].startswith("data:image/png;base64,")
    assert (pixels(inside["frames"][0]) == GREY).all()


def test_a_clip_is_a_strip_from_its_first_frame_to_its_last(tmp_path: Path) -> None:
    frames = np.repeat(np.arange(20, dtype=np.uint8)[:, None, None, None] * 12, 3, axis=3)
    clip = encode_lossless(np.broadcast_to(frames, (20, 48, 64, 3)).copy(), Fraction(10))
    (made,) = shown(tmp_path, {"bytes": clip, "path": "clip.mkv"})
    assert made is not None
    levels = [int(pixels(each)[0, 0, 0]) for each in made["frames"]]
    assert len(levels) == 8
    assert (levels[0], levels[-1]) == (0, 19 * 12)
    assert levels == sorted(levels)


def test_objects_of_a_mask_have_bright_colours_of_their_own_beside_a_grey_fixture(tmp_path: Path) -> None:
    frame = np.zeros((48, 64, 3), dtype=np.uint8)
    for place, number in enumerate((1, 2, 3, 4, 5, 6, 255)):
        frame[:, 8 * place : 8 * place + 8] = number
    clip = encode_lossless(np.broadcast_to(frame, (4, 48, 64, 3)).copy(), Fraction(10))
    (made,) = shown(tmp_path, {"bytes": clip, "path": "masks.mkv"})
    assert made is not None
    seen = pixels(made["frames"][0])[0, 4::8].astype(int)
    assert (seen[6] == 128).all()
    assert (seen[7] == 0).all()
    objects = seen[:6]
    assert (objects.max(axis=1) == 255).all()
    apart = np.abs(objects[:, None] - objects[None]).max(axis=2)
    assert (apart + 255 * np.eye(6) > 60).all()


def test_a_mask_of_one_area_and_a_dark_clip_stay_as_they_are(tmp_path: Path) -> None:
    area, dark = np.zeros((2, 48, 64, 3), dtype=np.uint8), np.full((2, 48, 64, 3), 9, dtype=np.uint8)
    area[:, :20] = 255
    dark[..., 0] = 12
    for frames in (area, dark):
        (made,) = shown(tmp_path, {"bytes": encode_lossless(frames, Fraction(10)), "path": "clip.mkv"})
        assert made is not None
        assert np.abs(pixels(made["frames"][0]).astype(int) - frames[0]).max() <= 2


def test_a_large_picture_is_made_small_by_whole_squares(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    large = rng.integers(0, 256, (600, 900, 3), dtype=np.uint8)
    (made,) = shown(tmp_path, {"bytes": encode_png(large), "path": None})
    assert made is not None
    small = pixels(made["frames"][0])
    assert small.shape == (120, 180, 3)
    assert abs(float(small[3, 4, 1]) - float(large[15:20, 20:25, 1].mean())) <= 0.51


def test_what_leads_out_is_broken_or_missing_is_a_note_and_no_picture(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(GREY))
    folder = tmp_path / "run"
    folder.mkdir()
    for cell in (
        {"bytes": None, "path": "../secret.png"},
        {"bytes": None, "path": str(secret)},
        {"bytes": None, "path": "gone.png"},
        {"bytes": b"no picture at all", "path": "odd.bin"},
        {"bytes": b"", "path": None},
        {"bytes": None, "path": None},
    ):
        (made,) = shown(folder, cell)
        assert made is not None, cell
        assert made["frames"] == [], cell
        assert made["note"], cell


def test_a_budget_ends_between_pairs(tmp_path: Path) -> None:
    cells = pa.array([{"bytes": png(GREY), "path": f"{row}.png"} for row in range(6)], MEDIA)
    size = len(base64.b64encode(png(GREY)))
    found = Pictures(tmp_path, 5 * size).of({"factual": cells, "counterfactual": cells})
    counts = [
        (len(one["frames"]), len(other["frames"])) for one, other in zip(*found.values(), strict=True) if one and other
    ]
    assert counts == [(1, 1)] * 3 + [(0, 0)] * 3
    assert all("first ones only" in each["note"] for each in found["factual"][3:] if each)
