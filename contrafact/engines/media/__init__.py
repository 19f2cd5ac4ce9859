"""Clips and images: read within limits, written without loss.

``clips`` reads and writes video through PyAV, ``images`` stills through Pillow, ``faults`` says what is wrong with a
file in words. Whatever is checked again later is stored without loss (FFV1, PNG); H.264 and WebP are for people.
"""

from contrafact.engines.media.clips import Clip, ClipInfo, iter_frames, probe, read_clip, sample_frames
from contrafact.engines.media.encoding import encode_lossless, encode_preview
from contrafact.engines.media.faults import safe_path
from contrafact.engines.media.images import encode_png, read_image, read_mask
from contrafact.engines.media.limits import Limits

__all__ = [
    "Clip",
    "ClipInfo",
    "Limits",
    "encode_lossless",
    "encode_png",
    "encode_preview",
    "iter_frames",
    "probe",
    "read_clip",
    "read_image",
    "read_mask",
    "safe_path",
    "sample_frames",
]
