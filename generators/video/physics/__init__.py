"""Simulated video: scenes as causal models, moved by MuJoCo, drawn in software; questions are answered from state."""

from generators.video.physics.generator import Physics

__all__ = ["Physics"]
