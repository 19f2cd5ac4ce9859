from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.record import PairShape
from contrafact.stages import Judgement, PairFilter
from filters.clip_similarity import ClipSimilarity
from filters.placebo import Placebo
from filters.video_consistency import VideoConsistency
from filters.visual_change import VisualChange
from generators.video.edit.detecting import Detector
from tests.filters.pictures import SHAPE, Pictured, box, clip, pair, table
from tests.video.tiny import write_clip_model


def judged(made: PairFilter, rows: list[dict[str, Any]]) -> Judgement:
    made.bind(made.name, Pictured())
    return made.judge(table(rows))


def brighter(frames: NDArray[np.uint8], mask: NDArray[np.bool_], by: int = 40) -> NDArray[np.uint8]:
    return np.where(mask[..., None], frames + np.uint8(by), frames)


def redecided(made: PairFilter, rows: list[dict[str, Any]], judgement: Judgement) -> Judgement | None:
    stored = table(rows)
    scores = pa.StructArray.from_arrays(
        [pa.array(each) for each in judgement.scores.values()], names=list(judgement.scores)
    )
    return made.redecide(stored.set_column(stored.schema.get_field_index("scores"), "scores", scores))


def test_a_change_is_measured_inside_the_mask_and_outside_of_it() -> None:
    frames, mask = clip(), box()
    astray = brighter(frames, mask)
    astray[0, 0, 0, 1] ^= 1
    rows = [
        pair(frames, brighter(frames, mask), mask),
        pair(frames, astray, mask),
        pair(frames, brighter(frames, mask, 1), mask),
        pair(frames, frames[:4], mask),
        pair(frames, brighter(frames, mask), None),
        pair(clip(length=1), brighter(clip(length=1), box(1) | True), None, members=({}, {})),
    ]
    judgement = judged(VisualChange(min=2.0), rows[:5])
    assert judgement.passed.tolist() == [True, False, False, False, True]
    assert judgement.scores["visual_change_inside"][:3] == pytest.approx([40, 40, 1])
    assert judgement.scores["visual_change_outside"][:3].tolist() == [0, 1, 0]
    assert judgement.scores["visual_change_frames"][0] == 0.5
    assert judgement.scores["visual_change_inside"][4] == pytest.approx(40 * mask.mean())
    assert [str(each).removeprefix("visual_change: ") for each in judgement.reason] == [
        "",
        "pixels changed outside of what the edit claims",
        "the edit can hardly be seen",
        "the members are not equally large and long",
        "",
    ]
    images = VisualChange(field="image")
    assert judged(images, rows[5:]).scores["visual_change_inside"][0] == pytest.approx(40)


def test_thresholds_decide_again_from_stored_scores() -> None:
    frames, mask = clip(), box()
    rows = [pair(frames, brighter(frames, mask, by), mask) for by in (3, 30)]
    judgement = judged(VisualChange(), rows)
    stricter = VisualChange(min=10, max=100)
    stricter.bind("visual_change", Pictured())
    again = redecided(stricter, rows, judgement)
    assert again is not None
    assert again.passed.tolist() == [False, True]
    assert stricter.redecide(table(rows)) is None


