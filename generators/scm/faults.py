"""Rows of a world that are no oracle's answer: a variable has no value there, or one outside its support."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import ContrafactError, ModelError
from contrafact.streams import Streams
from generators.scm.mechanisms.base import Columns
from generators.scm.model import SCM
from generators.scm.operations import sample

__all__ = ["Faults", "check_values", "missing_cells"]

Masks = dict[str, NDArray[np.bool_]]
_UNITS = 1000


@dataclass
class Faults:
    """What is wrong with some units: the first thing of each, in the order in which things were added.

    Attributes
    ----------
    lost : ndarray of bool, shape (n,)
        Units that have no counterfactual.
    found : list of (ndarray of bool, str)
        Units and their reason; no unit is in two of them.
    """

    rows: int
    lost: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    found: list[tuple[NDArray[np.bool_], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lost = np.zeros(self.rows, dtype=bool)
        self._given = np.zeros(self.rows, dtype=bool)

    def add(self, mask: NDArray[np.bool_], reason: str, *, lost: bool = True) -> None:
        """Give a reason to the marked units that have none yet."""
        if not mask.any():
            return
        fresh = mask & ~self._given
        if lost:
            self.lost |= mask
        if fresh.any():
            self._given |= fresh
            self.found.append((fresh, reason))

    def add_world(self, model: SCM, world: Columns, cells: Mapping[str, NDArray[np.bool_]], where: str = "") -> None:
        """The variables of a world, in topological order so that the first one named is the root of the trouble.

        Parameters
        ----------
        world : mapping of name to ndarray, shape (n,)
            The variables to look at.
        cells : mapping of name to ndarray of bool
            Undefined cells, as :func:`missing_cells` finds them.
        where : str
            Put behind each reason: which world it was.
        """
        for name, column in world.items():
            if name in cells:
                self.add(cells[name], f"scm: {name} is undefined{where}")
            inside = model.variables[name].support.contains(column)
            if not inside.all():
                outside = ~inside & ~cells[name] if name in cells else ~inside
                self.add(outside, f"scm: {name} is outside its support{where}", lost=False)

    def reasons(self) -> pa.Array | None:
        """A list of reasons a unit, or None where there are none."""
        if not self.found:
            return None
        place = np.full(self.rows, -1, dtype=np.int64)
        for position, (mask, _) in enumerate(self.found):
            place[mask] = position
        given = place >= 0
        offsets = np.zeros(self.rows + 1, dtype=np.int32)
        np.cumsum(given, out=offsets[1:])
        texts = pa.array([reason for _, reason in self.found], pa.string()).take(pa.array(place[given]))
        return pa.ListArray.from_arrays(pa.array(offsets), texts)


def missing_cells(
    model: SCM, world: Columns, noise: Mapping[str, NDArray[Any]], computed: Collection[str] | None = None
) -> Masks:
    """Cells without a value: NaN, an infinity, the code of no level, a truth value of nan. Only columns that have any.

    Parameters
    ----------
    model : SCM
        Under the intervention whose world it is: its mechanisms are asked where the values cannot tell.
    computed : collection of str, optional
        Columns to look at; all unless given.
    """
    found: Masks = {}
    for name in world if computed is None else computed:
        variable = model.variables[name]
        defined = variable.support.defined(world[name])
        if variable.support.kind == "boolean":
            parents = {parent: world[parent] for parent in variable.mechanism.parents}
            told = variable.mechanism.defined(parents, noise[name])
            defined = defined if told is None else defined & told
        if not defined.all():
            found[name] = ~defined
    return found


def check_values(models: Sequence[SCM], units: int = _UNITS) -> None:
    """Raise ``ModelError`` where a variable of a model has no value in any of some sampled units.

    What contrafact itself refuses (a function that compares a parent with a level that it has not, say) is raised too;
    a mechanism that raises anything else is left to the build, where its rows become rejects.
    """
    for model in models:
        for name, mask in _sampled_cells(model, units).items():
            if mask.all():
                raise ModelError(
                    f"{name} has no value in any of {units:,} units of {model.name!r}: its"
                    f" {model.variables[name].mechanism.kind} mechanism gives nan, or no level",
                    allowed="a mechanism that is defined for the values of its parents",
                    fix=f"look for a division by zero, the logarithm of a negative number, or a table that {name}'s"
                    " parents do not fit",
                )


def _sampled_cells(model: SCM, units: int) -> Masks:
    try:
        with np.errstate(all="ignore"):
            facts, noise = sample(model, Streams(0, f"values:{model.identity}"), 0, units)
            return missing_cells(model, facts, noise)
    except ContrafactError:
        raise
    except Exception:  # noqa: BLE001  # an author's mechanism may raise anything
        return {}
