from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from contrafact.errors import RecipeError
from contrafact.streams import Streams
from generators.scm.loading import Loaded
from generators.scm.operations import predict
from generators.scm.readers.fit import fit_scm
from generators.scm.readers.spec import scm_from_spec
from generators.scm.units import Drawn, Units, UnitSource
from tests.scm.clinic import SPEC, clinic

STREAMS = Streams(1, "units")
LATENT = scm_from_spec(
    {
        "variables": {
            "u": {"mechanism": "root", "noise": "normal", "observed": False},
            "x": {"mechanism": "linear", "weights": {"u": 1}, "noise": "normal"},
        }
    }
)


def same(one: Drawn, other: Drawn) -> None:
    for name in one.values:
        np.testing.assert_array_equal(one.values[name], other.values[name])
    for name in one.noise:
        np.testing.assert_array_equal(one.noise[name], other.noise[name])
    np.testing.assert_array_equal(one.domain, other.domain)


def part(drawn: Drawn, rows: slice) -> Drawn:
    values = {name: column[rows] for name, column in drawn.values.items()}
    noise = {name: column[rows] for name, column in drawn.noise.items()}
    return Drawn(values, noise, drawn.abducted, drawn.possible[rows], drawn.domain[rows], drawn.guessed)


@pytest.mark.parametrize("domains", [[], ["north"], ["base", "north", "south"]])
def test_a_unit_is_the_same_wherever_reading_starts(domains: list[str]) -> None:
    units = Units(Loaded(clinic()), domains, None, "known")
    whole = units.read(0, 500, STREAMS)
    for start, stop in ((0, 7), (7, 200), (499, 500), (123, 456)):
        same(part(whole, slice(start, stop)), units.read(start, stop, STREAMS))


def test_a_drawn_unit_knows_its_noise_and_is_exact() -> None:
    drawn = Units(Loaded(clinic()), [], None, "known").read(0, 200, STREAMS)
    assert (drawn.guessed, drawn.abducted) == (frozenset(), False)
    again = predict(clinic(), drawn.noise, 200)
    for name, column in again.items():
        np.testing.assert_array_equal(column, drawn.values[name])


def test_units_live_in_the_domains_they_are_given_each_as_often() -> None:
    drawn = Units(Loaded(clinic()), ["north", "south"], None, "known").read(0, 4000, STREAMS)
    assert set(drawn.domain) == {1, 2}
    assert abs((drawn.domain == 1).mean() - 0.5) < 0.04
    assert drawn.values["dose"][drawn.domain == 1].mean() == pytest.approx(1.5, abs=0.05)
    assert drawn.values["dose"][drawn.domain == 2].mean() == pytest.approx(0.5, abs=0.05)


def test_observed_units_infer_their_noise_and_are_the_same_units() -> None:
    known = Units(Loaded(clinic()), [], None, "known").read(0, 300, STREAMS)
    inferred = Units(Loaded(clinic()), [], None, "observed").read(0, 300, STREAMS)
    assert inferred.abducted
    assert {"arm"} <= inferred.guessed
    assert "dose" not in inferred.guessed
    assert inferred.possible.all()
    for name in known.values:
        np.testing.assert_array_equal(known.values[name], inferred.values[name])
    np.testing.assert_allclose(inferred.noise["dose"], known.noise["dose"], atol=1e-12)
    assert (inferred.noise["arm"] != known.noise["arm"]).any()
    again = predict(clinic(), inferred.noise, 300)
    for name in ("arm", "visits", "cured"):
        np.testing.assert_array_equal(again[name], known.values[name])


TABLE = pa.table({"x": np.arange(60) % 7 * 1.0, "y": np.arange(60) * 0.5})


def fitted() -> Loaded:
    found = fit_scm(TABLE, [("x", "y")])
    return Loaded(found.model, found.facts, table="mine")


def test_a_fitted_model_takes_the_rows_of_its_table_in_order() -> None:
    units = Units(fitted(), [], None, "known")
    assert units.count == 60
    drawn = units.read(10, 20, STREAMS)
    assert (drawn.abducted, drawn.guessed) == (True, frozenset())
    np.testing.assert_array_equal(drawn.values["y"], np.arange(10, 20) * 0.5)
    np.testing.assert_allclose(predict(units.model, drawn.noise, 10)["y"], drawn.values["y"], atol=1e-12)


def test_a_fitted_model_samples_when_told_to() -> None:
    units = Units(fitted(), [], "sampled", "known")
    assert units.count is None
    assert units.table_digest() is None
    assert not units.read(0, 5, STREAMS).abducted


def test_the_digest_is_that_of_the_rows() -> None:
    one = Units(fitted(), [], None, "known").table_digest()
    assert one == Units(fitted(), [], None, "known").table_digest()
    found = fit_scm(TABLE.set_column(1, "y", pa.array(np.arange(60) * 0.5 + 1)), [("x", "y")])
    assert Units(Loaded(found.model, found.facts), [], None, "known").table_digest() != one


@pytest.mark.parametrize(
    ("loaded", "domains", "facts", "abduction", "message"),
    [
        (Loaded(clinic()), [], "table", "known", r"facts: table, and the model was not fitted to one"),
        (Loaded(LATENT), [], None, "observed", r"noise cannot be inferred while u are latent"),
        (Loaded(clinic()), ["base", "north"], None, "observed", r"one environment at a time"),
    ],
)
def test_what_cannot_be_had_is_told_before_any_unit_is_read(
    loaded: Loaded, domains: list[str], facts: str | None, abduction: str, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        Units(loaded, domains, facts, abduction)


def test_notes_say_what_the_facts_are() -> None:
    assert "rows of mine" in Units(fitted(), [], None, "known").notes()[0]
    assert "inferred from the values alone" in Units(Loaded(clinic()), [], None, "observed").notes()[0]
    assert Units(Loaded(clinic()), [], None, "known").notes() == ()


def test_unit_ids_say_model_and_seed_and_number() -> None:
    source = UnitSource("clinic", [3, clinic().identity], None)
    ids = source.read(8, 11)["unit_id"].to_pylist()
    assert ids == [f"{source.prefix}{number:09d}" for number in (8, 9, 10)]
    assert ids[0].startswith("clinic-")
    other = scm_from_spec({**SPEC, "domains": {}})
    decides = ([3, clinic().identity], [4, clinic().identity], [3, other.identity])
    assert len({UnitSource("clinic", each, None).prefix for each in decides}) == 3
    assert source.rows() is None
    assert source.read(5, 5).num_rows == 0
