"""Dense captions from the record: what is seen from when to when, sentence by sentence."""

from __future__ import annotations

from generators.video.questions.facts import Fact
from generators.video.questions.words import AWHILE, sentence

__all__ = ["caption"]


def caption(fact: Fact | None, frames: int, rate: float, content: str = "") -> str:
    """A caption of a whole clip.

    Parameters
    ----------
    fact : Fact or None
        The edit; None for a clip as it was filmed.
    frames : int
        Of the clip.
    rate : float
        Frames a second.
    content : str
        What is to be seen, where the source says so.
    """
    lasts = frames / rate
    said = [sentence(content.strip().rstrip("."))] if content.strip() else []
    if fact is None:
        return " ".join([*said, f"From 0.00 to {lasts:.2f} s the clip runs as it was filmed."])
    start, stop = fact.seconds
    if fact.start > 0:
        said.append(f"From 0.00 to {start:.2f} s the clip runs as it was filmed.")
    said.append(f"From {start:.2f} to {stop:.2f} s {fact.subject} {fact.say('verb').removesuffix(AWHILE)}.")
    if fact.stop < frames:
        said.append(f"From {stop:.2f} to {lasts:.2f} s all is as it was filmed again.")
    return " ".join(said)
