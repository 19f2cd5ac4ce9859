"""Bayesian networks out of BIF: state order, table axes, and what a malformed file says."""

from __future__ import annotations

import functools
import gzip
import importlib.util
import itertools
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contrafact.errors import DataError, MissingDependencyError
from contrafact.streams import Streams
from generators.scm.mechanisms import Categorical, Discrete
from generators.scm.model import SCM
from generators.scm.operations import abduct, predict, sample
from generators.scm.readers.bif import list_bif, scm_from_bif

with_pgmpy = pytest.mark.skipif(importlib.util.find_spec("pgmpy") is None, reason="pgmpy is not installed")

ROWS = 200_000
SIGMAS = 5.0
SMALL = """network small {
}
variable Dog-Problem {
  type discrete [ 2 ] { yes, no };
}
variable "light on" {
  type discrete [ 3 ] { off, dim, on };
}
probability ( Dog-Problem ) {
  table 0.25, 0.75;
}
probability ( light on | Dog-Problem ) {
  (yes) 0.1, 0.2, 0.7;
  (no) 0.6, 0.3, 0.1;
}
"""

pytestmark = with_pgmpy


def _joint(model: SCM) -> NDArray[np.float64]:
    """Exact joint distribution by enumeration of the model's own tables, one axis a variable in the model's order."""
    sizes = [len(variable.support.levels) for variable in model.variables.values()]
    joint = np.ones(sizes)
    place = {name: axis for axis, name in enumerate(model.order)}
    for codes in itertools.product(*map(range, sizes)):
        for name, variable in model.variables.items():
            mechanism: Any = variable.mechanism
            cell = tuple(codes[place[parent]] for parent in mechanism.parents)
            joint[codes] *= mechanism.table.given[cell][codes[place[name]]]
    return joint


@functools.cache
def _elimination(network: str) -> Any:
    """Pgmpy's variable elimination on its own reading of a bundled file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgmpy
        from pgmpy.inference import VariableElimination
        from pgmpy.readwrite import BIFReader

        path = Path(pgmpy.__file__).parent / "utils" / "example_models" / f"{network}.bif.gz"
        return VariableElimination(BIFReader(string=gzip.decompress(path.read_bytes()).decode()).get_model())


def _pgmpy_marginal(network: str, names: list[str]) -> Mapping[tuple[str, ...], float]:
    """A marginal by variable elimination, keyed by state names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        factor = _elimination(network).query(names, show_progress=False)
    states = [factor.state_names[name] for name in factor.variables]
    order = [factor.variables.index(name) for name in names]
    table = np.transpose(factor.values, order)
    keys = itertools.product(*(states[axis] for axis in order))
    return dict(zip(keys, table.ravel().tolist(), strict=True))


def _assert_sampled(
    model: SCM, columns: Mapping[str, NDArray[Any]], names: list[str], wanted: Mapping[Any, float]
) -> None:
    levels = [model.variables[name].support.levels for name in names]
    for key, chance in wanted.items():
        codes = [each.index(text) for each, text in zip(levels, key, strict=True)]
        hits = np.all([columns[name] == code for name, code in zip(names, codes, strict=True)], axis=0)
        bound = SIGMAS * np.sqrt(max(chance * (1 - chance), 1e-9) / ROWS) + 1e-6
        assert abs(hits.mean() - chance) <= bound, (names, key)


def _levels(model: SCM) -> dict[str, tuple[str, ...]]:
    return {name: variable.support.levels for name, variable in model.variables.items()}


def test_the_bundled_networks_are_listed() -> None:
    assert {"asia", "alarm", "cancer", "earthquake", "sachs", "child", "insurance"} <= set(list_bif())


@pytest.mark.parametrize("noise", ["gumbel_max", "inverse_cdf"])
def test_asia_samples_the_joint_of_correlated_parents(noise: Any) -> None:
    #  asia ──► tub ──╮        bronc and either are both downstream of smoke by way of lung:
    #  smoke ─► lung ─┴► either ──► xray      multiplying their marginals would be wrong
    #    ╰────► bronc ────┴─► dysp
    model = scm_from_bif("asia", noise=noise)
    columns, _ = sample(model, Streams(11, model.identity), 0, ROWS)
    assert isinstance(model.variables["dysp"].mechanism, Categorical if noise == "gumbel_max" else Discrete)
    for name in model.order:
        _assert_sampled(model, columns, [name], _pgmpy_marginal("asia", [name]))
    for names in (["bronc", "either"], ["lung", "tub"], ["either", "bronc", "dysp"], ["smoke", "dysp", "xray"]):
        _assert_sampled(model, columns, names, _pgmpy_marginal("asia", names))


def test_the_parents_of_dysp_are_correlated_so_that_independence_would_show() -> None:
    joint = _pgmpy_marginal("asia", ["bronc", "either"])
    bronc, either = (sum(p for key, p in joint.items() if key[axis] == "yes") for axis in (0, 1))
    assert abs(joint["yes", "yes"] - bronc * either) > SIGMAS * np.sqrt(joint["yes", "yes"] / ROWS) * 2


