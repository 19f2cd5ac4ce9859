"""Drawing contexts: made once for each size, lent to one clip at a time.

A context takes a quarter of a second to make, and holds textures for every place. Which thread uses it may change.
Mesa draws in software, on the calling thread, and was seen to crash where two threads drew at once: a thread draws
alone (:data:`DRAWING`), and workers that are processes draw side by side.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from contrafact.errors import MissingDependencyError
from generators.video.physics.mjcf import Look, compiled, load_mujoco
from generators.video.physics.world import World

__all__ = ["DRAWING", "borrowed_context", "prepare_drawing", "try_drawing"]

_KIND = "MUJOCO_GL"
_PACKAGES = {"egl": "libegl1 libegl-mesa0 libgl1-mesa-dri", "osmesa": "libosmesa6", "glfw": "libgl1 libglfw3"}
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
_guard = threading.Lock()
DRAWING = threading.RLock()
"""Held around everything that draws."""
_idle: dict[Look, list[_Drawable]] = defaultdict(list)
_registered: list[bool] = []


class _Drawable:
    """One OpenGL context, in which every place has MuJoCo's textures and buffers of its own.

    As many are there as threads have drawn at once: OpenGL's own memory is several times what a place needs.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self.context = _context_class()(look.width, look.height)
        self._places: dict[str, Any] = {}

    def place(self, world: World) -> Any:
        """The ``mujoco.MjrContext`` of a world's place. To be called where this one is current."""
        mujoco = load_mujoco()
        if world.scene not in self._places:
            made = mujoco.MjrContext(compiled(world, self.look), mujoco.mjtFontScale.mjFONTSCALE_50.value)
            made.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
            self._places[world.scene] = made
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._places[world.scene])
        return self._places[world.scene]

    def close(self) -> None:
        """Let go of everything. MuJoCo's own destructors would come too late, after the GL library's."""
        with self.context.as_current():
            for each in self._places.values():
                each.free()
        self.context.free()


@contextmanager
def borrowed_context(world: World, look: Look) -> Iterator[Any]:
    """A ``mujoco.MjrContext`` that is current in this thread and fits the world's place.

    Raises
    ------
    MissingDependencyError
        Where nothing can be drawn on this machine; says which Debian package is missing.
    """
    prepare_drawing()
    with _guard:
        drawable = _idle[look].pop() if _idle[look] else None
    try:
        with DRAWING:
            if drawable is None:
                drawable = _made(look)
            current = drawable.context.as_current()
            current.__enter__()
        try:
            with DRAWING, _told():
                place = drawable.place(world)
            yield place
        finally:
            with DRAWING:
                current.__exit__(None, None, None)
    finally:
        if drawable is not None:
            with _guard:
                _idle[look].append(drawable)


def prepare_drawing() -> None:
    """Choose how to draw: EGL unless ``MUJOCO_GL`` says otherwise. Raises as :func:`borrowed_context`."""
    if not os.environ.get(_KIND):
        os.environ[_KIND] = "egl"
    os.environ.setdefault("LP_NUM_THREADS", "0")
    _context_class()


def try_drawing() -> str:
    """Draw one small picture, and say with what. Raises as :func:`borrowed_context`."""
    from importlib.metadata import version

    from generators.video.physics.world import Camera, Timing

    world = World("collision", "studio", 9.81, (), (), Camera((0.0, -2.0, 1.0), (0.0, 0.0, 0.0)), Timing(1, 1, 1))
    with borrowed_context(world, Look(32, 32, "none", 0)):
        return f"MuJoCo {version('mujoco')} draws with {os.environ[_KIND]}"


def _made(look: Look) -> _Drawable:
    """A new context."""
    with _told():
        made = _Drawable(look)
    if not _registered:
        # After MuJoCo has registered what takes the display away, and so called before it.
        atexit.register(_close_all)
        _registered.append(True)
    return made


@contextmanager
def _told() -> Iterator[None]:
    """What MuJoCo or OpenGL raise becomes one message."""
    try:
        yield
    except (RuntimeError, ImportError, AttributeError) as error:
        raise _cannot_draw(error) from None


def _context_class() -> Any:
    kind = os.environ.get(_KIND, "egl").lower()
    if kind not in _PACKAGES:  # MuJoCo itself would end with a traceback
        raise _cannot_draw("no such way to draw is known", f"unset {_KIND}, or export {_KIND}=egl")
    if kind == "glfw" and sys.platform == "linux" and not any(map(os.environ.get, _SCREENS)):
        # GLFW's own failure ends the process.
        raise _cannot_draw("glfw needs a screen, and DISPLAY names none", f"unset {_KIND}, or export {_KIND}=egl")
    try:
        if kind == "osmesa":
            from mujoco.osmesa import GLContext
        elif kind == "glfw":
            from mujoco.glfw import GLContext
        else:
            from mujoco.egl import GLContext
    except (ImportError, AttributeError, OSError) as error:
        if find_spec("mujoco") is None:
            load_mujoco()
        raise _cannot_draw(error) from None
    return GLContext


def _cannot_draw(error: Exception | str, fix: str | None = None) -> MissingDependencyError:
    kind = os.environ.get(_KIND, "egl").lower()
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return MissingDependencyError(
        f"scenes cannot be drawn with {_KIND}={kind}: {reason}",
        allowed=f"{_KIND}=egl or osmesa, with Mesa's libraries; neither needs a screen or a GPU",
        fix=fix or f"apt-get install {_PACKAGES.get(kind, _PACKAGES['egl'])}",
    )


def _close_all() -> None:
    with _guard:
        contexts = [context for idle in _idle.values() for context in idle]
        _idle.clear()
    for context in contexts:
        with suppress(Exception):
            context.close()
