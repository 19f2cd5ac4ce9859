from __future__ import annotations

from contrafact.recipe import Recipe
from flows.scheduling.parameters import _MEANINGS, RecipeForm
from tests.core.builds import EVERY_OTHER, SMALL, toy


def test_every_key_of_a_recipe_has_its_meaning_in_the_form() -> None:
    assert set(_MEANINGS) == set(Recipe.model_fields)
    shown = RecipeForm.model_json_schema()["properties"]
    assert [shown[key]["description"] for key in shown] == [_MEANINGS[key] for key in shown]


def test_a_form_that_is_sent_back_unchanged_is_the_same_recipe() -> None:
    recipe = toy({"fail_every": 3}, filters={"small": SMALL, "turn": EVERY_OTHER}, tags=["a"])
    sent = RecipeForm.model_validate(recipe.spec())
    assert Recipe.model_validate(sent.model_dump()) == recipe
