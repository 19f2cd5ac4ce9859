"""Stills: PNG keeps every bit, limits are compared with the header, and bombs never go off."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from contrafact.engines.media import Limits, encode_png, read_image, read_mask
from contrafact.errors import MediaError


def test_pictures_and_masks_come_back_bit_for_bit(noise: NDArray[np.uint8]) -> None:
    assert np.array_equal(read_image(encode_png(noise[0])), noise[0])
    assert np.array_equal(read_mask(encode_png(noise[0, ..., 0])), noise[0, ..., 0])
    black = noise[0, ..., 0] > 127
    assert np.array_equal(read_mask(encode_png(black)) > 0, black)
    deep = noise[0, ..., 0].astype(np.uint16) * 255
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(deep)))), deep)
    assert encode_png(noise[0]) == encode_png(noise[0].copy())


def test_a_one_bit_mask_takes_an_eighth_of_the_space() -> None:
    black = np.random.default_rng(0).random((256, 256)) > 0.5
    assert len(encode_png(black)) < 256 * 256 / 8 * 1.1


def test_a_decoder_bomb_is_stopped_by_its_header() -> None:
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(MediaError, match=r"60000×60000|can be read"):
        read_image(b"\x89PNG\r\n\x1a\n" + chunk + b"\0" * 64)
    with pytest.raises(MediaError, match="is 64×48"):
        read_image(encode_png(np.zeros((48, 64), np.uint8)), Limits(pixels=100))


def test_damaged_and_foreign_files_are_refused(noise: NDArray[np.uint8]) -> None:
    whole = encode_png(noise[0])
    for bad in (whole[: len(whole) // 2], whole[:10], b"text" * 30, b""):
        with pytest.raises(MediaError):
            read_image(bad)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(MediaError, match="is 64×48, and the picture is 32×24"):
        read_mask(encode_png(np.zeros((48, 64), bool)), (24, 32))
    with pytest.raises(MediaError, match="no mask"):
        read_mask(encode_png(np.zeros((4, 4, 3), np.uint8)))


def test_photographs_are_turned_upright_and_transparency_lies_on_white(noise: NDArray[np.uint8]) -> None:
    stored = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned by 90 degrees
    Image.fromarray(noise[0]).save(stored, "PNG", exif=exif)
    assert np.array_equal(read_image(stored.getvalue()), np.rot90(noise[0], -1))
    clear = io.BytesIO()
    Image.new("RGBA", (3, 2), (10, 20, 30, 0)).save(clear, "PNG")
    assert (read_image(clear.getvalue()) == 255).all()
