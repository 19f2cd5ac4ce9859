"""One audit: read, measure, simulate, and say what could not be done."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact import __version__
from contrafact.audit.correction import CORRECTIONS, Correction
from contrafact.audit.effects import effects_of
from contrafact.audit.outcomes import Outcomes, asked_chances, outcomes_of, stored_chances, stored_outcomes
from contrafact.audit.placebo import aa_run, power_run
from contrafact.audit.reading import Audited, read_audited
from contrafact.audit.shortcuts import shortcuts_of
from contrafact.audit.unselected import SELECTED, scored_aliases, unselected
from contrafact.engines import Engines
from contrafact.errors import RecipeError, did_you_mean
from contrafact.streams import Streams

__all__ = ["Settings", "audit"]

_LEAST = 10
_WITHIN = 0.5
_SAME = 1e-4  # of probabilities

_Chances = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Settings:
    """How an audit is made.

    Attributes
    ----------
    alpha : float
        Level of every test; intervals hold 1 − alpha.
    correction : {'holm', 'bh'}
        Over all tests of a model, and over all shortcuts.
    draws : int
        Of each bootstrap.
    runs : int
        Of the A/A run, and of each planted effect.
    most : int
        Rows that are read at the most.
    """

    alpha: float = 0.05
    correction: Correction = "holm"
    seed: int = 0
    draws: int = 2000
    runs: int = 1000
    most: int = 20_000

    def check(self) -> None:
        """Raise ``RecipeError`` for a value that cannot be used."""
        if not 0 < self.alpha < 1:
            raise RecipeError(f"alpha is {self.alpha}", allowed="a level above 0 and below 1", fix="--alpha 0.05")
        if self.correction not in CORRECTIONS:
            near = did_you_mean(self.correction, CORRECTIONS)
            raise RecipeError(f"no correction is called {self.correction!r}{near}", allowed=", ".join(CORRECTIONS))
        for name, least in (("draws", 100), ("runs", 100), ("most", 100)):
            if getattr(self, name) < least:
                raise RecipeError(f"{name} is {getattr(self, name)}", allowed=f"{least} or more")


def audit(
    path: str | Path,
    settings: Settings | None = None,
    *,
    teacher: str | Mapping[str, Any] | None = None,
    fields: tuple[str, ...] = (),
    folder: Path | None = None,
    engines: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Audit a finished dataset. Writes nothing.

    Parameters
    ----------
    teacher : str or mapping, optional
        A model to ask (:mod:`contrafact.engines.teachers`). Unless given, the probabilities that the recipe's teacher
        filters stored are used, and no model is asked.
    fields : tuple of str
        Texts that the teacher reads; all by default.
    folder : Path, optional
        Where relative paths of the teacher start.
    engines : mapping, optional
        ``{"llm": {...}}`` for a teacher that borrows one, as a recipe has them. Those of the dataset's own recipe are
        never used: they may name any address, and any variable of the environment as its key.

    Returns
    -------
    dict
        ``dataset``, ``settings``, ``counts``, ``drops``, ``models`` (for each ``model``, ``pairs``, ``effects``, ``aa``
        and ``power``; of one that chose the pairs itself ``selected`` says so, and it has no test), ``shortcuts`` and
        ``notes``: what was not done, and why.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset, or a file of it was changed.
    RecipeError
        For a setting or a teacher that cannot be used.
    """
    chosen = settings or Settings()
    chosen.check()
    data = read_audited(path, chosen.most)
    notes: list[str] = []
    drops = dict(data.drops)
    if teacher is None:
        found = _stored(data, chosen.most, notes)
    else:
        with closing(Engines(engines or {})) as borrowed:
            found = _asked(data, teacher, fields, folder, borrowed, chosen.most, notes)
    models = [_model(each, chosen, drops, notes) for each in found]
    streams = Streams(chosen.seed, "audit")
    return {
        "dataset": {"name": data.manifest["name"], "identity": data.manifest["identity"], "code_version": __version__},
        "settings": asdict(chosen),
        "counts": _counts(data, drops),
        "drops": drops,
        "models": [each for each in models if each is not None],
        "shortcuts": shortcuts_of(data, streams, chosen.alpha, chosen.correction, chosen.draws),
        "notes": notes,
    }


