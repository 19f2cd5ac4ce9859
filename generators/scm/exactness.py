"""Whether the noise of observed units is what its mechanisms claim: the only one that explains their values.

``Mechanism.abduct`` says so itself, and a wrong inverse or a function of two branches says so wrongly. Before a build
whose noise is inferred, each claim is tried on units whose noise is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ContrafactError, ModelError
from contrafact.streams import Streams
from generators.scm.conformance.trial import close, gap
from generators.scm.interventions import as_column
from generators.scm.mechanisms.base import Columns
from generators.scm.model import SCM
from generators.scm.operations import sample

__all__ = ["Uniqueness", "uniqueness_of"]

_UNITS = 4000
_PROBE = 2  # units on which a mechanism is asked what it claims: a posterior of many particles is not drawn for more


@dataclass(frozen=True)
class Uniqueness:
    """What abduction can tell of a model's noise.

    Attributes
    ----------
    guessed : frozenset of str
        Variables whose noise, once inferred, need not be that of the unit.
    notes : tuple of str
        A sentence for each that claims otherwise.
    """

    guessed: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def uniqueness_of(model: SCM, units: int = _UNITS) -> Uniqueness:
    """Try ``abduct(predict(noise)) == noise`` on sampled units, for every mechanism that claims it.

    The law is that of conformance (:mod:`generators.scm.conformance`), within a millionth of the noise's size. A
    mechanism that raises here is left to the build, where its rows become rejects.

    Raises
    ------
    ModelError
        For a mechanism whose recovered noise does not even give back the value.
    """
    streams = Streams(0, f"exactness:{model.identity}")
    try:
        with np.errstate(all="ignore"):
            facts, noise = sample(model, streams, 0, units)
    except ContrafactError:
        raise
    except Exception:  # noqa: BLE001  # an author's mechanism may raise anything
        return Uniqueness(frozenset(model.variables))
    guessed: set[str] = set()
    notes: list[str] = []
    for name in model.order:
        found = _tried(model, name, facts, noise[name], streams)
        if found is not None:
            guessed.add(name)
            notes += found
    return Uniqueness(frozenset(guessed), tuple(notes))


def _tried(model: SCM, name: str, facts: Columns, drawn: NDArray[Any], streams: Streams) -> Sequence[str] | None:
    """None where the noise of a variable is unique; else what there is to say, nothing for an honest posterior."""
    try:
        with np.errstate(all="ignore"):
            if not _abducted(model, name, facts, _PROBE, streams)[0]:
                return ()
            return _compared(model, name, facts, drawn, streams)
    except ContrafactError:
        raise
    except Exception:  # noqa: BLE001  # an author's mechanism may raise anything
        return ()


def _compared(model: SCM, name: str, facts: Columns, drawn: NDArray[Any], streams: Streams) -> Sequence[str] | None:
    variable, rows = model.variables[name], len(facts[name])
    exact, noise, possible = _abducted(model, name, facts, rows, streams)
    if not exact:
        return ()
    there = possible & variable.support.contains(facts[name])
    if not variable.mechanism.lanes or not there.any():
        return None
    parents = {parent: facts[parent] for parent in variable.mechanism.parents}
    again = as_column(variable.mechanism.predict(parents, noise), variable.support, rows)
    if not close(again[there], facts[name][there]).all():
        raise ModelError(
            f"{name}: the noise that its {variable.mechanism.kind} mechanism recovers does not give back the value: it"
            f" is {gap(again[there], facts[name][there])}",
            allowed="an abduct (an inverse) under which predict gives the observed value",
            fix=f"mend the inverse of {name}; contrafact validate-scm explains more",
        )
    if close(np.asarray(noise, dtype=drawn.dtype)[there], drawn[there]).all():
        return None
    said = f"{name}: its {variable.mechanism.kind} mechanism calls its noise unique, and other noise explains the same"
    return (f"{said} value; pairs that use it are not called exact.",)


def _abducted(
    model: SCM, name: str, facts: Columns, rows: int, streams: Streams
) -> tuple[bool, NDArray[Any], NDArray[Any]]:
    mechanism = model.variables[name].mechanism
    width = mechanism.auxiliary
    uniforms = streams.uniforms(f"abduct:{name}", 0, rows, width) if width else np.empty((rows, 0))
    answer = mechanism.abduct({each: facts[each][:rows] for each in mechanism.parents}, facts[name][:rows], uniforms)
    possible = np.ones(rows, dtype=bool) if answer.possible is None else np.asarray(answer.possible)
    return answer.exact, answer.noise, possible
