"""WordNet's files, and forms of words."""

from __future__ import annotations

from pathlib import Path

import pytest

from contrafact.errors import MissingDependencyError
from generators.text.inflection import article, cased, check_inflection, inflected
from generators.text.wordnet import WordNet, open_wordnet


def test_senses_relations_and_counts(wordnet: WordNet) -> None:
    dog = wordnet.synset("n", wordnet.senses("dog", "n")[0])
    assert dog.words[0] == "dog"
    assert dog.topic == 5
    above = {word for offset in dog.hypernyms for word in wordnet.synset("n", offset).words}
    assert "domestic_animal" in above
    below = {word for offset in dog.hyponyms for word in wordnet.synset("n", offset).words}
    assert "puppy" in below
    assert wordnet.antonyms("hot", "a") == ["cold"]
    assert wordnet.antonyms("good", "a")[0] == "bad"
    assert wordnet.count("dog", "n") > wordnet.count("dog", "n", 2)
    assert 0 < wordnet.dominance("dog", "n") <= 1


@pytest.mark.parametrize("part", ["n", "v", "a", "r"])
def test_every_word_of_an_index_is_found_and_others_are_not(wordnet: WordNet, part: str) -> None:
    lines = bytes(wordnet._index[part]).decode().splitlines()
    words = [line.partition(" ")[0] for line in lines if not line.startswith(" ")]
    for word in [words[0], words[-1], *words[:: len(words) // 200]]:
        senses = wordnet.senses(word, part)
        assert senses
        assert word in wordnet.synset(part, senses[0]).words
    for word in ("", "zzzz", "!", "dogg", "~"):
        assert wordnet.senses(word, part) == ()


def test_names_are_known_as_such(wordnet: WordNet) -> None:
    assert wordnet.synset("n", wordnet.senses("savior", "n")[0]).proper
    assert not wordnet.synset("n", wordnet.senses("dog", "n")[0]).proper


def test_a_folder_without_the_files_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match="apt-get install wordnet-base"):
        open_wordnet(str(tmp_path))


@pytest.mark.parametrize(
    ("lemma", "tag", "form"),
    [
        ("go", "VBD", "went"), ("eat", "VBN", "eaten"), ("stop", "VBG", "stopping"), ("try", "VBZ", "tries"),
        ("be", "VBD", "was"), ("mouse", "NNS", "mice"), ("box", "NNS", "boxes"), ("dog", "NN", "dog"),
        ("visit", "VBG", "visiting"), ("qwzrt", "NNS", None), ("big", "JJR", "bigger"),
    ],
)  # fmt: skip
def test_forms_are_those_of_the_dictionary_or_none(lemma: str, tag: str, form: str | None) -> None:
    assert inflected(lemma, tag) == form


A = "dog house university European one-way UFO 180 1 hero useful unique ukulele eulogy CD uniform union once-over"
AN = "animal hour honest uncle onion FBI 8 18 11 heir unusual uninteresting unimportant udder ironic MP umbrella X-ray"


@pytest.mark.parametrize(("right", "words"), [("a", A), ("an", AN)])
def test_articles_follow_the_sound(right: str, words: str) -> None:
    assert {word: article(word) for word in words.split()} == dict.fromkeys(words.split(), right)


def test_case_is_that_of_what_stood_there() -> None:
    assert cased("cold", "HOT") == "COLD"
    assert cased("cold", "Hot") == "Cold"
    assert cased("cold", "hot") == "cold"
    assert cased("we", "I") == "We"


def test_a_missing_dictionary_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.text.inflection.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install lemminflect"):
        check_inflection()