def _counts(data: Audited, drops: dict[str, int]) -> dict[str, Any]:
    pairs, controls = data.controlled
    alone = len(data.targets) - len(np.unique(pairs))
    if len(controls) and alone:
        drops["pairs without a control"] = alone
    told: dict[str, Any] = {"pairs": len(data.targets), "controls": len(controls)}
    scores = data.pairs["scores"].combine_chunks()
    if len(controls) and scores.type.get_field_index("control_shortfall") >= 0:
        short = scores.field("control_shortfall").to_numpy(zero_copy_only=False)[controls]
        told["controls_within_half_a_point"] = int(np.count_nonzero(np.abs(short) <= _WITHIN))
        told["mean_shortfall"] = float(np.nanmean(short))
    return told


def _testable(data: Audited, rows: Audited, notes: list[str]) -> bool:
    if data.levels is None:
        notes.append("the labels are no classes: models that tell classes were not asked")
    elif not len(rows.controlled[1]):
        notes.append(
            "no pair has a control, so that nothing can be said of a model's reaction to the edits: an effect without a"
            " control is no evidence. Text generators make them with control: rules"
        )
    return data.levels is not None and len(rows.controlled[1]) > 0


def _stored(data: Audited, most: int, notes: list[str], only: str | None = None) -> list[Outcomes]:
    """What the probabilities say that teacher filters stored; of ``only`` one of them, where it is named."""
    aliases = scored_aliases(data)
    rows = unselected(data, aliases, most)
    if not _testable(data, rows or data, notes):
        return []
    if not aliases:
        notes.append(
            "no model's probabilities are stored with these pairs: name a model with --teacher, or build with a"
            " teacher filter"
        )
    wanted = [only] if only is not None else aliases
    if rows is None:
        return [replace(stored_outcomes(data, alias), selected=True) for alias in wanted]
    if rows is not data:
        notes.append(
            f"{', '.join(wanted)}: tested on the {len(rows.controlled[1]):,} pairs with a control before any model"
            f" chose among them, of which {len(data.controlled[1]):,} were accepted"
        )
    return [stored_outcomes(rows, alias) for alias in wanted]


def _asked(
    data: Audited,
    teacher: str | Mapping[str, Any],
    fields: tuple[str, ...],
    folder: Path | None,
    engines: Engines,
    most: int,
    notes: list[str],
) -> list[Outcomes]:
    """What a teacher that is named now says. One that chose these pairs itself is known by its answers."""
    if not _testable(data, data, notes):
        return []
    texts = fields or data.text_fields
    unknown = [name for name in texts if name not in data.text_fields]
    if unknown or not texts:
        raise RecipeError(
            f"{', '.join(unknown) or 'nothing'} is a text of these pairs", allowed=", ".join(data.text_fields) or "none"
        )
    name = teacher if isinstance(teacher, str) else next((str(each) for each in teacher.values()), "teacher")
    chances = asked_chances(data, engines.teacher(teacher, data.levels or (), texts, folder), texts)
    for alias in scored_aliases(data):
        if _agree(chances, stored_chances(data, alias)):
            notes.append(f"{name} answers as the teacher filter {alias} did: its stored probabilities are tested")
            return _stored(data, most, notes, only=alias)
    return [outcomes_of(data, name, *chances)]


def _agree(one: _Chances, other: _Chances) -> bool:
    """Whether two models gave the same answers wherever both did, but for what batches round."""
    ours, theirs = (np.vstack(each) for each in (one, other))
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    return bool(both.any()) and bool(np.allclose(ours[both], theirs[both], rtol=0, atol=_SAME))


def _model(data: Outcomes, settings: Settings, drops: dict[str, int], notes: list[str]) -> dict[str, Any] | None:
    if data.silent:
        drops[f"pairs about which {data.model} gave no answer"] = data.silent
    groups = int(data.groups.max()) + 1 if len(data) else 0
    if groups < _LEAST:
        notes.append(f"{data.model}: {groups} groups with a control are too few to test ({_LEAST} are needed)")
        return None
    streams = Streams(settings.seed, "audit")
    alpha, correction = settings.alpha, settings.correction
    effects = effects_of(data, streams, alpha, correction, settings.draws)
    told = {"model": data.model, "pairs": len(data), "groups": groups}
    if data.selected:
        notes.append(f"{data.model}: {SELECTED}. The rows that it rejected are not there any more, or were changed")
        untested = dict.fromkeys(("low", "high", "statistic", "p", "p_corrected", "significant"))
        return {**told, "selected": SELECTED, "effects": [each | untested for each in effects], "aa": None, "power": []}
    return {
        **told,
        "effects": effects,
        "aa": aa_run(data, streams, alpha, correction, settings.runs),
        "power": power_run(data, streams, alpha, settings.runs),
    }
