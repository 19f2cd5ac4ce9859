"""What can happen: one file an event. Each says what is there, what is asked, and how to see that it took place."""

from __future__ import annotations

from collections.abc import Mapping

from generators.video.physics.events.base import Event, Layout
from generators.video.physics.events.chain import ChainReaction
from generators.video.physics.events.collision import Collision
from generators.video.physics.events.containment import Containment
from generators.video.physics.events.fall import Fall
from generators.video.physics.events.occlusion import Occlusion
from generators.video.physics.events.stacking import Stacking

__all__ = ["EVENTS", "Event", "Layout"]

EVENTS: Mapping[str, Event] = {
    each.name: each for each in (Collision(), Fall(), Occlusion(), Stacking(), Containment(), ChainReaction())
}
