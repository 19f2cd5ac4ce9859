"""Controls by rule: what each rule says in other words, what it leaves alone, and exact sizes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import RecipeError
from contrafact.stages import Context
from contrafact.wording import distance, tokens
from generators.text.controls import Control, Target, open_controls, with_controls
from generators.text.controls import usage as turns
from generators.text.controls.change import Rewrite, applied
from generators.text.controls.choosing import choose, size_of
from generators.text.controls.clauses import comma, fronted, that
from generators.text.controls.contractions import contract, expand
from generators.text.controls.marks import apostrophe, numeral, quotes, stop
from generators.text.controls.openings import closing, opening
from generators.text.controls.ruled import RuleControls
from generators.text.controls.synonyms import spelling, synonym, wordnet_synonym
from generators.text.edits import Edit, Failed, edited_text
from generators.text.parsing import parse
from generators.text.wordnet import WordNet

Make = Callable[..., list[dict[str, Any]]]
RULES = (
    expand, contract, that, comma, fronted, apostrophe, numeral, quotes, stop, opening, closing, spelling, turns.turn,
    turns.shortened, turns.relative, turns.purpose, turns.hyphen,
)  # fmt: skip


def variants(rule: Callable[..., Iterator[Rewrite]], text: str, *more: Any) -> set[str]:
    return {applied(text, [each]) for each in rule(parse([text])[0], *more)}


@pytest.mark.parametrize(
    ("rule", "text", "wanted"),
    [
        (expand, "I don't like it.", "I do not like it."),
        (expand, "They can't come today.", "They cannot come today."),
        (expand, "It's a long way.", "It is a long way."),
        (expand, "We've seen it.", "We have seen it."),
        (contract, "I do not like it.", "I don't like it."),
        (contract, "She cannot swim well.", "She can't swim well."),
        (contract, "They are late again.", "They're late again."),
        (that, "I think it works well.", "I think that it works well."),
        (that, "She said that he left.", "She said he left."),
        (comma, "He left early and she stayed at home.", "He left early, and she stayed at home."),
        (comma, "Unfortunately it broke.", "Unfortunately, it broke."),
        (fronted, "I saw him yesterday.", "Yesterday, I saw him."),
        (fronted, "The bus was late yesterday.", "Yesterday, the bus was late."),
        (apostrophe, "It didn't work.", "It didn’t work."),  # noqa: RUF001
        (quotes, 'He said "never again" to me.', "He said “never again” to me."),
        (stop, "It works well.", "It works well"),
        (numeral, "She owns two dogs.", "She owns 2 dogs."),
        (numeral, "She owns 3 dogs.", "She owns three dogs."),
        (opening, "The dog sleeps on the couch.", "Well, the dog sleeps on the couch."),
        (opening, "I like the couch.", "And I like the couch."),
        (closing, "The dog sleeps.", "The dog sleeps, you know."),
        (spelling, "My favorite color is red.", "My favourite color is red."),
        (spelling, "Everyone left.", "Everybody left."),
        (turns.turn, "He ate all of the bread.", "He ate all the bread."),
        (turns.turn, "Bread & butter are good & cheap.", "Bread & butter are good and cheap."),
        (turns.shortened, "We waited 3 hrs there.", "We waited 3 hours there."),
        (turns.relative, "The flight I took was late.", "The flight that I took was late."),
        (turns.relative, "People who smoke are ill.", "People that smoke are ill."),
    ],
)
def test_a_rule_says_it_another_way(rule: Any, text: str, wanted: str) -> None:
    assert wanted in variants(rule, text)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (expand, "Don't you like it?"),  # do not you
        (expand, "The dog's bone is old."),  # a possessive
        (expand, "He's been there."),  # has
        (contract, "Tell me what it is."),
        (contract, "Is it not late?"),
        (that, "I think so."),
        (that, "I know why he left."),
        (comma, "He ate and drank."),
        (comma, "Hope Mr. Hayes takes note."),
        (numeral, "It costs $2."),
        (numeral, "One of them left."),
        (opening, "Is it late?"),
        (opening, "Close the door."),
        (stop, "It works..."),
        (stop, "It works!"),
        (turns.purpose, "I can't wait for these to get here."),
        (turns.turn, "You don't need to go there."),  # don't have to says less than don't need to at most
    ],
)
def test_a_rule_leaves_alone_what_it_would_break(rule: Any, text: str) -> None:
    assert variants(rule, text) == set()


def test_synonyms_keep_number_tense_and_article(wordnet: WordNet) -> None:
    assert "He purchased two cars." in variants(synonym, "He bought two cars.", wordnet)
    assert "We saw an enormous dog." in variants(synonym, "We saw a huge dog.", wordnet)
    assert variants(wordnet_synonym, "The bank is closed.", wordnet) == set()  # of many senses
    assert variants(synonym, "A young girl met an old man.", wordnet) == set()  # nobody becomes somebody else


def test_every_rewrite_of_real_sentences_stands_where_it_says(sentences: list[str], wordnet: WordNet) -> None:
    for text, doc in zip(sentences, parse(sentences), strict=True):
        for rule in RULES:
            for each in rule(doc):
                assert 0 <= each.start <= each.stop <= len(text)
                assert text[each.start : each.stop] != each.after
        for each in (*synonym(doc, wordnet), *wordnet_synonym(doc, wordnet)):
            assert text[each.start : each.stop].lower() != each.after.lower()


LETTERS = [f"w{place}" for place in range(12)]


@settings(max_examples=80)
@given(data=st.data())
def test_the_choice_is_the_least_odd_of_all_combinations(data: st.DataObject) -> None:
    text = " ".join(LETTERS)
    count = data.draw(st.integers(1, 7))
    rewrites, odd = [], []
    for number in range(count):
        first = data.draw(st.integers(0, 11))
        last = data.draw(st.integers(first, min(11, first + 2)))
        start = text.index(LETTERS[first])
        end = text.index(LETTERS[last]) + len(LETTERS[last])
        rewrites.append(Rewrite(start, end, f"new{number}", "rule"))
        odd.append(data.draw(st.integers(1, 9)) / 2)
    wanted = data.draw(st.integers(1, 6))
    target = Target("u/0", "text", text, " ".join([*LETTERS, *(f"x{place}" for place in range(wanted))]))
    assert target.size == wanted
    best: dict[int, float] = {}
    for size in range(1, count + 1):
        for places in combinations(range(count), size):
            chosen = sorted((rewrites[place] for place in places), key=lambda each: each.start)
            if all(one.stop < other.start for one, other in pairwise(chosen)):
                total, cost = sum(size_of(text, [each]) for each in chosen), sum(odd[place] for place in places)
                best[total] = min(best.get(total, 99.0), cost)
    reached = [size for size in best if size <= wanted]
    found = choose(target, rewrites, odd, wanted)
    assert bool(found) == bool(reached)
    if found:
        assert size_of(text, found) == max(reached)
        assert sum(odd[rewrites.index(each)] for each in found) == pytest.approx(best[max(reached)])


def test_a_control_has_the_size_of_its_target_and_leaves_its_words_alone(
    context: Context, wordnet: WordNet, sentences: list[str]
) -> None:
    targets = [
        Target(f"u{place}/0", "text", text, text.replace(" the ", " no such ", 1))
        for place, text in enumerate(sentences)
        if " the " in text
    ]
    made = RuleControls().make(targets, context)
    exact = 0
    for target, control in zip(targets, made, strict=True):
        if isinstance(control, Failed):
            continue
        text = target.text
        for edit in sorted(control.edits, key=lambda each: -each.start):
            text = edited_text(text, edit)
        assert distance(tokens(target.text), tokens(text)) == control.size <= target.size
        assert target.held <= set(map(str.lower, tokens(text)))
        exact += control.size == target.size
    assert exact > 0.7 * len(targets) > 30


def test_what_the_edit_is_about_is_not_reworded(context: Context, wordnet: WordNet) -> None:
    text = "Bad bosses often shout!"

    def made(edited: str) -> Control | Failed:
        return RuleControls().make([Target("u/0", "text", text, edited)], context)[0]

    control = made("Good bosses often shout!")
    assert isinstance(control, Control)
    assert [edit.after for edit in control.edits] == ["frequently"]
    # The only rewrite would take out the very word that the edit takes out.
    assert isinstance(made("Bad bosses never shout!"), Failed)


def test_controls_follow_the_pairs_of_their_unit_and_change_none(lexical: Make, sentences: list[str]) -> None:
    plain = lexical(sentences[:40], "negative", target="positive", per_unit=2)
    whole = lexical(sentences[:40], "negative", target="positive", per_unit=2, control="rules")
    pairs = [row for row in whole if row["control_of"] is None]
    assert [{**row, "scores": None} for row in pairs] == [{**row, "scores": None} for row in plain]
    numbers: dict[str, int] = {}
    ids = []
    for row in whole:
        ids.append(f"{row['unit_id']}/{numbers.get(row['unit_id'], 0)}")
        numbers[row["unit_id"]] = numbers.get(row["unit_id"], 0) + 1
    by_id = dict(zip(ids, whole, strict=True))
    controls = [row for row in whole if row["control_of"] is not None]
    assert len(controls) == sum(not row["reasons"] for row in pairs)
    for row in controls:
        pair = by_id[row["control_of"]]
        assert pair["control_of"] is None
        assert row["factual"] == pair["factual"]
        if row["reasons"]:
            assert row["counterfactual"] is None
            assert row["reasons"][0].startswith("lexical: control: ")
            continue
        assert row["label"] == row["counterfactual_label"] == pair["label"] != pair["counterfactual_label"]
        before, after = tokens(row["factual"]["text"]), tokens(row["counterfactual"]["text"])
        target = 100 * distance(before, tokens(pair["counterfactual"]["text"])) / len(before)
        assert row["scores"]["control_share"] == pytest.approx(100 * distance(before, after) / len(before))
        assert row["scores"]["control_shortfall"] == pytest.approx(target - row["scores"]["control_share"])
        assert row["scores"]["control_shortfall"] >= -0.5
        for change in row["intervention"]:
            where = json.loads(change["where"])
            assert row["factual"]["text"][where["start"] : where["stop"]] == change["before"]


def test_only_form_makes_a_control_certain(lexical: Make) -> None:
    options = {"target": "positive", "rules": ["antonym"], "control": "rules"}
    form = lexical(["I think it is a bad idea to go there."], "negative", **options)[-1]
    assert form["label_source"] == "construction"
    word = lexical(["Bad bosses often shout!"], "negative", **options)[-1]
    assert word["intervention"][0]["operation"] == "synonym"
    assert word["label_source"] == "llm"


class _Echo:
    note: ClassVar[str] = "says the same"

    def borrow(self, engines: Any, name: str) -> None:
        """Nothing is needed."""

    def make(self, targets: Any, context: Context) -> list[Control | Failed]:
        return [Failed("nothing to say") for _ in targets]


def test_an_edit_of_two_texts_or_none_has_no_control(context: Context) -> None:
    both = {"premise": "a b", "hypothesis": "c d"}
    rows: list[dict[str, Any]] = [
        {"unit_id": "u", "reasons": [], "factual": both, "counterfactual": other, "label": 0, "control_of": None}
        for other in ({"premise": "a x", "hypothesis": "c x"}, both, {**both, "premise": "a x"})
    ]
    found = with_controls(rows, ("premise", "hypothesis"), _Echo(), context, "toy")
    assert [row["control_of"] for row in found] == [None, None, None, "u/0", "u/1", "u/2"]
    assert [row["reasons"][0] for row in found[3:]] == [
        "toy: control: the edit is in more than one text",
        "toy: control: the edit is in no text",
        "toy: control: nothing to say",
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("rule", "did you mean 'rules'"),
        ({"by": "llm", "trys": 3}, "did you mean 'tries'"),
        ({"by": "rules", "tolerance": -1}, "tolerance is -1"),
        ({"by": "llm", "tries": 0}, "tries is 0"),
        ({"by": "llm", "mode": "insertion"}, "completion, chat"),
        ({"by": "llm", "tries": "six"}, "tries is 'six'"),
    ],
)
def test_wrong_controls_are_recipe_errors(spec: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        open_controls(spec)


class _Broken:
    """A maker that breaks on one text, and gives an edit that stands nowhere for another."""

    note: ClassVar[str] = ""

    def borrow(self, engines: Any, name: str) -> None:
        """Nothing is borrowed."""

    def make(self, targets: Any, context: Context) -> list[Control | Failed]:
        if any("breaks" in each.text for each in targets):
            raise IndexError("no such word")
        return [Control((Edit("text", 0, 3, "The", "A", "paraphrase"),), 1, certain=False) for _ in targets]


def test_a_control_that_breaks_costs_no_pair_and_no_other_control(context: Context) -> None:
    texts = ["The dog barks.", "The dog breaks.", "Our dog barks."]
    rows = [
        {"unit_id": f"u{place}", "factual": {"text": text}, "counterfactual": {"text": text[:-1] + "!"}, "label": 0}
        for place, text in enumerate(texts)
    ]
    made = with_controls(rows, ("text",), _Broken(), context, "it")
    assert made[::2] == rows
    assert [row["reasons"] for row in made[1::2]] == [
        [],
        ["it: control: IndexError: no such word"],
        ["it: control: ValueError: 'The' does not stand at 0 to 3"],
    ]


def test_a_mistake_of_the_users_passes_through(context: Context) -> None:
    class Refusing(_Broken):
        def make(self, targets: Any, context: Context) -> list[Control | Failed]:
            raise RecipeError("no model")

    row = {"unit_id": "u", "factual": {"text": "a"}, "counterfactual": {"text": "b"}, "label": 0}
    with pytest.raises(RecipeError, match="no model"):
        with_controls([row], ("text",), Refusing(), context, "it")
