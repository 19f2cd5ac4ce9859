"""What motion says: questions about one object's path, answered from states and contacts."""

from __future__ import annotations

import numpy as np

from generators.video.physics.evidence import AIRBORNE, Contact, Run

__all__ = [
    "airborne",
    "drop_errors",
    "keeps_direction",
    "moves_by_itself",
    "reacted_like_its_mass",
    "smooth",
    "speed_before",
    "speeds_up_downward",
]

_AT_REST = 0.05


def speed_before(run: Run, name: str, time: float) -> float:
    """Speed of an object in the last frame before a time (m/s)."""
    last = min(max(run.frame(time) - 1, 0), run.world.timing.frames - 1) if np.isfinite(time) else -1
    return float(np.linalg.norm(run.velocity(name)[last]))


def reacted_like_its_mass(run: Run, hit: Contact) -> bool:
    """Whether the lighter of two objects that met changed its velocity more, from the frame before to two after."""
    before = max(run.frame(hit.begin) - 1, 0)
    after = min(before + 3, run.world.timing.frames - 1)
    change = {
        name: float(np.linalg.norm(run.velocity(name)[after, :2] - run.velocity(name)[before, :2]))
        for name in (hit.one, hit.other)
    }
    masses = {each.name: each.mass for each in run.world.bodies if each.name in change}
    light, heavy = sorted(masses, key=lambda name: masses[name])
    return change[light] >= change[heavy]


def keeps_direction(run: Run, name: str, until: float | None) -> bool:
    """Whether an object's course along the ground stays within 20° of the first, while it moves, until a time (s)."""
    last = run.world.timing.frames if until is None else max(run.frame(until), 1)
    along = run.velocity(name)[:last, :2]
    speed = np.linalg.norm(along, axis=1)
    moving = speed > 2 * _AT_REST
    if not moving.any():
        return True
    first = along[int(np.argmax(moving))]
    cosine = along[moving] @ first / (speed[moving] * np.linalg.norm(first))
    return bool((cosine > np.cos(np.radians(20.0))).all())


def airborne(run: Run, name: str) -> list[tuple[float, float]]:
    """Times (begin, end) in which an object touches nothing, the last one left out unless it ends in a contact."""
    ends, last = [], 0.0
    for each in sorted((each for each in run.contacts if name in (each.one, each.other)), key=lambda each: each.begin):
        if each.begin - last > AIRBORNE:
            ends.append((last, each.begin))
        last = max(last, each.end)
    return ends


def speeds_up_downward(run: Run, name: str) -> bool:
    """Whether an object's downward speed grows from frame to frame while it falls free, in some fall of its own."""
    for begin, end in airborne(run, name):
        first, last = run.frame(begin), run.frame(end) - 1
        down = -run.velocity(name)[first : last + 1, 2]
        if len(down) > 2 and down[-1] > 0.5 and (np.diff(down[down > 0]) > 0).all():
            return True
    return False


def drop_errors(run: Run) -> dict[str, float]:
    """For each object let go at rest in mid-air: by how many frames its landing misses √(2h/g).

    ``h`` is how far its centre sank until the first contact, read from the states; the time is the contact's. A level
    throw counts, as it has no vertical speed. Times and states are both measured, neither is taken from the request.
    """
    errors = {}
    for name in run.names:
        free = airborne(run, name)
        start = run.states[0, run.names.index(name)]
        if not free or free[0][0] > 0 or abs(start[9]) > 1e-9:
            continue
        landing = free[0][1]
        errors[name] = _missed(run, name, landing)
    return errors


def _missed(run: Run, name: str, landing: float) -> float:
    """Frames between a landing and √(2h/g), h being interpolated between the two frames around it."""
    place, rate = run.place(name)[:, 2], run.world.timing.rate
    before = min(int(landing * rate), len(place) - 1)
    rest = landing - before / rate
    sunk = place[0] - (place[before] + run.velocity(name)[before, 2] * rest - run.world.gravity * rest**2 / 2)
    expected = float(np.sqrt(max(2 * sunk / run.world.gravity, 0.0)))
    return abs(expected - landing) * rate


def smooth(run: Run) -> bool:
    """Whether no object jumps: it moves between two frames no farther than its speeds at both allow, and 2 cm."""
    if run.states.shape[0] < 2 or not run.names:
        return True
    step = np.linalg.norm(np.diff(run.states[:, :, :3], axis=0), axis=2)
    speed = np.linalg.norm(run.states[:, :, 7:10], axis=2)
    allowed = np.maximum(speed[1:], speed[:-1]) / run.world.timing.rate
    return bool((step <= allowed + 0.02).all())


def moves_by_itself(run: Run) -> bool:
    """Whether an object that touches nothing changes velocity otherwise than gravity does (over 0.2 m/s a frame)."""
    rate, fall = run.world.timing.rate, np.array([0.0, 0.0, -run.world.gravity / run.world.timing.rate])
    for name in run.names:
        velocity = run.velocity(name)
        for begin, end in airborne(run, name):
            free = velocity[run.frame(begin) : int(end * rate) + 1]
            if len(free) > 1 and (np.linalg.norm(np.diff(free, axis=0) - fall, axis=1) > 0.2).any():
                return True
    return False
