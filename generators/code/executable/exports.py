"""Pairs as others train on them: prompt and response (SFT), or prompt and what a reward checks (RLVR).

``python -m generators.code.executable.exports outputs/NAME rlvr train > train.jsonl``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from contrafact.errors import RunDirectoryError

__all__ = ["Form", "export", "exported", "main"]

Form = Literal["sft", "rlvr"]
_FORMS = ("sft", "rlvr")
_COLUMNS = ["pair_id", "group_id", "counterfactual"]


def exported(pairs: Iterable[Mapping[str, Any]], form: Form) -> Iterator[dict[str, Any]]:
    """One row a pair.

    ``sft`` has ``prompt`` and ``response``, a line ``Answer: 7, 9``; ``rlvr`` has ``prompt`` and ``ground_truth``, a
    list of answers as JSON, which :func:`generators.code.executable.reward.reward` takes as its record. Both have
    ``pair_id``, ``group_id``, ``family`` and ``mode``.
    """
    for pair in pairs:
        asked = pair["counterfactual"]
        row = {"prompt": asked["question"]}
        if form == "sft":
            row["response"] = f"Answer: {', '.join(asked['answers'])}"
        else:
            row["ground_truth"] = f"[{', '.join(asked['answers'])}]"
        yield {
            **row,
            "pair_id": pair["pair_id"],
            "group_id": pair["group_id"],
            "family": asked["family"],
            "mode": asked["mode"],
        }


def export(directory: Path, form: Form, split: str) -> Iterator[dict[str, Any]]:
    """The accepted pairs of one split of a finished dataset, in order.

    Raises
    ------
    RunDirectoryError
        For an unknown form, or a folder without such a split.
    """
    import pyarrow.parquet as pq

    if form not in _FORMS:
        raise RunDirectoryError(f"the form {form!r} is none", allowed=", ".join(_FORMS))
    files = sorted((directory / "data").glob(f"{split}-*.parquet"))
    if not files:
        raise RunDirectoryError(f"{directory} has no pairs of a split {split!r}", fix="contrafact build it first")
    for path in files:
        yield from exported(pq.read_table(path, columns=_COLUMNS).to_pylist(), form)


def main(arguments: list[str]) -> int:
    """Write JSON lines to standard output; 2 for a mistake in the arguments."""
    if len(arguments) != 3:
        sys.stderr.write("usage: python -m generators.code.executable.exports FOLDER sft|rlvr SPLIT\n")
        return 2
    folder, form, split = arguments
    try:
        for row in export(Path(folder), form, split):  # type: ignore[arg-type]  # an unknown form is told of
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    except RunDirectoryError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
