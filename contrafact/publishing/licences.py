"""Licences: which the Hub knows by name, and which forbid that what was made from a thing be published.

Only what is sure is refused: terms that say no in their name. What a licence of another name asks is the publisher's
to know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from contrafact.errors import LicenceError

__all__ = ["HUB_LICENCES", "check_licences", "forbids", "hub_licence", "share_alike_notes"]

HUB_LICENCES = frozenset(
    [
        "apache-2.0",
        "mit",
        "openrail",
        "bigscience-openrail-m",
        "creativeml-openrail-m",
        "bigscience-bloom-rail-1.0",
        "bigcode-openrail-m",
        "afl-3.0",
        "artistic-2.0",
        "bsl-1.0",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsd-3-clause-clear",
        "c-uda",
        "cc",
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nd-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "cdla-sharing-1.0",
        "cdla-permissive-1.0",
        "cdla-permissive-2.0",
        "wtfpl",
        "ecl-2.0",
        "epl-1.0",
        "epl-2.0",
        "etalab-2.0",
        "eupl-1.1",
        "eupl-1.2",
        "agpl-3.0",
        "gfdl",
        "gpl",
        "gpl-2.0",
        "gpl-3.0",
        "lgpl",
        "lgpl-2.1",
        "lgpl-3.0",
        "isc",
        "h-research",
        "intel-research",
        "lppl-1.3c",
        "ms-pl",
        "apple-ascl",
        "apple-amlr",
        "mpl-2.0",
        "odc-by",
        "odbl",
        "openmdw-1.0",
        "openrail++",
        "osl-3.0",
        "postgresql",
        "ofl-1.1",
        "ncsa",
        "unlicense",
        "zlib",
        "pddl",
        "lgpl-lr",
        "deepfloyd-if-license",
        "fair-noncommercial-research-license",
        "llama2",
        "llama3",
        "llama3.1",
        "llama3.2",
        "llama3.3",
        "llama4",
        "grok2-community",
        "gemma",
        "unknown",
        "other",
    ]
)
"""Identifiers that the Hub takes as ``license`` of a card; any other is ``other`` with a ``license_name``."""

_SAYS_NO = (
    (re.compile(r"(?:^|[-_ /(])nd(?=$|[-_ /)\d])"), "it allows no derivatives, and counterfactuals of a work are that"),
    (re.compile(r"no[-_ ]?deriv"), "it allows no derivatives, and counterfactuals of a work are that"),
    (re.compile(r"(?:no|not)[-_ ](?:be[-_ ])?redistribut|non[-_ ]?redistribut"), "it forbids redistribution"),
    (re.compile(r"all[-_ ]rights[-_ ]reserved"), "all rights are reserved"),
    (re.compile(r"proprietary|confidential|internal[-_ ](?:use|only)|not[-_ ]for[-_ ]publication"), "it is not public"),
)
_SHARE_ALIKE = re.compile(r"(?:^|[-_ ])sa(?=$|[-_ \d])|^gpl|^agpl|^odbl")
_NOT_COMMERCIAL = re.compile(r"(?:^|[-_ ])nc(?=$|[-_ \d])|non[-_ ]?commercial")


def forbids(licence: str) -> str | None:
    """Why a licence forbids publishing what was made from a work; None where its name does not say so."""
    name = " ".join(licence.lower().split())
    return next((why for pattern, why in _SAYS_NO if pattern.search(name)), None)


def hub_licence(licence: str) -> tuple[str, str]:
    """The Hub's identifier and, where that is ``other`` only for want of a name, the name to give beside it."""
    known = licence.strip().lower()
    if known in HUB_LICENCES:
        return known, ""
    slug = re.sub(r"[^a-z0-9.+]+", "-", known).strip("-")
    return "other", slug


def check_licences(licence: str, inputs: Iterable[Mapping[str, Any]], *, overridden: bool = False) -> list[str]:
    """Notes on a dataset's licence and those of what it was made from.

    Parameters
    ----------
    licence : str
        The dataset's own.
    inputs : iterable of mapping
        As :meth:`contrafact.inputs.Input.spec` gives them.
    overridden : bool
        Publish all the same: what would be refused becomes a note.

    Raises
    ------
    LicenceError
        Where one of them forbids publishing.
    """
    inputs = list(inputs)
    refused = list(_refusals(licence, inputs))
    if refused and not overridden:
        raise LicenceError(
            f"this dataset may not be published: {'; '.join(refused)}",
            allowed="inputs whose licence lets what is made from them be shared",
            fix="make it from other inputs; or, where you have the right, --override-licence",
        )
    notes = [f"published although {each}" for each in refused]
    if not licence:
        notes.append("no licence is stated, so that nobody may use it; add licence: to the recipe and build again")
    return [*notes, *share_alike_notes(licence, inputs)]


def share_alike_notes(licence: str, inputs: Iterable[Mapping[str, Any]]) -> list[str]:
    """What an input's licence asks of the dataset's that the dataset's name does not show."""
    notes = []
    for each in inputs:
        theirs = str(each.get("licence", "")).lower()
        for pattern, asks in ((_SHARE_ALIKE, "to be shared alike"), (_NOT_COMMERCIAL, "no commercial use")):
            if pattern.search(theirs) and not pattern.search(licence.lower()):
                notes.append(f"{each['name']} is under {each['licence']}, which asks for {asks}; the dataset says"
                             f" {licence or 'nothing'}")  # fmt: skip
    return notes


def _refusals(licence: str, inputs: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    if why := forbids(licence):
        yield f"its licence is {licence!r}: {why}"
    for each in inputs:
        why = forbids(str(each.get("licence", "")))
        if each.get("publish") is False:
            yield f"{each['name']} is declared as publish: false"
        elif why and each.get("publish") is None:
            yield f"{each['name']} is under {each['licence']!r}: {why}"
