"""One evaluation: read, draw what each student is trained on, train, measure on held-out pairs, and compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact import __version__
from contrafact.engines import Engines
from contrafact.errors import MissingDependencyError, RecipeError, did_you_mean
from contrafact.evaluation.arms import Rows, draw_arms, unit_rows
from contrafact.evaluation.bootstrap import Tally, Weights, draw_weights, figure_of, measured
from contrafact.evaluation.elsewhere import Elsewhere, from_split, from_table
from contrafact.evaluation.grouping import LEAST, Grouping, grouping_of
from contrafact.evaluation.inputs import Inputs, choose_inputs
from contrafact.evaluation.measures import BETTER, UNJUDGED, HeldOut
from contrafact.evaluation.reading import Study, read_study
from contrafact.evaluation.shuffling import shuffled
from contrafact.evaluation.students import Tuning
from contrafact.evaluation.training import Ready, Tallies, tally_all
from contrafact.store.layout import RunDirectory, read_manifest
from contrafact.streams import Streams

__all__ = ["Settings", "evaluate"]

_LEVEL = 0.95
_DIGITS = 6
BASE, GAIN = "more facts", "pairs"
"""The arms whose difference is the gain."""


@dataclass(frozen=True)
class Settings:
    """How an evaluation is made.

    Attributes
    ----------
    student : str, optional
        One of :data:`contrafact.evaluation.inputs.STUDENTS`; by what a pair holds unless given.
    fields : tuple of str
        Members that the student sees.
    ood : tuple of str
        Splits of the dataset, or tables, of another distribution.
    ood_label : str
        Column of the label in such tables.
    group : str, optional
        Column of the worst-group measures.
    seeds : int
        How often training rows are drawn.
    draws : int
        Of the bootstrap.
    most : int
        Rows that are used at the most.
    null : bool
        Whether labels are shuffled within pairs first: then nothing can be learned, and nothing may be gained.
    base : str, optional
        Encoder to fine-tune, for the student ``encoder``.
    """

    student: str | None = None
    fields: tuple[str, ...] = ()
    ood: tuple[str, ...] = ()
    ood_label: str = "label"
    group: str | None = None
    seeds: int = 5
    draws: int = 2000
    most: int = 10_000
    seed: int = 0
    null: bool = False
    base: str | None = None

    def check(self) -> None:
        """Raise ``RecipeError`` for a value that cannot be used."""
        for name, least in (("seeds", 2), ("draws", 100), ("most", 100)):
            if getattr(self, name) < least:
                raise RecipeError(f"--{name} is {getattr(self, name)}", allowed=f"{least} or more")
        if self.student == "encoder" and self.base is None:
            raise RecipeError(
                "the student encoder needs an encoder to start from", fix="--base path/to/encoder, or a hub id"
            )
        if self.base is not None and self.student != "encoder":
            raise RecipeError("--base names an encoder, and the student is another", fix="--student encoder")


def evaluate(
    path: str | Path, settings: Settings | None = None, engines: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Evaluate a finished dataset. Writes nothing. The same dataset and settings give the same figures on a machine.

    Parameters
    ----------
    engines : mapping, optional
        ``{"embeddings": {...}}`` as a recipe has them; the embedded MiniLM unless given.

    Returns
    -------
    dict
        ``dataset``, ``settings``, ``student``, ``inputs``, ``rows`` (labelled rows of each arm), ``held_out``,
        ``measures`` (for each ``name``, ``judged``, ``better``, ``arms`` and ``gain``, these with ``value``, ``low``
        and ``high``), ``groups`` (accuracy of each, by arm) and ``notes``.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset, or a file of it was changed.
    RecipeError, DataError
        For a setting that cannot be used, or data that nothing can be learned from.
    """
    chosen = settings or Settings()
    chosen.check()
    splits = read_manifest(RunDirectory(Path(path)))["splits"]
    _check_elsewhere(chosen.ood, [name for name, count in splits.items() if count])
    study = read_study(path, chosen.most, [name for name in chosen.ood if splits.get(name)])
    inputs = choose_inputs(study, chosen.student, chosen.fields)
    grouping = grouping_of(study.pairs.filter(pa.array(study.held)).combine_chunks(), chosen.group)
    elsewhere = [
        from_split(study, name) if name in study.elsewhere else from_table(study, inputs, name, chosen.ood_label)
        for name in chosen.ood
    ]
    streams = Streams(chosen.seed, "evaluation")
    if chosen.null:
        study = shuffled(study, streams.generator("null"))
    with closing(Engines(engines or {})) as borrowed:
        ready = _prepared(study, inputs, grouping, elsewhere, borrowed, Tuning(chosen.base))
    arms = [draw_arms(study, streams.generator("arms", number)) for number in range(chosen.seeds)]
    tallies = tally_all(ready, arms)
    rng = streams.generator("bootstrap")
    return {
        "dataset": {
            "name": study.manifest["name"],
            "identity": study.manifest["identity"],
            "code_version": __version__,
        },
        "settings": asdict(chosen),
        "student": inputs.student,
        "inputs": {"fields": list(inputs.fields), "left_out": list(inputs.left_out)},
        "rows": {arm: round(float(np.mean([len(each[arm]) for each in arms])), 1) for arm in arms[0]},
        "held_out": {"pairs": int(ready.held.target.sum()), "groups": ready.held.size},
        "measures": list(_measures(tallies, chosen.draws, rng)),
        "groups": _groups(tallies, grouping),
        "notes": [*study.notes, *_notes(ready, arms, grouping)],
    }


