"""The card as it goes up: made anew for its new place, or the author's own words where somebody has changed it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from contrafact.card import Home, is_made, render_card
from contrafact.publishing.configs import HIDDEN_CONFIG, Config, configs_of
from contrafact.recipe import Recipe
from contrafact.store.layout import RunDirectory

__all__ = ["card_to_push"]

_HEADER = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)


def card_to_push(directory: RunDirectory, manifest: Mapping[str, Any], recipe: Recipe, home: Home) -> tuple[str, bool]:
    """The text, and whether it was changed by hand since it was made.

    A card that was changed goes up as it is. Only its header loses configurations whose files stay behind, and gets
    those that it does not name.
    """
    card = directory.card
    if not card.is_file():
        return render_card(directory, manifest, recipe, home), False
    text = card.read_text(encoding="utf-8")
    if is_made(text):
        return render_card(directory, manifest, recipe, home), False
    return _with_configs(text, configs_of(directory.path, manifest, hidden=home.hidden), home), True


def _with_configs(text: str, configs: Sequence[Config], home: Home) -> str:
    found = _HEADER.match(text)
    try:
        header = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError:
        return text  # the hub says what is wrong with it
    if not isinstance(header, dict) or not isinstance(header.get("configs", []), list):
        return text
    given = header.get("configs", [])
    kept = [each for each in given if home.hidden or not _stays_behind(each)]
    names = {each.get("config_name") for each in kept if isinstance(each, dict)}
    kept += [_entry(config) for config in configs if config.name not in names]
    if kept == given:
        return text
    told = yaml.safe_dump(header | {"configs": kept}, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{told}---\n{text[found.end() :] if found else text}"


def _entry(config: Config) -> dict[str, Any]:
    files = [{"split": split, "path": path} for split, path in config.files.items()]
    kind = {"default": True} if config.default else {}
    return {"config_name": config.name, **kind, "description": config.mark, "data_files": files}


def _stays_behind(config: Any) -> bool:
    files = config.get("data_files") if isinstance(config, dict) else None
    paths = [str(each.get("path", "")) for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    return bool(paths) and all(path.startswith(f"{HIDDEN_CONFIG}/") for path in paths)
