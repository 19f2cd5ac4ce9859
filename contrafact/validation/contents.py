"""What a manifest says beyond counts, found again from the files: pairs that two splits share, and replies paid for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contrafact.overlap import overlap_of, write_contents
from contrafact.spending import per_accepted

__all__ = ["Contents", "Replies"]

_ROUNDING = 1e-9


class Contents:
    """Hashes of what the accepted pairs hold, a file each in a folder of the caller's.

    Parameters
    ----------
    folder : Path
        Empty; may be removed afterwards.
    splits : sequence of str
        In the recipe's order.
    """

    def __init__(self, folder: Path, splits: Sequence[str]) -> None:
        self.folder, self.splits = folder, list(splits)
        self.paths: list[Path] = []

    def add(self, pairs: pa.Table, part: str) -> None:
        """Take in the pairs of one file of one split."""
        if part not in self.splits:
            return
        self.paths.append(self.folder / str(len(self.paths)))
        place = np.full(pairs.num_rows, self.splits.index(part), dtype=np.int64)
        write_contents(self.paths[-1], pairs, place, len(self.splits))

    def problems(self, manifest: Mapping[str, Any]) -> Iterator[str]:
        """One line where the manifest's ``overlap`` is not that of the files."""
        found, said = overlap_of(self.paths, self.splits), manifest.get("overlap")
        if found != said:
            yield f"overlap: held-out pairs in the training split are {_shares(found)}, and the manifest says {said}"


class Replies:
    """The replies of language models that all pairs stand on, by ``provenance``."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.said = 0.0

    def add(self, pairs: pa.Table) -> None:
        """Take in the pairs of one file, accepted or not."""
        provenance = pairs["provenance"].combine_chunks()
        names = [each.name for each in provenance.type] if pa.types.is_struct(provenance.type) else []
        if not {"request_ids", "cost"} <= set(names):  # somebody's own hand: its hash was told of
            return
        self.keys.update(pc.unique(provenance.field("request_ids").flatten()).to_pylist())
        self.said += pc.sum(provenance.field("cost")).as_py() or 0.0

    def problems(self, manifest: Mapping[str, Any]) -> Iterator[str]:
        """One line for each number of the manifest's ``usage`` that the files tell otherwise."""
        usage = manifest.get("usage")
        paid = bool(self.keys) or self.said > 0
        if not isinstance(usage, dict):
            if paid:
                yield f"usage: pairs stand on {len(self.keys)} paid replies, and the manifest has no usage"
            return
        if not paid:
            yield "usage: the manifest has one, and no pair stands on a paid reply"
            return
        if usage.get("requests") != len(self.keys):
            yield f"usage: pairs stand on {len(self.keys)} replies, and the manifest says {usage.get('requests')}"
        cost, each = usage.get("cost"), usage.get("cost_per_accepted")
        if not self.keys and not _near(cost, self.said):
            yield f"usage: the pairs cost {self.said}, and the manifest says {cost}"
        wanted = per_accepted({"cost": cost}, manifest["accepted"])["cost_per_accepted"]
        if not _near(each, wanted):
            yield f"usage: that is {wanted} an accepted pair, and the manifest says {each}"

    def notes(self) -> Iterator[str]:
        """What of ``usage`` cannot be told from the files."""
        if self.keys:
            yield (
                "usage: its replies were counted again; their tokens and money are the reply cache's word, since pairs"
                " may share a reply"
            )


def _near(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return isinstance(one, int | float) and abs(one - other) <= _ROUNDING * max(abs(one), abs(other))


def _shares(found: Mapping[str, Any]) -> Any:
    return {name: each["in_train"] for name, each in found.get("held_out", {}).items()} or "none"
