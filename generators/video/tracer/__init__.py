"""Tracing by perturbation: where a point goes, according to a model that predicts the second frame from the first.

KL-tracing (arXiv:2507.09082) puts a small bump on a point of frame 1, lets a predictor say frame 2 with and without
it, and looks where the two predictions differ most. Anything with ``logits`` can be traced; :class:`BlockMatching`
needs no weights.
"""

from generators.video.tracer.influence import influence_map, unexplained
from generators.video.tracer.matching import BlockMatching
from generators.video.tracer.patches import move_patch
from generators.video.tracer.trace import Predictor, Traced, bumped, endpoint_error, trace

__all__ = [
    "BlockMatching",
    "Predictor",
    "Traced",
    "bumped",
    "endpoint_error",
    "influence_map",
    "move_patch",
    "trace",
    "unexplained",
]
