"""A model is a directed acyclic graph of named mechanisms, and says so when it is not."""

from __future__ import annotations

import pytest

from contrafact.errors import InterventionError, ModelError
from generators.scm.interventions import Action, Intervention, intervene
from generators.scm.mechanisms import Linear, Root
from generators.scm.model import SCM, Variable
from generators.scm.noise import Normal, Uniform
from generators.scm.support import Support


class Clinic(SCM):
    """age -> dose -> recovery, and age -> recovery."""

    recovery = Linear({"dose": 1.5, "age": -0.1})
    age = Root(Normal(50, 12))
    dose: Variable | Root = Variable("dose", Linear({"age": 0.02}), Support(lower=-10, upper=10))


def test_variables_are_kept_in_topological_order_whatever_the_order_given() -> None:
    assert Clinic().order == ("age", "dose", "recovery")
    assert SCM("m", Clinic().variables.values()).order == ("age", "dose", "recovery")


def test_a_subclass_inherits_mechanisms_and_may_replace_one() -> None:
    class Ward(Clinic):
        dose = Root(Uniform(0, 2))

    assert Ward().order == ("age", "dose", "recovery")
    assert Ward().variables["dose"].mechanism.parents == ()
    assert Clinic().variables["dose"].mechanism.parents == ("age",)


def test_a_class_attribute_gives_its_name_and_keeps_its_support() -> None:
    assert Clinic().variables["dose"].support.upper == 10
    assert Clinic().name == "clinic"


def test_a_cycle_is_refused_and_shown() -> None:
    with pytest.raises(ModelError, match=r"cycle: (a -> b -> a|b -> a -> b)"):
        SCM("loop", [Variable("a", Linear({"b": 1})), Variable("b", Linear({"a": 1}))])


def test_an_unknown_parent_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ModelError, match=r"unknown parent 'agee' \(did you mean 'age'\?\)"):
        SCM("m", [Variable("age", Root()), Variable("dose", Linear({"agee": 1}))])


def test_a_name_used_twice_is_refused() -> None:
    with pytest.raises(ModelError, match="named twice in 'm': a"):
        SCM("m", [Variable("a", Root()), Variable("a", Root())])


def test_a_model_without_variables_is_refused() -> None:
    with pytest.raises(ModelError, match="has no variables"):
        SCM("empty", [])


@pytest.mark.parametrize("name", ["two words", "1st", "a-b", ""])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="is no variable name"):
        Variable(name, Root())


def test_descendants_are_what_lies_downstream() -> None:
    assert Clinic().descendants(["age"]) == {"dose", "recovery"}
    assert Clinic().descendants(["dose"]) == {"recovery"}
    assert Clinic().descendants([]) == frozenset()


def test_latent_variables_are_told_from_observed_ones() -> None:
    model = SCM("m", [Variable("u", Root(), observed=False), Variable("x", Linear({"u": 1.0}))])
    assert (model.observed, model.latent) == (("x",), ("u",))


def test_identity_is_that_of_the_mechanisms_and_nothing_else() -> None:
    assert Clinic().identity == Clinic().identity
    changed = Clinic().with_mechanisms({"dose": Linear({"age": 0.021})})
    assert changed.identity != SCM("clinic", Clinic().variables.values()).identity


def test_a_domain_replaces_its_mechanisms_and_their_arrows() -> None:
    model = SCM("m", Clinic().variables.values(), {"north": {"dose": Root(Normal(2, 1))}})
    north = model.in_domain("north")
    assert north.variables["dose"].mechanism.parents == ()
    assert not north.graph.has_edge("age", "dose")
    assert model.graph.has_edge("age", "dose")


def test_an_unknown_domain_is_refused_with_the_known_ones() -> None:
    model = SCM("m", Clinic().variables.values(), {"north": {}})
    with pytest.raises(ModelError, match=r"no domain 'nort' in 'm' \(did you mean 'north'\?\)\n  allowed: base, north"):
        model.in_domain("nort")


def test_a_domain_that_changes_an_unknown_variable_is_refused() -> None:
    with pytest.raises(ModelError, match=r"domain 'north' changes 'doze'.*did you mean 'dose'"):
        SCM("m", Clinic().variables.values(), {"north": {"doze": Root()}})


def test_intervening_on_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InterventionError, match=r"no variable 'doze' in 'clinic' \(did you mean 'dose'\?\)"):
        intervene(Clinic(), Intervention((Action("doze", "do", 1.0),)))


def test_two_operations_on_one_variable_are_refused() -> None:
    twice = Intervention((Action("dose", "do", 1.0), Action("dose", "shift", 1.0)))
    with pytest.raises(InterventionError, match="two operations on 'dose'"):
        intervene(Clinic(), twice)


def test_do_cuts_the_arrows_into_the_variable_and_shift_keeps_them() -> None:
    done = intervene(Clinic(), Intervention((Action("dose", "do", 1.0),)))
    shifted = intervene(Clinic(), Intervention((Action("dose", "shift", 1.0),)))
    assert not done.graph.has_edge("age", "dose")
    assert shifted.graph.has_edge("age", "dose")
