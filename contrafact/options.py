"""Options of a plug-in: what a recipe gives, against the type hints of what takes it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from contrafact.errors import RecipeError, did_you_mean
from contrafact.explaining import wrong_value

__all__ = ["checked_options"]


def checked_options(
    made: Any, taken: Mapping[str, inspect.Parameter], options: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Options of a class or function, checked against its type hints and converted where YAML has no such type.

    Raises
    ------
    RecipeError
        For an option that is unknown, missing or of the wrong type, with its place below ``where``.
    """
    from pydantic import ConfigDict, ValidationError, create_model

    parameters = {
        name: parameter
        for name, parameter in taken.items()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }
    for name in options:
        if name not in parameters:
            raise RecipeError(
                f"{where} has an unknown option {name!r}{did_you_mean(name, parameters)}",
                allowed=", ".join(parameters) or "no options",
            )
    fields: dict[str, Any] = {
        name: (_hint(made, parameter), ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in parameters.items()
    }
    # Field names may begin with "model_" or shadow methods; a prefix keeps them out of pydantic's way.
    model = create_model(
        "Options",
        __config__=ConfigDict(arbitrary_types_allowed=True, strict=False),
        **{f"o_{name}": field for name, field in fields.items()},
    )
    try:
        checked = model(**{f"o_{name}": value for name, value in options.items()})
    except ValidationError as error:
        raise wrong_value(({**each, "loc": _unprefixed(each["loc"])} for each in error.errors()), where) from None
    return {name: getattr(checked, f"o_{name}") for name in options}


def _unprefixed(place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    return (str(place[0]).removeprefix("o_"), *place[1:])


def _hint(made: Any, parameter: inspect.Parameter) -> Any:
    function = made.__init__ if inspect.isclass(made) else made
    try:
        hints = inspect.get_annotations(function, eval_str=True)
    except Exception:  # noqa: BLE001  # an author's hint may name what only a type checker imports
        return Any
    return hints.get(parameter.name, Any)
