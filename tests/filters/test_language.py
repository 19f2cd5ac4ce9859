from __future__ import annotations

import importlib.util

import pytest

from contrafact.errors import MissingDependencyError, RecipeError
from filters.language import Language
from filters.scripts import foreign_share, script_of
from tests.filters.texts import bound, edit, judged, redecided, verdicts

ENGLISH = "The food was good and the waiter was very friendly to us."
FRENCH = "La cuisine était bonne et le serveur était très aimable avec nous."
ANOTHER_SCRIPT, ANOTHER_LANGUAGE = "letters of another script came in", "it is in another language"


@pytest.mark.parametrize(
    ("letter", "script"),
    [
        ("a", "LATIN"),
        ("é", "LATIN"),
        ("ａ", "LATIN"),  # noqa: RUF001  # a wide letter
        ("а", "CYRILLIC"),  # noqa: RUF001  # looks like a Latin one
        ("α", "GREEK"),
        ("ש", "HEBREW"),
        ("漢", "CJK"),
        ("ひ", "CJK"),
        ("カ", "CJK"),
        ("한", "HANGUL"),
        ("µ", None),
        ("7", None),
        ("😀", None),
        (" ", None),
    ],
)
def test_letters_have_the_script_of_their_name(letter: str, script: str | None) -> None:
    assert script_of(letter) == script


def test_shares_are_of_letters_alone() -> None:
    assert foreign_share("abc 1", "ab αβ 12 😀") == 0.5
    assert foreign_share("12", "αβ") == 0
    assert foreign_share("abc", "12") == 0
    assert foreign_share("日本のホテル", "東京のきれいな宿") == 0


def test_letters_of_another_script_are_found() -> None:
    rows = [
        edit(ENGLISH, ENGLISH.replace("good", "bad")),
        edit(ENGLISH, ENGLISH.replace("good", "хорошо")),
        edit(ENGLISH, ENGLISH.replace("a", "а", 1)),  # noqa: RUF001  # one Cyrillic letter
        edit(ENGLISH, ENGLISH + " 😀 3 €"),
        edit("שלום עולם", "שלום לכם"),
        edit(None, None),
    ]
    answer = judged(Language(), rows)
    assert verdicts(answer) == ["", ANOTHER_SCRIPT, ANOTHER_SCRIPT, "", "", ""]
    assert 0 < answer.scores["language_foreign"][2] < 0.03
    loose = Language(max_foreign=0.05)
    assert verdicts(judged(loose, rows))[1:3] == [ANOTHER_SCRIPT, ""]
    again = redecided(loose, rows, {"language_foreign": answer.scores["language_foreign"].tolist()})
    assert verdicts(again)[1:3] == [ANOTHER_SCRIPT, ""]


def test_another_language_in_the_same_script_is_found_where_asked() -> None:
    rows = [
        edit(ENGLISH, FRENCH),
        edit(ENGLISH, ENGLISH.replace("good", "bad")),
        edit("ok", "nope"),
        edit(FRENCH, FRENCH),
    ]
    assert verdicts(judged(Language(), rows)) == ["", "", "", ""]
    answer = judged(Language(identify=True), rows)
    assert verdicts(answer) == [ANOTHER_LANGUAGE, "", "", ""]
    assert answer.scores["language_other"][0] > 0.9
    again = redecided(Language(identify=True, max_other=1.0), rows, {k: list(v) for k, v in answer.scores.items()})
    assert again.passed.all()


def test_a_language_may_be_expected_whatever_the_factual_is_in() -> None:
    rows = [edit(FRENCH, ENGLISH), edit(FRENCH, FRENCH.replace("bonne", "mauvaise"))]
    assert verdicts(judged(Language(expected="en"), rows)) == ["", ANOTHER_LANGUAGE]
    assert verdicts(judged(Language(identify=True), rows)) == [ANOTHER_LANGUAGE, ""]


def test_a_language_that_is_none_is_refused() -> None:
    for code in ("english", "xx", ""):
        with pytest.raises(RecipeError, match="no language that py3langid knows"):
            bound(Language(expected=code))


def test_without_the_identifier_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    bound(Language())
    with pytest.raises(MissingDependencyError, match="pip install py3langid"):
        bound(Language(identify=True))
