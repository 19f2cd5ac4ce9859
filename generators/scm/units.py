"""Units of a causal model: drawn from it, or the rows of the table it was fitted to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.identity import identity_of
from contrafact.stages import Source
from contrafact.streams import Streams
from generators.scm.arrow import subset
from generators.scm.exactness import Uniqueness, uniqueness_of
from generators.scm.faults import check_values
from generators.scm.loading import Loaded
from generators.scm.mechanisms.base import Columns, Floats
from generators.scm.model import BASE, SCM
from generators.scm.operations import abduct, draw_noise, predict
from generators.scm.requests import unit_uniforms

__all__ = ["Drawn", "UnitSource", "Units"]


@dataclass(frozen=True)
class Drawn:
    """n units: their values and their noise.

    Attributes
    ----------
    abducted : bool
        Whether noise was inferred from values rather than known.
    guessed : frozenset of str
        Variables whose noise is neither the one the units were made with nor the only one that explains them.
    possible : ndarray of bool, shape (n,)
    ess : mapping of name to ndarray of float64, shape (n,)
        Effective sample sizes of the variables whose noise came from weighted samples.
    domain : ndarray of int64, shape (n,)
        Code of each unit's environment: 0 is the base, then the model's domains in order.
    """

    values: dict[str, NDArray[Any]]
    noise: dict[str, NDArray[Any]]
    abducted: bool
    possible: NDArray[np.bool_]
    domain: NDArray[np.int64]
    guessed: frozenset[str] = frozenset()
    ess: Mapping[str, Floats] = field(default_factory=dict)


class Units:
    """Where units come from, settled once from the recipe.

    Raises
    ------
    RecipeError
        Where what was asked for cannot be had: rows of a table that is not there, abduction with latent variables.
    """

    def __init__(self, loaded: Loaded, domains: Sequence[str], facts: str | None, abduction: str) -> None:
        self.loaded, self.model = loaded, loaded.model
        self.from_table = loaded.facts is not None if facts is None else facts == "table"
        self.observed_only = abduction == "observed" or self.from_table
        if self.from_table and loaded.facts is None:
            raise RecipeError(
                "facts: table, and the model was not fitted to one",
                allowed="facts: table for scm: {fit: ...}",
                fix="facts: sampled",
            )
        own = getattr(self.model, "completed", None)  # a variable may be called so, too
        self.completed: Callable[[Columns], Mapping[str, NDArray[Any]]] | None = own if callable(own) else None
        if self.observed_only and self.model.latent and self.completed is None:
            raise RecipeError(
                f"noise cannot be inferred while {', '.join(self.model.latent)} are latent",
                allowed="models without latent variables, or with a method completed(facts) that recovers them",
                fix="abduction: known",
            )
        everywhere = [BASE, *self.model.domains]
        self.codes = [everywhere.index(name) for name in domains] or [0]
        if self.observed_only and len(set(self.codes)) > 1:
            raise RecipeError(
                "abduction: observed works in one environment at a time",
                allowed="one domain, or abduction: known",
                fix="name one domain",
            )
        if self.from_table and self.codes != [0]:
            raise RecipeError(
                "the rows of a table live in the base environment",
                allowed="no domain, or domain: base",
                fix="remove domain, or facts: sampled",
            )
        self.uniqueness = uniqueness_of(self._in(self.codes[0])) if self.observed_only else Uniqueness()
        if not self.from_table:
            check_values([self._in(code) for code in dict.fromkeys(self.codes)])

    @property
    def count(self) -> int | None:
        """Rows of the table, or None for units without end."""
        if not self.from_table or self.loaded.facts is None:
            return None
        return len(next(iter(self.loaded.facts.values())))

    def read(self, start: int, stop: int, streams: Streams) -> Drawn:
        """Units ``start`` to ``stop``."""
        domain = self._domain(start, stop, streams)
        if self.from_table and self.loaded.facts is not None:
            values = {name: column[start:stop] for name, column in self.loaded.facts.items()}
            return self._abducted(values, domain, streams, start)
        noise = draw_noise(self.model, streams, start, stop)
        values = self._predicted(noise, domain)
        if self.observed_only:
            return self._abducted(self._seen(values), domain, streams, start)
        return Drawn(values, noise, False, np.ones(stop - start, dtype=bool), domain)

    def table_digest(self) -> str | None:
        """Hash of the table's rows, where units are its rows."""
        if not self.from_table or self.loaded.facts is None:
            return None
        digest = hashlib.sha256()
        for name, column in self.loaded.facts.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def notes(self) -> tuple[str, ...]:
        """What a reader should know of these units."""
        if self.from_table:
            table = self.loaded.table or "a table"
            said = f"Facts are the rows of {table}; their counterfactuals hold in the model that was fitted to it"
            return (f"{said}, and are as true of the world as that model is.", *self.uniqueness.notes)
        if self.observed_only:
            drawn = "Noise was inferred from the values alone; where it is not unique it is a draw from its posterior."
            return (drawn, *self.uniqueness.notes)
        return ()

    def _domain(self, start: int, stop: int, streams: Streams) -> NDArray[np.int64]:
        if len(self.codes) == 1:
            return np.full(stop - start, self.codes[0], dtype=np.int64)
        drawn = unit_uniforms(streams, "unit-domain", np.arange(start, stop)) * len(self.codes)
        return np.asarray(self.codes)[drawn.astype(np.int64)]

    def _predicted(self, noise: dict[str, NDArray[Any]], domain: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        rows = len(domain)
        if len(self.codes) == 1:
            return predict(self._in(self.codes[0]), noise, rows)
        values = {name: np.empty(rows, each.support.dtype) for name, each in self.model.variables.items()}
        for code in self.codes:
            here = np.flatnonzero(domain == code)
            for name, column in predict(self._in(code), subset(noise, here), len(here)).items():
                values[name][here] = column
        return values

    def _abducted(
        self, values: dict[str, NDArray[Any]], domain: NDArray[np.int64], streams: Streams, start: int
    ) -> Drawn:
        posterior = abduct(self._in(self.codes[0]), values, streams, start)
        noise = dict(posterior.noise)
        guessed = posterior.drawn | self.uniqueness.guessed
        return Drawn(values, noise, True, posterior.possible, domain, guessed, posterior.ess)

    def _seen(self, values: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """What an observer has: the observed columns, and of the latent ones what the model can tell from these."""
        if not self.model.latent or self.completed is None:
            return values
        return dict(self.completed({name: values[name] for name in self.model.observed}))

    def _in(self, code: int) -> SCM:
        return self.model.in_domain([BASE, *self.model.domains][code])


class UnitSource(Source):
    """Numbers the units of a model: ``<model>-<key>-<number>``.

    Parameters
    ----------
    name : str
        Of the model.
    decides : JSON-like value
        All that decides which noise and which facts a unit has; the key is its hash.
    count : int, optional
        None for units without end.
    """

    def __init__(self, name: str, decides: Any, count: int | None) -> None:
        self.prefix = f"{name}-{identity_of(decides, length=6)}-"
        self.count = count

    def rows(self) -> int | None:
        return self.count

    def read(self, start: int, stop: int) -> pa.Table:
        numbers = pc.cast(pa.array(np.arange(start, stop)), pa.string())
        padded = pc.utf8_lpad(numbers, 9, "0")
        return pa.table({"unit_id": pc.binary_join_element_wise(pa.scalar(self.prefix), padded, "")})
