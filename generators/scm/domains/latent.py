"""Invertible latent domain models, as matrices and as causal models, in plain and in canonical form.

::

    noise e ──► latent h = L_d e + b_d ──► z = leaky(R h + r) / scale ──► observed x = z G
                (one map a domain)         (shared by all domains)

Only the first map knows the domain. Whatever invertible map is moved from it into the shared part, every domain
counterfactual stays the same, which is what makes a canonical form possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError
from generators.scm.mechanisms import Deterministic, LocationScale
from generators.scm.mechanisms.base import Columns, Floats, Mechanism
from generators.scm.model import BASE, SCM, Variable
from generators.scm.noise import Noise, Normal

__all__ = ["ILD", "LatentDomains", "triangular_inverse"]

_SAME = 1e-9


def _not_given() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class LatentDomains:
    """Matrices of an invertible latent domain model with m variables and D domains.

    Parameters
    ----------
    L : ndarray of float64, shape (D, m, m)
        Lower triangular with a positive diagonal: ``h = L_d e + b_d``.
    b : ndarray of float64, shape (D, m)
    rotation, offset : ndarray of float64, shapes (m, m) and (m,)
        ``R`` and ``r``, shared by all domains; the identity and zero in a model that is not in canonical form.
    slope : float
        Of the leaky rectifier below zero; 1 for a linear model.
    scale : ndarray of float64, shape (m,)
    mixing : ndarray of float64, shape (m, m), or None
        ``G``; None where z itself is observed.
    noises : sequence of Noise
        One a latent variable; standard normal unless given.
    latents, observed : sequence of str
        Names of h and of x. Without ``mixing``, z is what is observed and takes the names of x.
    others : sequence of str
        Names of the domains after the first, which is always called ``base``.

    Raises
    ------
    ModelError
        For matrices of the wrong shape, a diagonal that is not positive, or a map that has no inverse.
    """

    L: Floats
    b: Floats
    rotation: Floats = field(default_factory=_not_given)
    offset: Floats = field(default_factory=_not_given)
    slope: float = 1.0
    scale: Floats = field(default_factory=_not_given)
    mixing: Floats | None = None
    noises: Sequence[Noise] = ()
    latents: Sequence[str] = ()
    observed: Sequence[str] = ()
    others: Sequence[str] = ()

    def __post_init__(self) -> None:
        count, m = np.shape(self.b) if np.ndim(self.b) == 2 else (0, 0)
        if not m or np.shape(self.L) != (count, m, m):
            raise ModelError(
                f"L of shape {np.shape(self.L)} and b of shape {np.shape(self.b)} are no set of affine maps",
                allowed="L of shape (D, m, m) and b of shape (D, m)",
            )
        defaults: dict[str, Any] = {
            "rotation": np.eye(m),
            "offset": np.zeros(m),
            "scale": np.ones(m),
        }
        names = {
            "latents": [f"h{i}" for i in range(m)],
            "observed": [f"x{i}" for i in range(m)],
            "others": [f"d{i}" for i in range(1, count)],
        }
        for attribute, value in defaults.items():
            if not getattr(self, attribute).size:
                object.__setattr__(self, attribute, value)
        for attribute, default in names.items():
            object.__setattr__(self, attribute, tuple(getattr(self, attribute) or default))
        if not self.noises:
            object.__setattr__(self, "noises", (Normal(),) * m)
        self._check()

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of all D domains, in the order of the matrices."""
        return (BASE, *self.others)

    @property
    def inverse(self) -> Floats:
        """``L_d^-1``, shape (D, m, m): the rows tell from which variables each noise is recovered."""
        return triangular_inverse(self.L)

    @property
    def intervened(self) -> tuple[int, ...]:
        """Latent variables whose own equation differs between domains."""
        inverse = self.inverse
        shift = np.einsum("dij,dj->di", inverse, self.b)
        rows = np.concatenate([inverse, shift[..., None]], axis=2)
        spread = np.abs(rows - rows[0]).max(axis=(0, 2))
        return tuple(int(i) for i in np.flatnonzero(spread > _SAME * (1 + np.abs(rows).max())))

    def canonical(self) -> LatentDomains:
        """The equivalent model whose intervened variables come last and whose other latent variables are their noise.

        Zhou et al. 2024, theorem on the existence of a canonical form. With the permutation P that moves the k
        intervened variables last, the new latent variables are the noise that the *first* domain would need,
        ``u = P L_0^-1 (h - b_0)``; then ``P L_d^-1 L_0 P^T`` is lower triangular with identity rows but for the
        last k, whatever the domain.
        """
        m = self.b.shape[1]
        last = self.intervened
        order = [*(i for i in range(m) if i not in last), *last]
        inverse = self.inverse
        rows = (inverse @ self.L[0])[:, order][:, :, order]
        shift = np.einsum("dij,dj->di", inverse, self.b - self.b[0])[:, order]
        # Exactly the identity, not up to rounding: these rows must not depend on the domain at all.
        rows[:, : m - len(last)], shift[:, : m - len(last)] = np.eye(m)[: m - len(last)], 0.0
        L = triangular_inverse(rows * np.tri(m))
        return replace(
            self,
            L=L,
            b=np.einsum("dij,dj->di", L, shift),
            rotation=(self.rotation @ self.L[0])[:, order],
            offset=self.rotation @ self.b[0] + self.offset,
            noises=tuple(self.noises[i] for i in order),
            latents=tuple(f"u{i}" for i in range(m)),
        )

    def _check(self) -> None:
        if (np.diagonal(self.L, axis1=1, axis2=2) <= 0).any() or np.abs(np.triu(self.L, 1)).any():
            raise ModelError("every L_d must be lower triangular with a positive diagonal", fix="order the variables")
        shared = [self.rotation] if self.mixing is None else [self.rotation, self.mixing]
        if self.slope <= 0 or any(abs(np.linalg.det(matrix)) < _SAME**2 for matrix in shared):
            raise ModelError(
                "the map from latent to observed variables has no inverse",
                allowed="a positive slope, and matrices of full rank",
            )