def test_what_blinks_and_what_changes_its_colours_is_inconsistent() -> None:
    frames, mask = clip(), box()
    steady = brighter(frames, mask)
    blinking = np.where(mask[..., None] & (np.arange(8) % 2 == 0)[:, None, None, None], frames + np.uint8(60), frames)
    other = frames.copy()
    other[4:] = np.where(mask[4:, ..., None], frames[4:] // 4, frames[4:])
    rows = [pair(frames, each, mask) for each in (steady, blinking, other, frames[:2])]
    judgement = judged(VideoConsistency(min_identity=0.4), rows)
    assert judgement.passed.tolist() == [True, False, False, False]
    assert judgement.scores["video_consistency_flicker"][0] == 0
    assert judgement.scores["video_consistency_flicker"][1] == pytest.approx(120)
    assert judgement.scores["video_consistency_identity"][2] < 0.3
    assert "flickers" in judgement.reason[1]


def test_a_pair_counts_only_beside_a_control_of_its_size_that_keeps_its_label() -> None:
    frames, mask = clip(), box()
    small, large = brighter(frames, mask, 10), brighter(frames, mask, 40)
    rows = [
        pair(frames, large, mask, pair_id="a/0"),
        pair(frames, large, mask, pair_id="a/1", control_of="a/0", counterfactual_label=0),
        pair(frames, large, mask, pair_id="b/0"),
        pair(frames, small, mask, pair_id="b/1", control_of="b/0", counterfactual_label=0),
        pair(frames, large, mask, pair_id="c/0"),
        pair(frames, large, mask, pair_id="d/0"),
        pair(frames, large, mask, pair_id="d/1", control_of="d/0"),
    ]
    judgement = judged(Placebo(most=3), rows)
    assert judgement.passed.tolist() == [True, True, False, False, False, True, False]
    assert judgement.scores["placebo"][:4] == pytest.approx([1, 1, 0.25, 0.25])
    assert "there is no control" in judgement.reason[4]
    assert "the control's label moved" in judgement.reason[6]
    assert judged(Placebo(required=False), rows).passed[4]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    write_clip_model(folder)
    return folder


def test_pictures_and_texts_are_compared_in_the_space_of_an_image_text_model(model: Path) -> None:
    frames, mask = clip(size=(40, 40)), box(size=(40, 40))
    texts = {"caption": "a wall"}, {"caption": "a brighter wall"}
    rows = [
        pair(frames, brighter(frames, mask), mask, members=texts),
        pair(frames, frames, mask, members=(texts[0], texts[0])),
    ]
    judgement = judged(ClipSimilarity(model="model", folder=model), rows)
    assert judgement.passed.all()
    scores = judgement.scores
    assert list(scores) == ["clip_similarity", "clip_similarity_images", "clip_similarity_direction"]
    assert scores["clip_similarity_images"][1] == pytest.approx(1, abs=1e-5), "one picture is like itself"
    assert scores["clip_similarity_direction"][1] == 0, "what did not move went nowhere"
    assert -1 <= scores["clip_similarity_direction"][0] <= 1
    assert scores["clip_similarity_images"][0] < 1
    apart = ClipSimilarity(model="model", folder=model, min_images=1.0, min_direction=-0.5)
    apart.bind("clip_similarity", Pictured())
    again = redecided(apart, rows, judgement)
    assert again is not None
    assert again.passed[0] == (scores["clip_similarity_images"][0] >= 1.0)
    assert apart.identity() == ClipSimilarity(model=str(model / "model")).identity()


def cached(hub: Path, content: str) -> None:
    """A model of the hub as its client keeps it: another commit for another content."""
    repository, commit = hub / "models--me--model", hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()
    (repository / "snapshots" / commit).mkdir(parents=True)
    (repository / "snapshots" / commit / "config.json").write_text(content, encoding="utf-8")
    (repository / "snapshots" / commit / "model.safetensors").write_text(content, encoding="utf-8")
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(commit, encoding="utf-8")


@pytest.mark.parametrize(
    "identity",
    [lambda: ClipSimilarity(model="me/model").identity(), lambda: Detector("me/model", ["a cat"]).identity()],
)
def test_a_model_of_the_hub_is_known_by_its_content(
    identity: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(RecipeError, match="the hub did not give it"):
        identity()
    cached(tmp_path, "{}")
    first = identity()
    assert identity() == first
    cached(tmp_path, "other weights under the same name")
    assert identity() != first


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VisualChange(min=5, max=2), "no value is at least"),
        (lambda: VideoConsistency(max_flicker=-1), "can never be meant"),
        (lambda: Placebo(most=0.5), "1 or more"),
        (lambda: ClipSimilarity(model="x", min=2), "is no cosine"),
    ],
)
def test_a_bound_that_nothing_meets_is_told(make: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        make()


def test_pairs_without_pictures_or_without_such_a_field_are_told() -> None:
    texts = Pictured(PairShape([pa.field("text", pa.string())], SHAPE.label))
    with pytest.raises(RecipeError, match="neither clips nor images"):
        VisualChange().bind("visual_change", texts)
    with pytest.raises(RecipeError, match="did you mean 'video'"):
        VisualChange(field="vidio").bind("visual_change", Pictured())


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = ClipSimilarity(model=str(tmp_path))
    with pytest.raises(RecipeError, match="cannot be loaded"):
        judged(missing, [pair(clip(), clip(1), box(), members=({"caption": "a"}, {"caption": "b"}))])
