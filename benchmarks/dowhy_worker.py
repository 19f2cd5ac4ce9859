"""The DoWhy side, run by the interpreter of its own environment: ``python -m benchmarks.dowhy_worker``.

Reads one JSON request a line and answers with one JSON line::

    {"facts": "folder of .npy files", "mechanisms": "known"}            load the observed columns, make the model
    {"interventions": {"x2": ["do", 1.5]}, "save": "answer.npz"}        compute; save is optional

The model is DoWhy's own ``InvertibleStructuralCausalModel`` of ``AdditiveNoiseModel`` mechanisms. With mechanisms
``known``, their prediction models wrap the functions of :mod:`benchmarks.dag` and learn nothing, which is the least
that DoWhy can do for an equation; with ``linear`` or ``polynomial`` they are DoWhy's own regressors, and the answer to
the first request tells the coefficients, so that the other side can compute the same equations.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from dowhy import gcm
from dowhy.gcm.causal_models import PARENTS_DURING_FIT
from numpy.typing import NDArray

from benchmarks.dag import EQUATIONS, ORDER, ROOTS

__all__ = ["Known", "main", "model"]

FIT_ROWS = 20_000


class Known(gcm.ml.PredictionModel):  # type: ignore[misc]  # DoWhy is untyped, and absent where this is checked
    """A prediction model that is given, not learnt. ``place`` says in which column DoWhy hands over each parent."""

    def __init__(self, function: Callable[..., NDArray[Any]], place: tuple[int, ...]) -> None:
        self.function, self.place = function, place

    def fit(self, **columns: NDArray[Any]) -> None:
        """Nothing to learn."""

    def predict(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Shape (n, 1), as DoWhy subtracts it from a column of that shape."""
        return self.function(*[inputs[:, column] for column in self.place])[:, np.newaxis]

    def clone(self) -> Known:
        """Give the same function: there is no fitted state to leave behind."""
        return Known(self.function, self.place)


def model(mechanisms: str, facts: pd.DataFrame) -> Any:
    """DoWhy's invertible model over the table's graph, ready to answer.

    ``known`` has the table's own equations; ``linear`` and ``polynomial`` are fitted to the first rows of the facts.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(ORDER)
    graph.add_edges_from((parent, name) for name, equation in EQUATIONS.items() for parent in equation.parents)
    whole = gcm.InvertibleStructuralCausalModel(graph)
    for name in ROOTS:
        whole.set_causal_mechanism(name, gcm.EmpiricalDistribution())
        graph.nodes[name][PARENTS_DURING_FIT] = []
    for name, (parents, function, _) in EQUATIONS.items():
        # DoWhy orders the columns of a node's parents by name, whatever the order of the edges.
        place = tuple(sorted(parents).index(parent) for parent in parents)
        predictor = Known(function, place) if mechanisms == "known" else STOCK[mechanisms]()
        whole.set_causal_mechanism(name, gcm.AdditiveNoiseModel(predictor))
        graph.nodes[name][PARENTS_DURING_FIT] = sorted(parents)
    if mechanisms != "known":
        gcm.config.disable_progress_bars()
        gcm.fit(whole, facts[:FIT_ROWS])
    return whole


STOCK: dict[str, Callable[[], Any]] = {
    "linear": gcm.ml.create_linear_regressor,
    "polynomial": gcm.ml.create_polynom_regressor,
}


def _coefficients(whole: Any) -> dict[str, Any]:
    """Intercept, and a weight for each product of powers of the parents, of every fitted regression."""
    told: dict[str, Any] = {}
    for name, equation in EQUATIONS.items():
        fitted = whole.causal_mechanism(name).prediction_model.sklearn_model
        *before, regression = [step for _, step in getattr(fitted, "steps", [("", fitted)])]
        powers = before[0].powers_ if before else np.eye(len(equation.parents), dtype=int)
        told[name] = {
            "parents": sorted(equation.parents),
            "intercept": float(np.ravel(regression.intercept_)[0]),
            "weights": np.ravel(regression.coef_).tolist(),
            "powers": powers.tolist(),
        }
    return told


def main() -> None:
    """Serve requests until the input ends."""
    whole, facts = None, pd.DataFrame()
    for line in sys.stdin:
        request = json.loads(line)
        if "facts" in request:
            folder = Path(request["facts"])
            # Building the table is not timed: whoever uses DoWhy has one already.
            facts = pd.DataFrame({name: np.load(folder / f"{name}.npy") for name in ORDER})
            kind = request["mechanisms"]
            whole = model(kind, facts)
            print(json.dumps({"coefficients": {} if kind == "known" else _coefficients(whole)}), flush=True)
            continue
        changes = {name: _change(*action) for name, action in request["interventions"].items()}
        begin = time.perf_counter()
        answer = gcm.counterfactual_samples(whole, changes, observed_data=facts)
        seconds = time.perf_counter() - begin
        if "save" in request:
            np.savez(request["save"], **{name: answer[name].to_numpy() for name in ORDER})
        print(json.dumps({"seconds": seconds}), flush=True)


def _change(operation: str, value: float) -> Callable[[float], float]:
    kinds: dict[str, Callable[..., float]] = {"do": _do, "shift": _shift, "scale": _scale}
    return partial(kinds[operation], value)


def _do(value: float, _natural: float) -> float:
    return value


def _shift(value: float, natural: float) -> float:
    return natural + value


def _scale(value: float, natural: float) -> float:
    return natural * value


if __name__ == "__main__":
    main()
