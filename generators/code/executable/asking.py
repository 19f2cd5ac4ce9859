"""The words of a question: code or story, what was seen, and what is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from generators.code.executable.abduction import text_of
from generators.code.executable.drawing import Range, Story

__all__ = ["Mode", "ask"]

Mode = Literal["counterfactual", "interventional"]

_UNKNOWN = re.compile("<([^>]*)>")
_ONE = re.compile(r"(?<![\d.-])1 (coin|cent|litre|week|day|egg|roll|passenger|people|person|teacher|kg)s?\b")


def ask(
    mode: Mode,
    code: str,
    name: str,
    story: Story | None,
    visible: str,
    inputs: tuple[Any, Any],
    output: str,
    domain: Mapping[str, Range],
    hidden: Mapping[str, int],
) -> str:
    """The whole prompt for one input.

    Parameters
    ----------
    name : str
        The function that is called.
    inputs : tuple of two
        The input of the fact, and the one that is asked about. Where they are the same, the fact itself is asked for.
    output : str
        What the fact returned, as text.
    hidden : mapping of name to int
        The true hidden values, told in the interventional mode alone.
    """
    if story is not None:
        return _word_problem(mode, story, inputs, output, hidden)
    what = "text in double quotes" if output.startswith('"') else "number"
    fact, other = (f"`{visible} = {text_of(each)}`" for each in inputs)
    beginning = f"Here is some Python code.\n\n```python\n{code}```\n\n"
    if mode == "interventional":
        given = _listed([other, *(f"`{key} = {value}`" for key, value in hidden.items())])
        told = f"`{name}` is called with {given}. What does it return?"
        return f"{beginning}{told}\n\n{_ending(mode, what)}"
    names = _listed([f"`{key}`" for key in domain])
    many = len(domain) > 1
    told = (
        f"`{name}` was called once. Its argument{'s' if many else ''} {names} {'are' if many else 'is'} hidden: "
        f"{_ranges(domain)}. With {fact} the call returned {output}."
    )
    if inputs[0] == inputs[1]:
        return f"{beginning}{told}\n\nWhat did the call return?\n\n{_ending(mode, what)}"
    asked = (
        f"Suppose that the same call had been made with {other} instead, and that the hidden "
        f"value{'s' if many else ''} had been the same. What would it have returned?"
    )
    return f"{beginning}{told}\n\n{asked}\n\n{_ending(mode, what)}"


def _word_problem(mode: Mode, story: Story, inputs: tuple[Any, Any], output: str, hidden: Mapping[str, int]) -> str:
    fact, other = inputs
    background = _UNKNOWN.sub("" if mode == "interventional" else r"\1", story.background)
    if mode == "interventional":
        middle = f"{story.known} {story.forward} {story.forward_ask}"
    elif fact == other:
        middle = f"{story.fact} {story.forward_ask}"
    else:
        middle = f"{story.fact}\n\n{story.suppose} {story.ask}"
    (value,) = hidden.values()
    filled = middle.format(fact=fact, other=other, result=output, hidden=value)
    return f"{_singular(background)} {_singular(filled)}\n\n{_ending(mode, 'number')}"


def _ending(mode: Mode, what: str) -> str:
    if mode == "interventional":
        return f"End with a line that begins with `Answer:` and gives the {what}."
    return (
        "More than one hidden value may fit what was seen. End with a line that begins with `Answer:` and lists every "
        f"result that is possible, each {what} once, separated by commas."
    )


def _ranges(domain: Mapping[str, Range]) -> str:
    spans = set(domain.values())
    if len(domain) == 1:
        ((low, high),) = spans
        return f"it is a whole number from {low} to {high}"
    if len(spans) == 1:
        ((low, high),) = spans
        return f"each of them is a whole number from {low} to {high}"
    return ", ".join(f"`{name}` is a whole number from {low} to {high}" for name, (low, high) in domain.items())


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _singular(text: str) -> str:
    """One coin, not one coins."""
    return _ONE.sub(lambda found: f"1 {'person' if found[1] == 'people' else found[1]}", text)
