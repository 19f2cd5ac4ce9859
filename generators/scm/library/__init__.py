"""Built-in causal models, by the name that recipes use. Each is an ``SCM`` class or a function that makes one."""

from __future__ import annotations

__all__ = ["LIBRARY"]

LIBRARY: dict[str, str] = {
    "clinic": "generators.scm.library.clinic:Clinic",
    "confounded": "generators.scm.library.effects:confounded",
    "ihdp_a": "generators.scm.library.effects:ihdp_a",
    "ihdp_b": "generators.scm.library.effects:ihdp_b",
    "ild": "generators.scm.library.domains:ild",
    "ild_canonical": "generators.scm.library.domains:ild_canonical",
}
"""Name, and where it is (``module:object``); nothing is imported until it is asked for."""
