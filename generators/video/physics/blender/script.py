"""Runs inside Blender's environment, which has ``bpy`` and nothing of ours: JSON lines in, raw pixels out."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Read a scene, then poses; after each pose write one picture (height × width × 3 bytes, RGB, upright)."""
    import bpy

    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever Blender prints must not get between the pixels
    scene = json.loads(sys.stdin.readline())
    bodies = _build(bpy, scene)
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            for body, state in zip(bodies, json.loads(line)["states"], strict=True):
                body.location, body.rotation_quaternion = state[:3], state[3:7]
            out.write(_picture(bpy, Path(folder) / "frame.png"))
            out.flush()


def _build(bpy: Any, scene: dict[str, Any]) -> list[Any]:
    """Everything that is in the scene; returns the objects that move."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    render = bpy.context.scene.render
    render.engine, render.resolution_x, render.resolution_y = "CYCLES", scene["width"], scene["height"]
    render.resolution_percentage, render.image_settings.file_format = 100, "PNG"
    render.image_settings.color_mode = "RGB"
    cycles = bpy.context.scene.cycles
    cycles.device, cycles.samples, cycles.seed, cycles.use_denoising = "CPU", scene["samples"], 0, True
    bpy.context.scene.view_settings.view_transform = "Standard"
    _light(bpy, scene)
    _camera(bpy, scene["camera"], scene["width"] / scene["height"])
    _floor(bpy, scene)
    for fixture in scene["fixtures"]:
        box = _shape(bpy, "box", fixture["half"])
        box.location = fixture["position"]
        box.data.materials.append(_material(bpy, fixture["colour"], 0.2, 0.3))
    return [_body(bpy, body) for body in scene["bodies"]]


def _body(bpy: Any, body: dict[str, Any]) -> Any:
    made = _shape(bpy, body["shape"], body["size"])
    made.rotation_mode = "QUATERNION"
    made.data.materials.append(_material(bpy, body["colour"], *body["finish"]))
    return made


def _shape(bpy: Any, shape: str, size: list[float]) -> Any:
    if shape == "box":
        bpy.ops.mesh.primitive_cube_add(size=2)
        bpy.context.object.scale = size
        bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
        _rounded(bpy.context.object, min(size) * 0.08)
    elif shape == "cylinder":
        bpy.ops.mesh.primitive_cylinder_add(radius=size[0], depth=2 * size[1], vertices=64)
        _rounded(bpy.context.object, size[0] * 0.06)
    else:
        bpy.ops.mesh.primitive_uv_sphere_add(radius=size[0], segments=48, ring_count=24)
        if shape == "capsule":
            for vertex in bpy.context.object.data.vertices:
                vertex.co.z += math.copysign(size[1], vertex.co.z)
    for face in bpy.context.object.data.polygons:
        face.use_smooth = shape != "box"
    return bpy.context.object


def _rounded(made: Any, width: float) -> None:
    edges = made.modifiers.new("edges", "BEVEL")
    edges.width, edges.segments = width, 3


def _material(bpy: Any, colour: list[float], specular: float, shininess: float) -> Any:
    material = bpy.data.materials.new("surface")
    material.use_nodes = True
    surface = material.node_tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*_linear(colour), 1)
    surface.inputs["Roughness"].default_value = 1 - 0.8 * shininess
    surface.inputs["Metallic"].default_value = 0.9 if specular > 0.8 else 0.0
    return material


def _floor(bpy: Any, scene: dict[str, Any]) -> None:
    bpy.ops.mesh.primitive_plane_add(size=60)
    material = bpy.data.materials.new("floor")
    material.use_nodes = True
    tree = material.node_tree
    checks, place = tree.nodes.new("ShaderNodeTexChecker"), tree.nodes.new("ShaderNodeTexCoord")
    checks.inputs["Scale"].default_value = scene["checks"] * 2
    checks.inputs["Color1"].default_value = (*_linear(scene["floor"][0]), 1)
    checks.inputs["Color2"].default_value = (*_linear(scene["floor"][1]), 1)
    surface = tree.nodes["Principled BSDF"]
    surface.inputs["Roughness"].default_value = 0.6
    tree.links.new(place.outputs["Object"], checks.inputs["Vector"])
    tree.links.new(checks.outputs["Color"], surface.inputs["Base Color"])
    bpy.context.object.data.materials.append(material)


def _light(bpy: Any, scene: dict[str, Any]) -> None:
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (*_linear(scene["sky"][0]), 1)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.55
    bpy.ops.object.light_add(type="SUN", rotation=(0.5, -0.3, 0.0))
    bpy.context.object.data.energy, bpy.context.object.data.angle = 3.2 * scene["light"], 0.08


def _camera(bpy: Any, camera: dict[str, Any], aspect: float) -> None:
    from mathutils import Matrix

    bpy.ops.object.camera_add()
    made = bpy.context.object
    turned = Matrix(camera["axes"]).transposed().to_4x4()
    made.matrix_world = Matrix.Translation(camera["position"]) @ turned
    made.data.sensor_fit, made.data.angle = "VERTICAL", math.radians(camera["fovy"])
    made.data.sensor_height = made.data.sensor_width / aspect
    made.data.angle_y = math.radians(camera["fovy"])
    bpy.context.scene.camera = made


def _picture(bpy: Any, path: Path) -> bytes:
    """One frame, drawn and read back through a lossless file: bytes, RGB, upright."""
    import numpy as np

    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path), check_existing=False)
    width, height = image.size
    pixels = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    rows = pixels.reshape(height, width, -1)[::-1, :, :3]
    return bytes(np.rint(rows * 255).astype(np.uint8).tobytes())


def _linear(colour: list[float]) -> tuple[float, ...]:
    """From the screen's brightness to that of light, as Blender wants it."""
    return tuple(((each + 0.055) / 1.055) ** 2.4 if each > 0.04045 else each / 12.92 for each in colour)


if __name__ == "__main__":
    main()
