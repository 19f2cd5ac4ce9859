"""The page and the terminal mark the same words: one algorithm, written in Python and in JavaScript."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contrafact.differences import Piece, pieces

WORDS = st.lists(st.sampled_from(["the", "a", "cat's", "sat", ".", ",", "\n", "é", "x_1", "你好", "-"]), max_size=12)


@given(WORDS, WORDS, st.sampled_from([" ", "", "  "]))
def test_both_texts_can_be_read_off_the_pieces(left: list[str], right: list[str], between: str) -> None:
    before, after = between.join(left), between.join(right)
    found = pieces(before, after)
    assert "".join(each.text for each in found if each.kind != "added") == before
    assert "".join(each.text for each in found if each.kind != "removed") == after


def test_what_both_begin_and_end_with_stays_even_where_a_longer_run_lies_elsewhere() -> None:
    found = pieces("a x y z", "a b x y z b x y z")
    assert found[0] == Piece("same", "a ")
    assert found[-1].kind == "same"
    assert [each.text for each in found if each.kind == "removed"] == []


def test_a_phrase_is_one_change() -> None:
    found = pieces("he was very late", "he arrived quite late")
    assert found == [
        Piece("same", "he "),
        Piece("removed", "was very"),
        Piece("added", "arrived quite"),
        Piece("same", " late"),
    ]
