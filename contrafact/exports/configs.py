"""Exports as configs of the dataset: how ``load_dataset(DIR, config)`` finds them, and the card names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from contrafact.card import is_made, write_card
from contrafact.errors import UserError
from contrafact.publishing.configs import EXPORTS, configs_of
from contrafact.publishing.croissant import write_croissant
from contrafact.recipe import Recipe, load_recipe
from contrafact.store.atomic import write_text
from contrafact.store.layout import REJECTED, RunDirectory

__all__ = ["EXPORTS", "RECORD", "TAKEN", "card_is_ours", "list_in_card"]

RECORD = "export.json"
"""What an export says of itself, in its folder."""

TAKEN = frozenset({"pairs", "hidden", "default", REJECTED})
"""Names of configs that a dataset has by itself."""

_HEADER = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)


def card_is_ours(directory: RunDirectory, manifest: Mapping[str, Any]) -> bool:
    """Whether the card is what would be written now: nobody has changed it by hand."""
    return directory.card.is_file() and is_made(directory.card.read_text(encoding="utf-8"))


def list_in_card(directory: RunDirectory, manifest: Mapping[str, Any], *, ours: bool) -> None:
    """Have the card name every export, and none that is gone.

    Parameters
    ----------
    ours : bool
        Whether the card may be written anew (:func:`card_is_ours`, before the exports changed). Of one that somebody
        changed only the header's ``configs`` are, and nothing where that is no YAML.
    """
    recipe = _recipe(directory)
    if recipe is not None:
        write_croissant(directory, manifest, recipe)
    if ours and recipe is not None:
        write_card(directory, manifest, recipe)
    elif directory.card.is_file():
        _change_header(directory.card, directory.path, manifest)


def _recipe(directory: RunDirectory) -> Recipe | None:
    """The dataset's recipe; None where it cannot be read any more."""
    try:
        return load_recipe(str(directory.recipe))[0]
    except UserError:
        return None


def _change_header(card: Path, folder: Path, manifest: Mapping[str, Any]) -> None:
    text = card.read_text(encoding="utf-8")
    found = _HEADER.match(text)
    try:
        header = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError:
        return
    if not isinstance(header, dict) or not isinstance(header.get("configs", []), list):
        return
    views = [
        {
            "config_name": config.name,
            "description": config.mark,
            "data_files": [{"split": split, "path": path} for split, path in config.files.items()],
        }
        for config in configs_of(folder, manifest)
        if config.view
    ]
    configs = [each for each in header.get("configs", []) if not _is_export(each)] + views
    if configs != header.get("configs", []):
        told = yaml.safe_dump(header | {"configs": configs}, sort_keys=False, allow_unicode=True, width=1000)
        write_text(card, f"---\n{told}---\n{text[found.end() :] if found else text}")


def _is_export(config: Any) -> bool:
    files = config.get("data_files") if isinstance(config, dict) else None
    paths = [str(each.get("path", "")) for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    return bool(paths) and all(path.startswith(f"{EXPORTS}/") for path in paths)
