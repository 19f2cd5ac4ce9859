"""Views of pairs, one file each: what a row of it is, and which datasets can give it."""

from __future__ import annotations

from collections.abc import Mapping

from contrafact.exports.views.base import Dataset, Options, View
from contrafact.exports.views.flat import Flat
from contrafact.exports.views.pairs import Pairs
from contrafact.exports.views.preference import Preference
from contrafact.exports.views.prompts import RLVR, SFT
from contrafact.exports.views.triplet import Triplet

__all__ = ["VIEWS", "Dataset", "Options", "View"]

VIEWS: Mapping[str, type[View]] = {
    "pairs": Pairs,
    "flat": Flat,
    "preference": Preference,
    "triplet": Triplet,
    "sft": SFT,
    "rlvr": RLVR,
}
"""The views by name."""
