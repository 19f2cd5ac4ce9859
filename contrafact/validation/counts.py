"""A manifest's numbers, counted again from the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contrafact.judging import Funnel
from contrafact.store.layout import REJECTED

__all__ = ["Recount"]


class Recount:
    """What the files of pairs hold, file by file."""

    def __init__(self) -> None:
        self.parts: Counter[str] = Counter()
        self.exact = 0
        self.sources: Counter[str] = Counter()
        self.why = Funnel()
        self.shards: dict[int, Counter[str]] = {}

    def add(self, pairs: pa.Table, part: str, shard: int) -> None:
        """Count one file: the pairs of one shard in one part."""
        self.parts[part] += pairs.num_rows
        self.shards.setdefault(shard, Counter())["rejected" if part == REJECTED else "accepted"] += pairs.num_rows
        if part == REJECTED:
            self.why.explain(pairs["reasons"].combine_chunks())
            return
        self.exact += int(np.count_nonzero(pairs["exact"].to_numpy()))
        self.sources.update(_tally(pairs["label_source"]))

    def problems(self, manifest: Mapping[str, Any]) -> Iterator[str]:
        """One line for each number of the manifest that is not that of the files."""
        if manifest["proposed"] != manifest["accepted"] + manifest["rejected"]:
            yield "the manifest's accepted and rejected pairs are not those proposed"
        for part, count in {**manifest["splits"], REJECTED: manifest["rejected"]}.items():
            if self.parts[part] != count:
                yield f"{part}: {self.parts[part]} pairs are there, and the manifest says {count}"
        if sum(manifest["splits"].values()) != manifest["accepted"]:
            yield f"the splits hold {sum(manifest['splits'].values())} pairs, and {manifest['accepted']} were accepted"
        if self.exact != manifest["exact"]:
            yield f"exact: {self.exact} accepted pairs are, and the manifest says {manifest['exact']}"
        counts = {"label_sources": self.sources, "reasons": self.why.reasons, "also": self.why.also}
        for name, found in counts.items():
            for key in sorted(found.keys() | manifest[name].keys()):
                there, said = found.get(key, 0), manifest[name].get(key, 0)
                if there != said:
                    yield f"{name}: {key!r} is there {there} times, and the manifest says {said}"
        yield from self._shard_problems(manifest["shards"])
        yield from _funnel_problems(manifest)

    def _shard_problems(self, listed: list[dict[str, int]]) -> Iterator[str]:
        told = {each["shard"]: each for each in listed}
        for shard in sorted(self.shards.keys() | told.keys()):
            found = self.shards.get(shard, Counter())
            said = told.get(shard, {})
            if any(found[key] != said.get(key, 0) for key in ("accepted", "rejected")):
                yield (
                    f"shard {shard}: {found['accepted']} accepted and {found['rejected']} rejected pairs are there, and"
                    f" the manifest says {said.get('accepted', 0)} and {said.get('rejected', 0)}"
                )


def _funnel_problems(manifest: Mapping[str, Any]) -> Iterator[str]:
    funnel = manifest["funnel"]
    rejected = sum(row["rejected"] for row in funnel)
    if rejected != manifest["rejected"]:
        yield f"the funnel's steps reject {rejected} pairs, and the manifest says {manifest['rejected']}"
    if funnel and funnel[0]["judged"] != manifest["proposed"]:
        yield f"the funnel begins with {funnel[0]['judged']} pairs, and {manifest['proposed']} were proposed"
    # Each reason begins with its step's name; a generator's may begin otherwise.
    for row in funnel[1:]:
        said = sum(count for text, count in manifest["reasons"].items() if text.startswith(f"{row['step']}: "))
        if said != row["rejected"]:
            yield f"the funnel's step {row['step']} rejects {row['rejected']} pairs, and its reasons are {said}"
    for row in funnel:
        if not 0 <= row["rejected"] <= row["judged"]:
            yield f"the funnel's step {row['step']} rejects {row['rejected']} pairs of {row['judged']}"


def _tally(values: pa.Array | pa.ChunkedArray) -> dict[str, int]:
    return {entry["values"].as_py(): entry["counts"].as_py() for entry in pc.value_counts(values)}