def test_asia_agrees_with_enumeration_of_all_its_states() -> None:
    model = scm_from_bif("asia")
    joint = _joint(model)
    assert joint.sum() == pytest.approx(1)
    levels = _levels(model)
    for names in (["bronc", "either"], ["dysp", "xray", "lung"]):
        axes = [model.order.index(name) for name in names]
        rest = tuple(axis for axis in range(joint.ndim) if axis not in axes)
        ordered = sorted(axes)
        marginal = joint.sum(axis=rest).transpose([ordered.index(axis) for axis in axes])
        for key, chance in _pgmpy_marginal("asia", names).items():
            codes = tuple(levels[name].index(text) for name, text in zip(names, key, strict=True))
            assert marginal[codes] == pytest.approx(chance, abs=1e-9)


def test_alarm_samples_every_marginal_and_some_families() -> None:
    model = scm_from_bif("alarm")
    assert len(model.order) == 37
    columns, _ = sample(model, Streams(5, model.identity), 0, ROWS)
    for name in model.order:
        _assert_sampled(model, columns, [name], _pgmpy_marginal("alarm", [name]))
    for names in (["VENTLUNG", "INTUBATION", "MINVOL"], ["HR", "STROKEVOLUME"], ["CATECHOL", "ARTCO2", "TPR"]):
        _assert_sampled(model, columns, names, _pgmpy_marginal("alarm", names))


def test_a_counterfactual_of_the_fact_is_the_fact() -> None:
    model = scm_from_bif("sachs")
    facts, _ = sample(model, Streams(3, model.identity), 0, 2_000)
    posterior = abduct(model, facts, Streams(4, model.identity))
    again = predict(model, posterior.noise, 2_000)
    assert posterior.possible.all()
    assert all(np.array_equal(again[name], facts[name]) for name in model.order)


def test_names_that_are_no_identifiers_are_changed_and_kept_in_words(tmp_path: Path) -> None:
    (tmp_path / "small.bif").write_text(SMALL, encoding="utf-8")
    model = scm_from_bif(tmp_path / "small.bif")
    assert model.order == ("Dog_Problem", "light_on")
    assert model.variables["Dog_Problem"].description == "Dog-Problem in small.bif"
    assert model.variables["light_on"].support.levels == ("off", "dim", "on")
    table: Any = model.variables["light_on"].mechanism
    assert table.table.given.tolist() == [[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]]


def test_a_gzipped_file_reads_as_the_plain_one(tmp_path: Path) -> None:
    (tmp_path / "small.bif").write_text(SMALL, encoding="utf-8")
    (tmp_path / "small.bif.gz").write_bytes(gzip.compress(SMALL.encode()))
    assert scm_from_bif(tmp_path / "small.bif").identity == scm_from_bif(str(tmp_path / "small.bif.gz")).identity


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.25, 0.75", "0.25, 0.55", r"'Dog-Problem' are \[0.25, 0.55\], in all 0.8"),
        ("(yes) 0.1, 0.2, 0.7;", "(yes) 0.1, 0.2, 0.9;", r"given Dog-Problem = yes are \[0.1, 0.2, 0.9\]"),
        ("(no) 0.6, 0.3, 0.1;", "", "given Dog-Problem = no"),
        ("(no) 0.6", "(maybe) 0.6", "pgmpy's reader stopped"),
        ("(no) 0.6", "(no) some", "pgmpy's reader stopped|given Dog-Problem = no"),
        ("table 0.25, 0.75;", "table 0.25, 0.25, 0.5;", "pgmpy's reader stopped"),
        ("table 0.25, 0.75;", "table 1.25, -0.25;", r"\[1.25, -0.25\]"),
        ("[ 2 ]", "[ 3 ]", "declares 3 states and names 2"),
        ("{ yes, no }", "{ no, no }", "names one state twice"),
        ("| Dog-Problem )", "| Dog-Problm )", "stopped|not declared"),
        ("probability ( Dog-Problem ) {\n  table 0.25, 0.75;\n}\n", "", "no probabilities are given for Dog-Problem"),
        ("(no) 0.6, 0.3, 0.1;\n}\n", "(no) 0.6, 0.3", "is it cut short"),
        (SMALL, "a,b\n1,2\n", "no variable is declared"),
        (SMALL, "", "no variable is declared"),
    ],
)
def test_a_malformed_file_is_refused_with_the_reason(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in SMALL
    (tmp_path / "bad.bif").write_text(SMALL.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        scm_from_bif(tmp_path / "bad.bif")


def test_what_is_no_text_or_no_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.bif").write_bytes(SMALL.replace("small", "caf\xe9").encode("latin-1"))
    (tmp_path / "fake.bif.gz").write_bytes(b"not gzip")
    for name in ("latin.bif", "fake.bif.gz"):
        with pytest.raises(DataError, match="no usable BIF file"):
            scm_from_bif(tmp_path / name)


def test_an_unknown_network_or_noise_suggests_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 'alarm'"):
        scm_from_bif("alram")
    noise: Any = "gumbel"
    with pytest.raises(DataError, match="did you mean 'gumbel_max'"):
        scm_from_bif("asia", noise=noise)


def test_a_missing_pgmpy_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'contrafact\[bif\]'"):
        list_bif()
