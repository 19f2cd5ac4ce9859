"""What is asked about a pair, and what is answered: one form for each kind of task, told by the members' names.

A form is a default. ``--prompt``, ``--response`` and ``--chosen`` replace any part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from contrafact.record import levels_of

__all__ = ["EXACT", "Form", "form_of", "text_fields"]

EXACT = "contrafact.exports.rewards:exact"
"""The verifier of answers that are one of a few words."""


@dataclass(frozen=True)
class Form:
    """How a kind of pair is asked about.

    Attributes
    ----------
    needs : frozenset of str
        Members that such a pair has.
    content : str
        Template of what a member is, for triplets.
    prompt, response : str
        Templates over one member (``{text}``), its label (``{label}``), all labels (``{labels}``) and the other member
        (``{other.text}``). Empty where nothing can be asked without further words.
    reference : str
        Template of what the verifier compares a response with; the response unless given.
    verifier : str
        Import path of a function ``(response, reference) -> float``.
    counterfactual_only : bool
        Whether only counterfactuals are asked about, where the fact is told in the question.
    preferred : str
        Label of the member to prefer, where members themselves are the responses; else each member's own label is
        preferred to the other's.
    wanted : str
        Template of the prompt to which the preferred member is the response.
    sees : tuple of str
        Members that a small student reads (:mod:`contrafact.evaluation`); all texts unless given.
    """

    needs: frozenset[str]
    content: str
    prompt: str = ""
    response: str = "{label}"
    reference: str = ""
    verifier: str = EXACT
    counterfactual_only: bool = False
    preferred: str = ""
    wanted: str = ""
    sees: tuple[str, ...] = ()


_BLOCK = "```\n{code}\n```"
_BROKEN = "```\n{other.code}\n```"
_ENDS = ("ended", "value", "after", "printed")


def _ended(side: str) -> str:
    """How a call ended: what was returned or raised, its arguments afterwards, what was printed."""
    return " ".join(f"{{{side}{name}}}" for name in _ENDS)


_FORMS = (
    Form(
        frozenset({"question", "answers"}),
        "{question}",
        "{question}",
        "Answer: {answers}",
        "[{answers}]",
        "generators.code.executable.reward:verify",
        counterfactual_only=True,
    ),
    Form(frozenset({"question", "answer"}), "{question}", "{question}", "{answer}"),
    Form(frozenset({"question"}), "{question}", "{question}"),
    Form(
        frozenset({"code", "language", "cwe"}),
        "{code}",
        "Does this {language} function have the weakness CWE-{cwe}?\n\n"
        f"{_BLOCK}\n\nAnswer with one word: {{labels}}.",
        preferred="safe",
        wanted="This {language} function has the weakness CWE-{cwe}. Mend it, and change nothing else.\n\n" + _BROKEN,
        sees=("code",),
    ),
    Form(
        frozenset({"code", "prelude", "call", *_ENDS}),
        "{code}",
        "Here is a function, with what it needs.\n\n```\n{prelude}\n\n{code}\n```\n\n"
        f"`{{call}}` should end in: {_ended('factual.')}\nDoes it? Answer with one word: {{labels}}.",
        preferred="passes",
        wanted=f"There is a slip in this function: `{{call}}` ends in: {_ended('other.')}\n"
        f"It should end in: {_ended('')}\nMend it, and change nothing else.\n\n{_BROKEN}",
        sees=("code", "call"),
    ),
    Form(
        frozenset({"pattern", "string"}),
        "{pattern}",
        "Does the regular expression\n{pattern}\nmatch the whole of this text?\n{string}\n\n"
        "Answer with one word: {labels}.",
    ),
    Form(
        frozenset({"premise", "hypothesis"}),
        "{premise}\n{hypothesis}",
        "Premise: {premise}\nHypothesis: {hypothesis}\n\n"
        "What is the hypothesis to the premise? Answer with one of: {labels}.",
    ),
    Form(frozenset({"code"}), "{code}", f"{_BLOCK}\n\nWhich label fits this code? Answer with one of: {{labels}}."),
    Form(frozenset({"text"}), "{text}", "{text}\n\nWhich label fits this text? Answer with one of: {labels}."),
)


def form_of(schema: pa.Schema) -> Form:
    """The form of a dataset's pairs. One without text is returned too, and has neither prompt nor content.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the stored pairs.
    """
    label = schema.field("label")
    names = {each.name for each in schema.field("factual").type}
    known = levels_of(label) or ()
    for form in _FORMS:
        if form.needs <= names and (not form.preferred or form.preferred in known):
            return form
    texts = text_fields(schema)
    if len(texts) != 1:
        return Form(frozenset(), "")
    own = f"{{{texts[0]}}}"
    asked = f"{own}\n\nWhich label fits this text? Answer with one of: {{labels}}." if known else ""
    return Form(frozenset(), own, asked)


def text_fields(schema: pa.Schema) -> Sequence[str]:
    """Members that are text, in order."""
    return tuple(each.name for each in schema.field("factual").type if pa.types.is_string(each.type))
