"""Examples of our own for concepts that a rule reads, written by hand as those of sentiment are: a phrase in braces."""

from __future__ import annotations

__all__ = ["NEGATION"]

NEGATION: tuple[str, ...] = (
    "The train {was|was not} late this morning.",
    "I {like|do not like} my new phone.",
    "We {had|did not have} a good time at the beach today!",
    "The driver {waited|did not wait} for us in the rain.",
    "My bag {has|has not} arrived yet.",
    "You {should|should not} change the old version.",
    "She {will|will never} fly with them again.",
    "{Everybody|Nobody} at the desk could help me.",
    "{Is|Isn't} this the right gate for Boston?",
    "{There is|There is no} seat left on the evening flight.",
    "Thanks, I {can|cannot} see the picture now.",
    "They {told|never told} us why the show was cancelled.",
)
"""From ``absent`` to ``present``; each serves in reverse too."""
