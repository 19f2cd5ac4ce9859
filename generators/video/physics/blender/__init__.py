"""The same worlds drawn by Blender's Cycles, in an environment of its own (``bpy`` wants another NumPy than we do)."""

from generators.video.physics.blender.worker import Blender, blender_version, find_python

__all__ = ["Blender", "blender_version", "find_python"]
