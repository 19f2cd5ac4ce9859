"""Pictures of causal models: a structural causal model draws the numbers, a renderer draws the picture."""

from __future__ import annotations

__all__ = ["WORLDS"]

WORLDS: dict[str, str] = {
    "pendulum": "generators.image.world.pendulum:WORLD",
    "strokes": "generators.image.world.strokes:WORLD",
    "objects": "generators.image.world.objects:WORLD",
}
"""Name, and where it is (``module:object``); nothing is imported until it is asked for."""
