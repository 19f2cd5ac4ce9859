"""Clips keep every bit, are read within limits, and awkward ones are mended or refused in words."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from contrafact.engines.media import (
    Limits,
    encode_lossless,
    encode_preview,
    iter_frames,
    probe,
    read_clip,
    safe_path,
    sample_frames,
)
from contrafact.errors import MediaError
from tests.media.conftest import write_clip, write_sound


def test_lossless_clips_come_back_bit_for_bit(noise: NDArray[np.uint8]) -> None:
    clip = read_clip(encode_lossless(noise, Fraction(12)))
    assert np.array_equal(clip.frames, noise)
    assert clip.rate == 12
    assert clip.notes == ()


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (47, 63)])
def test_odd_sizes_and_single_frames_are_lossless_too(noise: NDArray[np.uint8], size: tuple[int, int]) -> None:
    small = noise[:1, : size[0], : size[1]]
    assert np.array_equal(read_clip(encode_lossless(small, Fraction(30000, 1001))).frames, small)


def test_the_same_frames_give_the_same_bytes(noise: NDArray[np.uint8]) -> None:
    assert encode_lossless(noise, Fraction(12)) == encode_lossless(iter(noise), Fraction(12))
    for kind in ("h264", "webp"):
        assert encode_preview(noise, Fraction(12), kind) == encode_preview(noise, Fraction(12), kind)


def test_masks_and_depth_are_lossless(noise: NDArray[np.uint8]) -> None:
    for given, form in ((noise[..., 0], "gray"), (noise[..., 0].astype(np.uint16) * 257 - 3, "gray16le")):
        grey = np.ascontiguousarray(given)
        with av.open(io.BytesIO(encode_lossless(grey, Fraction(12))), mode="r") as file:
            again = np.stack([frame.to_ndarray(format=form) for frame in file.decode(video=0)])
        assert np.array_equal(again, grey)


def test_a_preview_of_odd_size_is_filled_up_to_an_even_one(noise: NDArray[np.uint8]) -> None:
    info = probe(encode_preview(noise[:, :47, :63], Fraction(12), "h264"))
    assert (info.height, info.width, info.frames) == (48, 64, 6)


def test_part_of_a_clip_is_that_part_of_the_whole(noise: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "one.mkv"
    path.write_bytes(encode_lossless(noise, Fraction(12)))
    assert np.array_equal(read_clip(path, start=2, stop=5).frames, noise[2:5])
    assert np.array_equal(np.stack(list(iter_frames(path, start=4))), noise[4:])


def test_samples_are_frames_of_the_clip_at_even_distances(noise: NDArray[np.uint8]) -> None:
    lossless = encode_lossless(noise, Fraction(12))
    assert np.array_equal(sample_frames(lossless, 3), noise[[0, 2, 5]])
    assert np.array_equal(sample_frames(lossless, 99), noise)
    assert np.array_equal(sample_frames(lossless, 1), noise[:1])
    preview = encode_preview(noise, Fraction(12), "h264")
    assert np.array_equal(sample_frames(preview, 3), read_clip(preview).frames[[0, 2, 5]])
    with pytest.raises(MediaError):
        sample_frames(lossless[: len(lossless) // 2], 3)


@pytest.mark.parametrize(("start", "stop"), [(3, 3), (5, 2), (0, 7), (-1, 2)])
def test_an_interval_outside_the_clip_is_refused(noise: NDArray[np.uint8], start: int, stop: int) -> None:
    with pytest.raises(MediaError, match="which has 6"):
        read_clip(encode_lossless(noise, Fraction(12)), start=start, stop=stop)


@pytest.mark.parametrize("container", ["matroska", "mp4", "avi"])
def test_a_clip_that_was_cut_off_is_told_from_a_whole_one(noise: NDArray[np.uint8], container: str) -> None:
    codec: dict[str, Any] = {"codec": "libx264", "pixels": "yuv420p"} if container == "mp4" else {}
    whole = write_clip(np.tile(noise, (5, 1, 1, 1)), container=container, **codec)
    assert probe(whole).frames == 30
    for share in (0.3, 0.6, 0.8):
        with pytest.raises(MediaError, match=r"cut off|can be read"):
            read_clip(whole[: int(len(whole) * share)])


def test_empty_unknown_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="empty"):
        probe(b"")
    with pytest.raises(MediaError, match="no clip that can be read"):
        probe(b"not a clip at all" * 50)
    with pytest.raises(MediaError, match=r"^gone\.mp4 is not there"):
        probe(tmp_path / "gone.mp4")


def test_sound_without_picture_is_refused() -> None:
    with pytest.raises(MediaError, match=r"has no video in it \(only audio\)"):
        read_clip(write_sound())


def test_a_variable_frame_rate_is_refused_or_resampled_as_asked(noise: NDArray[np.uint8]) -> None:
    clip = write_clip(noise, ticks=[0, 100, 200, 500, 600, 700])
    assert probe(clip).variable
    with pytest.raises(MediaError, match="variable frame rate"):
        read_clip(clip)
    again = read_clip(clip, variable="resample")
    assert again.notes == ("resampled to a constant frame rate",)
    # 700 ms at the average of 50/7 frames a second: instants 0, 140, 280, 420, 560 and 700 ms.
    assert np.array_equal(again.frames, noise[[0, 1, 2, 2, 3, 5]])
    assert np.array_equal(np.stack(list(iter_frames(clip, start=1, stop=4, variable="resample"))), noise[[1, 2, 2]])


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_rotated_clip_is_turned_upright(noise: NDArray[np.uint8], degrees: int) -> None:
    clip = write_clip(noise, codec="libx264rgb", pixels="rgb24", container="mp4", rotation=degrees)
    info = probe(clip)
    assert info.rotation == degrees
    assert (info.width, info.height) == ((48, 64) if degrees != 180 else (64, 48))
    upright = read_clip(clip)
    plain = read_clip(write_clip(noise, codec="libx264rgb", pixels="rgb24", container="mp4"))
    assert np.array_equal(upright.frames, np.rot90(plain.frames, degrees // 90, axes=(1, 2)))
    assert upright.notes == (f"turned upright by {degrees} degrees",)


def test_ten_bits_are_brought_to_eight_and_that_is_said(noise: NDArray[np.uint8]) -> None:
    clip = read_clip(write_clip(noise, pixels="yuv420p10le"))
    assert clip.frames.dtype == np.uint8
    assert clip.notes == ("brought from 10 bits a channel to 8",)


def test_what_is_over_a_limit_is_refused_before_it_is_decoded(noise: NDArray[np.uint8]) -> None:
    clip = encode_lossless(noise, Fraction(12))
    for limits, what in (
        (Limits(bytes=100), "bytes"),
        (Limits(pixels=1000), "is 64×48"),
        (Limits(frames=5), "more than 5 frames"),
        (Limits(decoded=1000), "bytes decoded"),
    ):
        with pytest.raises(MediaError, match=what) as caught:
            read_clip(clip, limits=limits)
        assert caught.value.allowed
        assert caught.value.fix


def test_4k_is_over_the_default_limit_and_full_hd_is_not() -> None:
    flat = np.zeros((1, 2160, 3840, 3), dtype=np.uint8)
    with pytest.raises(MediaError, match="is 3840×2160"):
        probe(encode_lossless(flat, Fraction(12)))
    assert probe(encode_lossless(flat[:, :1080, :1920], Fraction(12))).frames == 1


@pytest.mark.parametrize("name", ["../outside.mp4", "/etc/passwd", "a/../../b.mp4", "nul\0.mp4"])
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match="leads out of its folder"):
        safe_path(tmp_path, name)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    with pytest.raises(MediaError, match="leads out"):
        safe_path(tmp_path / "clips", "link.mp4")
    assert safe_path(tmp_path, "clips/one.mp4") == tmp_path.resolve() / "clips" / "one.mp4"


def test_frames_that_cannot_be_written_say_what_could(noise: NDArray[np.uint8]) -> None:
    for frames in (noise[:0], noise.astype(np.float32), noise[..., :2]):
        with pytest.raises(MediaError, match="cannot be written"):
            encode_lossless(frames, Fraction(12))
    with pytest.raises(MediaError, match="frame 1 is"):
        encode_lossless([noise[0], noise[1, :5]], Fraction(12))
