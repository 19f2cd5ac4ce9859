"""Simulated worlds: composition, effectiveness, reversibility, preservation, and the laws of motion."""

from __future__ import annotations

import numpy as np
import pytest

from generators.video.physics.causes import agreement, changed_objects, parting, reached
from generators.video.physics.checks import moved_variables, unsound
from generators.video.physics.events import EVENTS
from generators.video.physics.evidence import Contact, Evidence
from generators.video.physics.factors import LOOKS
from generators.video.physics.mjcf import compiled
from generators.video.physics.motion import drop_errors
from generators.video.physics.pairing import Subject
from generators.video.physics.simulate import simulate
from generators.video.physics.variables import descendants
from generators.video.physics.world import World
from tests.video.scenes import action, changes, subject


@pytest.mark.parametrize("event", list(EVENTS))
def test_the_null_intervention_gives_the_same_motion_bit_for_bit(event: str) -> None:
    made = subject(event)
    again = simulate(made.world(made.under(())))
    assert np.array_equal(made.run.states, again.states)
    assert made.run.contacts == again.contacts


@pytest.mark.parametrize("event", list(EVENTS))
def test_a_world_comes_back_from_its_text(event: str) -> None:
    world = subject(event).run.world
    assert World.read(world.text()) == world


@pytest.mark.parametrize("event", list(EVENTS))
def test_every_intervention_takes_hold_and_moves_only_what_follows(event: str) -> None:
    made = subject(event)
    variables = made.event.variables()
    for each, values, run in changes(event):
        assert unsound(variables, [each], (made.values, values), (made.run, run)) is None, each
        moved = moved_variables(made.values, values)
        assert each.variable in moved
        assert moved <= descendants(variables, [each.variable])


@pytest.mark.parametrize("event", list(EVENTS))
def test_do_and_undo_gives_the_factual_world(event: str) -> None:
    made = subject(event)
    for each, values, _ in changes(event):
        undone = made.under([type(each)(each.factor, each.variable, each.role, each.after, each.before)])
        assert values != made.values
        assert undone == made.values
        assert made.world(undone) == made.run.world


def test_a_category_brings_its_size_mass_and_friction_along() -> None:
    made = subject("collision")
    change = action(made, "category", 0.0, 0.9)
    moved = moved_variables(made.values, made.under([change]))
    assert {"a.category", "a.size", "a.mass", "a.friction"} <= moved
    assert not any(name.startswith("b.") for name in moved)


def test_looks_leave_every_bit_of_motion() -> None:
    made = subject("collision")
    for factor in sorted(LOOKS):
        change = action(made, factor)  # type: ignore[arg-type]
        run = simulate(made.world(made.under([change])))
        assert np.array_equal(run.states, made.run.states)
        assert run.world != made.run.world


def test_the_place_decides_how_long_a_fall_takes() -> None:
    # Height of the table is a function of the scene: falls from a higher one last longer, as √(2h/g) says.
    lasting = {}
    made = subject("fall")
    for place in ("lawn", "kitchen"):
        change = action(made, "scene")
        values = made.under([type(change)("scene", "scene", "", change.before, place)])
        assert values["table.height"] != made.values["table.height"] or place == made.values["scene"]
        lasting[place] = np.sqrt(2 * values["table.height"] / values["gravity"])
    assert lasting["kitchen"] > lasting["lawn"] + 1 / 24


@pytest.mark.parametrize("event", ["stacking", "containment"])
def test_a_dropped_object_lands_within_a_frame_of_the_law(event: str) -> None:
    seen = 0
    for number in range(3):
        missed = drop_errors(subject(event, number).run)
        seen += len(missed)
        assert all(each <= 1.0 for each in missed.values()), missed
    assert seen >= 3


def test_another_gravity_is_measured_in_free_fall() -> None:
    made = subject("containment")
    change = action(made, "gravity", 0.0, 0.0)
    run = simulate(made.world(made.under([change])))
    down = run.velocity("a")[:4, 2]
    assert np.allclose(np.diff(down) * run.world.timing.rate, -change.after, rtol=1e-6)


def test_paths_agree_bit_for_bit_or_nearly_until_something_changed_touches_them() -> None:
    made = subject("collision")
    change = action(made, "mass", 0.0, 0.9)
    run = simulate(made.world(made.under([change])))
    when = reached(made.run, run, changed_objects(made.run, run))
    hit = Evidence(made.run).touch("a", "b")
    assert hit is not None
    assert when["a"] == 0.0
    assert 0 < when["b"] <= hit.begin
    assert agreement(made.run, run, when) <= 1e-6
    late = made.run.frame(when["b"]) + 3
    assert not np.allclose(made.run.place("b")[late], run.place("b")[late], atol=1e-4)
    assert parting(made.run, run, when) == 0.0


def test_influence_travels_by_touch_and_in_time() -> None:
    made = subject("collision")

    def touching(one: str, other: str, begin: float, end: float) -> Contact:
        return Contact(one, other, begin, end, 1.0, (0.0, 0.0, 0.0), moving=True)

    def world(*contacts: Contact) -> Subject:
        return type(made.run)(made.run.world, ("a", "b", "c"), made.run.states, contacts)  # type: ignore[return-value]

    # c is touched by b before b was touched by a: nothing of a reaches it.
    early = world(touching("b", "c", 0.1, 0.2), touching("a", "b", 0.5, 0.6))
    assert reached(early, early, {"a"}) == {"a": 0.0, "b": 0.5, "c": float("inf")}  # type: ignore[arg-type]
    # A contact that goes on while b is touched passes the influence on at that moment.
    lasting = world(touching("b", "c", 0.1, 0.9), touching("a", "b", 0.5, 0.6))
    assert reached(lasting, lasting, {"a"})["c"] == 0.5  # type: ignore[arg-type]


def test_a_pair_that_is_not_what_it_says_is_found_out() -> None:
    made = subject("collision")
    variables = made.event.variables()
    change = action(made, "mass", 0.0, 0.9)
    values, run = made.under([change]), simulate(made.world(made.under([change])))
    told = (made.values, values)
    assert unsound(variables, [change], (made.values, made.values), (made.run, made.run)) is not None
    other = dict(values) | {"b.friction": 0.9}
    assert "does not follow" in (unsound(variables, [change], (made.values, other), (made.run, run)) or "")
    assert "does not have the value" in (unsound(variables, [change], told, (made.run, made.run)) or "")
    shaken = type(run)(run.world, run.names, run.states + 1e-3, run.contacts)
    assert "before anything was touched" in (unsound(variables, [change], told, (made.run, shaken)) or "")
    colour = action(made, "appearance")
    seen = made.under([colour])
    moved = type(run)(made.world(seen), run.names, made.run.states + 1e-12, made.run.contacts)
    assert "moved in another way" in (unsound(variables, [colour], (made.values, seen), (made.run, moved)) or "")


def test_objects_are_measured_in_the_model_and_not_copied_from_the_request() -> None:
    made = subject("collision")
    model = compiled(made.run.world)
    for body in made.run.world.bodies:
        assert model.body_mass[model.body(body.name).id] == pytest.approx(body.mass)


@pytest.mark.parametrize("event", list(EVENTS))
def test_every_world_of_a_scene_is_asked_the_same_questions(event: str) -> None:
    made = subject(event)
    asked = [each.text for each in made.event.questions(Evidence(made.run))]
    assert len(set(asked)) == len(asked)
    for _, _, run in changes(event):
        assert [other.text for other in made.event.questions(Evidence(run))] == asked