class ILD(SCM):
    """An invertible latent domain model as a causal model: latent h and z, observed x, one domain for each L_d.

    The model itself is the first domain, ``base``. ``matrices`` keeps what it was made of.
    """

    def __init__(self, name: str, matrices: LatentDomains) -> None:
        self.matrices = matrices
        mechanisms = [_latent_mechanisms(matrices, d) for d in range(len(matrices.domains))]
        variables = [Variable(each, mechanism, observed=False) for each, mechanism in mechanisms[0].items()]
        activations = _activations(matrices)
        for row, each in enumerate(activations):
            text = _leaky(_sum(matrices.latents, matrices.rotation[row], matrices.offset[row]), matrices, row)
            variables.append(Variable(each, Deterministic(text), observed=matrices.mixing is None))
        if matrices.mixing is not None:
            for column, each in enumerate(matrices.observed):
                variables.append(Variable(each, Deterministic(_sum(activations, matrices.mixing[:, column], 0.0))))
        moved = [matrices.latents[i] for i in matrices.intervened]
        domains = {
            domain: {each: mechanisms[d][each] for each in moved} for d, domain in enumerate(matrices.others, start=1)
        }
        super().__init__(name, variables, domains)

    def completed(self, facts: Columns) -> dict[str, NDArray[Any]]:
        """The facts with every latent column, recovered from the observed ones where it is missing."""
        if all(name in facts for name in self.order):
            return dict(facts)
        maps, names = self.matrices, _activations(self.matrices)
        missing = [name for name in maps.observed if name not in facts]
        if missing:
            raise ModelError(f"facts of {self.name!r} lack {', '.join(missing)}", allowed=", ".join(maps.observed))
        z: list[Floats] = [facts[name] for name in maps.observed]
        if maps.mixing is not None:
            z = _products(np.linalg.inv(maps.mixing.T), z)
        before = [column * scale for column, scale in zip(z, maps.scale, strict=True)]
        before = [np.where(column > 0, column, column / maps.slope) for column in before]
        shifted = [column - offset for column, offset in zip(before, maps.offset, strict=True)]
        h = _products(np.linalg.inv(maps.rotation), shifted)
        return {**dict(zip(maps.latents, h, strict=True)), **dict(zip(names, z, strict=True)), **facts}

    def likeliest_domain(self, facts: Columns) -> NDArray[np.str_]:
        """The domain under which each unit's density is highest, shape (n,): the best judge of effectiveness there is.

        Raises
        ------
        ModelError
            For noise that is not normal.
        """
        if not all(isinstance(noise, Normal) for noise in self.matrices.noises):
            raise ModelError(f"densities of {self.name!r} are known for normal noise alone", allowed="normal noise")
        h = [self.completed(facts)[name] for name in self.matrices.latents]
        scores = np.stack([self._log_density(h, d) for d in range(len(self.matrices.domains))])
        names: NDArray[np.str_] = np.asarray(self.matrices.domains)[scores.argmax(axis=0)]
        return names

    def _log_density(self, h: Sequence[Floats], domain: int) -> Floats:
        # The map from h to x is shared by all domains, so its Jacobian does not matter for comparing them.
        maps = self.matrices
        centred = [column - shift for column, shift in zip(h, maps.b[domain], strict=True)]
        total = np.full(len(h[0]), -np.log(np.diagonal(maps.L[domain])).sum())
        for noise, column in zip(maps.noises, _products(maps.inverse[domain], centred), strict=True):
            assert isinstance(noise, Normal)  # noqa: S101 - checked by the only caller
            total = total - 0.5 * ((column - noise.mean) / noise.std) ** 2
        return total


