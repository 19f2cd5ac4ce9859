"""What each reader says of a text, and what a recipe may not say of a concept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contrafact.engines import Engines
from contrafact.errors import DataError, RecipeError
from generators.text.concept.concepts import read_codes, read_concepts, read_texts
from generators.text.concept.generator import ConceptGenerator
from generators.text.concept.readers import READERS
from tests.text.phrasals import Letters


def said(spec: dict[str, Any], *texts: str) -> list[str | None]:
    (concept,) = read_concepts({"it": spec}, Path())
    engines = Engines()
    vars(engines).update(embedder=Letters())
    return [
        None if code < 0 else concept.values[code] for code in read_codes(texts, [concept], engines).ravel()
    ]  # fmt: skip


def test_length_counts_words_and_cuts_where_it_is_told() -> None:
    assert said({"reader": "length", "cuts": [3, 5]}, "One two.", "One two three?", "a b c d", "a b c d e", "🙂") == [
        "1-2",
        "3-4",
        "3-4",
        "5+",
        "1-2",
    ]


def test_form_is_the_last_mark() -> None:
    texts = ("Is it?", "Really? Yes.", "Oh no!", 'He said "why?"', "no mark", "🙂")
    assert said({"reader": "form"}, *texts) == [
        "question", "statement", "exclamation", "question", "statement", "statement"
    ]  # fmt: skip


def test_person_is_the_first_that_is_spoken_of() -> None:
    texts = ("I'm late.", "You and me.", "Your bag.", "The miner mined.", "Let’s go.")  # noqa: RUF001
    assert said({"reader": "person"}, *texts) == ["first", "first", "second", "none", "first"]


def test_negation_is_a_whole_word() -> None:
    assert said({"reader": "negation"}, "It snowed at noon.", "It isn’t.", "No.") == ["absent", "present", "present"]  # noqa: RUF001


def test_a_lexicon_counts_and_a_tie_is_otherwise() -> None:
    spec = {"reader": "lexicon", "words": {"bad": ["rude", "cold"], "good": ["warm"]}}
    assert said(spec, "Rude and cold, warm.", "warm, cold", "nothing", "coldly") == ["bad", *["unknown"] * 3]


def test_the_first_pattern_that_is_found_counts() -> None:
    spec = {"reader": "pattern", "patterns": {"flight": r"\b(flight|plane)s?\b", "bag": "bag"}, "otherwise": "none"}
    assert said(spec, "My BAG was on the plane", "handbag", "a planet") == ["flight", "bag", "none"]


def test_nearest_is_the_anchor_with_the_greatest_cosine() -> None:
    spec = {"reader": "nearest", "anchors": {"a": "aaaa", "b": "bbbb"}, "least": 0.5}
    assert said(spec, "aab", "abb", "zzzz") == ["a", "b", "other"]


def test_a_teacher_reads_what_it_finds_most_probable(tmp_path: Path) -> None:
    (tmp_path / "length.py").write_text(
        "def judge(texts):\n    return [[float(len(text) > 3), float(len(text) <= 3)] for text in texts]\n"
    )
    spec = {"reader": "teacher", "values": ["long", "short"], "model": f"{tmp_path / 'length.py'}:judge"}
    (concept,) = read_concepts({"it": spec}, tmp_path)
    assert read_codes(["a", "abcdef"], [concept], Engines()).ravel().tolist() == [1, 0]


def test_a_column_counts_before_the_reader_and_the_reader_where_it_is_missing() -> None:
    concepts = read_concepts({"form": {"reader": "form", "column": "form"}}, Path())
    units = pa.table({"unit_id": ["a"], "text": ["Is it?"], "form": ["exclamation"]})
    whole = read_texts(units, concepts, "text", None, 100, Engines())
    bare = read_texts(units.drop_columns(["form"]), concepts, "text", None, 100, Engines())
    assert (whole.codes[0, 0], bare.codes[0, 0]) == (2, 1)
    assert (whole.annotated, bare.annotated) == ((True,), (False,))


def test_codes_and_names_of_a_column_are_read_and_others_are_faults() -> None:
    concepts = read_concepts({"food": ["bad", "good"]}, Path())
    units = pa.table({"unit_id": ["a", "b", "c", "d"], "text": ["x y"] * 4, "food": pa.array([0, 1, 2, None])})
    found = read_texts(units, concepts, "text", None, 100, Engines())
    assert found.codes.ravel().tolist() == [0, 1, -1, -1]
    assert found.errors == [None, None, *["food has no value that the recipe names"] * 2]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"reader": "lenght"}, "did you mean 'length'"),
        ({"reader": "length", "cut": [3]}, "no option 'cut'"),
        ({"reader": "length", "cuts": [5, 3]}, "cuts is"),
        ({"reader": "length", "cuts": []}, "cuts is"),
        ({"reader": "lexicon"}, "words is None"),
        ({"reader": "lexicon", "words": {"a": ["x"], "b": ["x"]}}, "names a word twice"),
        ({"reader": "pattern", "patterns": {"a": "("}}, "no regular expression"),
        ({"reader": "nearest", "anchors": {"a": "b"}, "least": 2}, "least is 2"),
        ({"reader": "teacher", "model": "x"}, "names its values"),
        ({"reader": "teacher", "values": ["a", "b"]}, "model is None"),
        ({"reader": "form", "values": ["statement", "question"]}, "its reader says"),
        ({"column": "food"}, "names 0 values"),
        (["good"], "names 1 values"),
        (["good", "good"], "names 2 values"),
        ({"valeus": ["a", "b"]}, "did you mean 'values'"),
        ("good", "is 'good'"),
    ],
)
def test_a_concept_that_is_none_is_refused_by_name(spec: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=r"generator\.concepts\.it") as caught:
        read_concepts({"it": spec}, Path())
    assert message in str(caught.value)


def test_a_column_that_the_source_lacks_is_named() -> None:
    concepts = read_concepts({"food": ["bad", "good"]}, Path())
    with pytest.raises(DataError, match="no column 'food'"):
        read_texts(pa.table({"unit_id": ["a"], "text": ["x"]}), concepts, "text", None, 100, Engines())
    with pytest.raises(DataError, match="no column 'theme'"):
        read_texts(pa.table({"unit_id": ["a"], "text": ["x"], "food": [1]}), concepts, "text", "theme", 100, Engines())


def test_readers_know_real_sentences(sentences: list[str]) -> None:
    """Every rule splits real sentences: none says the same of all."""
    for name in ("length", "form", "person", "negation"):
        assert len(set(said({"reader": name}, *sentences))) == (2 if name == "negation" else 3)
    assert set(READERS) >= {"lexicon", "pattern", "nearest", "teacher"}


def test_what_a_reader_asks_is_needed_opened_once_and_known_to_the_identity(tmp_path: Path) -> None:
    (tmp_path / "judge.py").write_text("def judge(texts):\n    return [[0.1, 0.9] for _ in texts]\n")
    opened = []

    class Counting(Engines):
        def teacher(self, *given: Any) -> Any:
            opened.append(given)
            return super().teacher(*given)

    mood = {"reader": "teacher", "values": ["bad", "good"], "model": f"{tmp_path / 'judge.py'}:judge"}
    topic = {"reader": "nearest", "anchors": {"food": "food and drink", "bed": "a hotel room"}}
    options: dict[str, Any] = {"change": "mood", "by": "llm", "mode": "chat", "shots": 0}
    generator = ConceptGenerator({"mood": mood, "topic": topic}, **options)
    engines, key = Counting(), generator.identity()
    generator.borrow(engines)
    first = generator.borrowed()
    assert {"llm", "embedder"} <= set(engines.needs)
    for _ in range(3):
        read_codes(["a text"], generator.setting.concepts[:1], engines)
    assert len(opened) == 1
    assert list(first) == ["mood"]
    assert generator.identity() == key  # units keep their noise, whatever reads them
    judged = ConceptGenerator({"mood": {**mood, "model": {"llm": {"question": "Which?"}}}, "topic": topic}, **options)
    judged.borrow(again := Engines())
    assert judged.borrowed() != first
    assert "logprobs" in again.needs
    assert ConceptGenerator({"topic": topic, "form": {"reader": "form"}}, "form").borrowed() is None


def test_readers_say_what_their_word_is_worth() -> None:
    readers: dict[str, Any] = {**READERS}
    worth = {name: (made.witness, made.of_rewrites) for name, made in readers.items()}
    by_form, by_words, by_model = ("construction",) * 2, ("teacher", "llm"), ("teacher",) * 2
    assert worth == {
        **dict.fromkeys(("length", "form", "person", "negation"), by_form),
        **dict.fromkeys(("lexicon", "pattern"), by_words),
        **dict.fromkeys(("nearest", "teacher"), by_model),
    }