def _check_elsewhere(named: Sequence[str], splits: Sequence[str]) -> None:
    for name in named:
        if name not in splits and not name.startswith("hf:") and not Path(name).expanduser().exists():
            raise RecipeError(
                f"--ood {name!r} is no split{did_you_mean(name, splits)}, and there is no such file",
                allowed=f"a split ({', '.join(splits)}), a file or folder, or hf:owner/name",
            )


def _prepared(
    study: Study,
    inputs: Inputs,
    grouping: Grouping,
    elsewhere: Sequence[Elsewhere],
    engines: Engines,
    tuning: Tuning,
) -> Ready:
    sides = [study.pairs[side].combine_chunks() for side in ("factual", "counterfactual")]
    try:
        one, other, *foreign = inputs.features([*sides, *(each.members for each in elsewhere)], engines)
    except MissingDependencyError as error:
        raise MissingDependencyError(error.what, fix=f"{error.fix}; or --student tokens, which needs none") from None
    rows = study.held
    _, groups = np.unique(study.groups[rows], return_inverse=True)
    first = np.zeros(len(rows), dtype=bool)
    first[unit_rows(study, study.targets & rows)] = True
    held = HeldOut(
        groups.astype(np.int64),
        int(groups.max()) + 1,
        first[rows],
        study.targets[rows],
        (study.labels[rows], study.counterfactual_labels[rows]),
        grouping[1],
    )
    return Ready(study, inputs, (one, other), held, elsewhere, foreign, tuning)


def _measures(tallies: Tallies, draws: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Every measure of every arm with its interval, and the gain of pairs over as many more facts."""
    drawn: dict[int, Weights] = {}
    for name in tallies[GAIN]:
        if not all(_whole(tallies[arm][name]) for arm in tallies):
            continue
        several = {arm: [each for each in tallies[arm][name] if each is not None] for arm in tallies}
        size = several[GAIN][0].sums.shape[1]
        # One draw for all measures of the same groups, so that their differences are of the same samples.
        weights = drawn.setdefault(size, draw_weights(size, len(several[GAIN]), draws, rng))
        found = {arm: measured(each, weights) for arm, each in several.items()}
        gain = found[GAIN][0] - found[BASE][0], found[GAIN][1] - found[BASE][1]
        yield {
            "name": name,
            "judged": name not in UNJUDGED,
            "better": "less" if BETTER.get(name.partition(":")[0], 1) < 0 else "more",
            "arms": {arm: _told(*each) for arm, each in found.items()},
            "gain": _told(*gain),
        }


def _told(value: float, drawn: Any) -> dict[str, float]:
    return {name: round(number, _DIGITS) for name, number in asdict(figure_of(value, drawn, _LEVEL)).items()}


def _whole(tallies: Sequence[Tally | None]) -> bool:
    return all(each is not None for each in tallies)


def _groups(tallies: Tallies, grouping: Grouping) -> list[dict[str, Any]]:
    """What each arm reaches in each of the groups, in order of the gain's arm."""
    name = next((each for each in tallies[GAIN] if each.startswith("worst-group")), None)
    if name is None or not all(_whole(each[name]) for each in tallies.values()):
        return []
    reached: dict[str, Any] = {}
    for arm, measures in tallies.items():
        several = [each for each in measures[name] if each is not None]
        reached[arm] = np.mean([each.sums.sum(axis=1) / each.counts.sum(axis=1) for each in several], axis=0)
    rows = next(each for each in tallies[GAIN][name] if each is not None).counts.sum(axis=1)
    order = np.argsort(reached[GAIN], kind="stable")
    return [
        {
            "group": grouping[0][place],
            "members": int(rows[place]),
            "arms": {arm: round(float(values[place]), _DIGITS) for arm, values in reached.items()},
        }
        for place in order
    ]


def _notes(ready: Ready, arms: Sequence[Mapping[str, Rows]], grouping: Grouping) -> Iterator[str]:
    if ready.inputs.left_out:
        yield f"not seen: {', '.join(ready.inputs.left_out)}, which the label is read from"
    if "controls" not in arms[0]:
        yield "no pair has a control: what an edit of the same size does that changes nothing was not tried"
    elif any(len(each["controls"]) < len(each["pairs"]) for each in arms):
        yield "fewer controls than pairs: the arm controls has fewer rows"
    if any(len(each["pairs"]) != len(each[BASE]) for each in arms):
        yield "units have several pairs, and facts did not suffice to match them"
    if len(np.unique(ready.study.labels)) > 1 and _alike(ready):
        yield "no label of a held-out pair moves: sensitivity has nothing to measure"
    if grouping[2]:
        yield f"groups with fewer than {LEAST} members are not compared: {', '.join(grouping[2][:5])}"
    if ready.inputs.student == "trees" and len(ready.inputs.fields) == 1:
        yield f"{ready.inputs.fields[0]} is all that the student sees"


def _alike(ready: Ready) -> bool:
    rows = ready.held.target
    return bool((ready.held.labels[0][rows] == ready.held.labels[1][rows]).all())