def triangular_inverse(matrices: Floats) -> Floats:
    """Inverses of lower triangular matrices, shape (D, m, m), by forward substitution: identity rows stay exact."""
    inverse = np.zeros_like(matrices)
    for row in range(matrices.shape[1]):
        inverse[:, row] = -np.einsum("di,dij->dj", matrices[:, row, :row], inverse[:, :row])
        inverse[:, row, row] += 1
        inverse[:, row] /= matrices[:, row, row, None]
    return inverse


def _activations(maps: LatentDomains) -> tuple[str, ...]:
    return tuple(maps.observed) if maps.mixing is None else tuple(f"z{i}" for i in range(len(maps.latents)))


def _latent_mechanisms(maps: LatentDomains, domain: int) -> dict[str, Mechanism]:
    inverse = maps.inverse[domain]
    shift = inverse @ maps.b[domain]
    made: dict[str, Mechanism] = {}
    for row, name in enumerate(maps.latents):
        own = inverse[row, row]
        location = _sum(maps.latents[:row], -inverse[row, :row] / own, shift[row] / own)
        made[name] = LocationScale(location, repr(float(1 / own)), maps.noises[row])
    return made


def _sum(names: Sequence[str], weights: Floats, constant: float) -> str:
    terms = [f"({float(weight)!r})*{name}" for name, weight in zip(names, weights, strict=True) if weight != 0]
    return " + ".join([repr(float(constant)), *terms] if constant or not terms else terms)


def _leaky(text: str, maps: LatentDomains, row: int) -> str:
    scale = repr(float(maps.scale[row]))
    if maps.slope == 1:
        return f"({text}) / {scale}"
    larger = "max" if maps.slope < 1 else "min"
    return f"{larger}({text}, {float(maps.slope)!r} * ({text})) / {scale}"


def _products(matrix: NDArray[Any], columns: Sequence[Floats]) -> list[Floats]:
    """Matrix times stacked columns, added up in a fixed order so that a row does not depend on its neighbours."""
    return [
        sum((weight * column for weight, column in zip(row, columns, strict=True)), np.zeros(len(columns[0])))
        for row in matrix
    ]
