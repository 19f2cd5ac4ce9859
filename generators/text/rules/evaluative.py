"""Opposites of words that judge, which WordNet lists as near-synonyms of a few heads and not by themselves."""

from __future__ import annotations

__all__ = ["OPPOSITES"]

_ADJECTIVES = {
    "good": "bad",
    "great": "terrible",
    "excellent": "awful",
    "amazing": "dreadful",
    "awesome": "awful",
    "fantastic": "horrible",
    "wonderful": "terrible",
    "brilliant": "pathetic",
    "incredible": "dreadful",
    "perfect": "flawed",
    "nice": "nasty",
    "lovely": "horrid",
    "beautiful": "ugly",
    "delicious": "disgusting",
    "fun": "boring",
    "funny": "unfunny",
    "exciting": "boring",
    "interesting": "boring",
    "helpful": "unhelpful",
    "friendly": "rude",
    "useful": "useless",
    "impressive": "unimpressive",
    "happy": "unhappy",
    "glad": "sorry",
    "safe": "dangerous",
    "smart": "stupid",
    "easy": "difficult",
    "clean": "dirty",
    "fast": "slow",
    "cheap": "expensive",
    "reliable": "unreliable",
    "calm": "nervous",
}
_VERBS = {"love": "hate", "like": "dislike", "enjoy": "hate", "trust": "distrust", "win": "lose", "succeed": "fail"}


def _both_ways() -> dict[tuple[str, str], list[str]]:
    table: dict[tuple[str, str], list[str]] = {}
    for part, pairs in (("a", _ADJECTIVES), ("v", _VERBS)):
        for one, other in pairs.items():
            table.setdefault((one, part), []).append(other)
        for one, other in pairs.items():
            if (other, part) not in table or one not in pairs:
                table.setdefault((other, part), []).append(one)
    return table


OPPOSITES = _both_ways()
"""Opposites by (lemma, part of speech), both ways."""
