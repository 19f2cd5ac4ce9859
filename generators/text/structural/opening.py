"""Settings as files: the built-in ones by name, a user's by path, or written out in the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contrafact.errors import RecipeError, did_you_mean
from contrafact.identity import identity_of
from contrafact.recipe import parse_yaml
from generators.scm.model import SCM
from generators.text.pieces import Piece, parse, slot_of
from generators.text.structural.concepts import ANY, NUMBER, Concept, concept_of
from generators.text.structural.setting import Setting, Style

__all__ = ["SETTINGS", "read_setting", "written_setting"]

_FOLDER = Path(__file__).parent / "settings"
SETTINGS = tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))
"""Built-in settings."""

_KEYS = ("scm", "label", "styles", "personas", "details", "concepts")
_STYLE_KEYS = ("register", "about", "templates")
_PROBES = {"real": 7.0, "integer": 7}


def written_setting(given: str | Mapping[str, Any], folder: Path | None) -> tuple[str, Mapping[str, Any]]:
    """Name and content of a setting: a built-in one, a YAML file (from ``folder``), or what the recipe holds.

    Raises
    ------
    RecipeError
        For an unknown name, a file that is not there or is no YAML mapping, an unknown or missing key.
    """
    name, spec = ("setting", given) if not isinstance(given, str) else _file(given, folder)
    for key in spec:
        if key not in _KEYS:
            raise RecipeError(f"{name} has no key {key!r}{did_you_mean(str(key), _KEYS)}", allowed=", ".join(_KEYS))
    for key in ("styles", "concepts"):
        if not isinstance(spec.get(key), Mapping) or not spec[key]:
            raise RecipeError(
                f"{name}: {key} is {spec.get(key)!r}", allowed=f"a mapping of name to what the {key} hold"
            )
    return name, spec


def read_setting(name: str, spec: Mapping[str, Any], model: SCM) -> Setting:
    """A setting in words of a model, checked: every template tells every concept, every wording is read back.

    Raises
    ------
    RecipeError
        For anything that would give a wrong text, or one that the reader could not read.
    """
    styles = {str(each): _style(str(each), given, name) for each, given in spec["styles"].items()}
    registers = list(dict.fromkeys(style.register for style in styles.values()))
    concepts = {}
    for each, given in spec["concepts"].items():
        if each not in model.observed:
            raise RecipeError(
                f"{name}: the concept {each!r} is no observed variable of {model.name!r}"
                f"{did_you_mean(str(each), model.observed)}",
                allowed=", ".join(model.observed),
            )
        support = model.variables[each].support
        concepts[str(each)] = concept_of(str(each), given, support, registers, f"{name}.concepts.{each}")
    personas = _personas(spec.get("personas", [{}]), name)
    details = _details(spec.get("details", {}), name)
    words = {key: value for key, value in spec.items() if key not in ("scm", "label")}
    setting = Setting(name, styles, personas, concepts, details, identity_of(words))
    _check_templates(setting)
    _check_slots(setting)
    _check_reader(setting, model)
    return setting


def _file(name: str, folder: Path | None) -> tuple[str, Mapping[str, Any]]:
    path = _FOLDER / f"{name}.yaml" if name in SETTINGS else (folder or Path()) / name
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise RecipeError(
            f"no setting is called {name!r}{did_you_mean(name, SETTINGS)}",
            allowed=f"{', '.join(SETTINGS)}; path/to/setting.yaml",
        ) from None
    spec = parse_yaml(text, path.name)
    if not isinstance(spec, Mapping):
        raise RecipeError(f"{path.name} is no setting", allowed=f"a mapping with {', '.join(_KEYS)}")
    return path.stem, spec


def _style(name: str, given: Any, setting: str) -> Style:
    where = f"{setting}.styles.{name}"
    if not isinstance(given, Mapping) or "templates" not in given or not set(given) <= set(_STYLE_KEYS):
        raise RecipeError(f"{where} is {given!r}", allowed=f"a mapping with templates; where wanted {_STYLE_KEYS[:2]}")
    templates = _texts(given["templates"], f"{where}.templates")
    parsed = [parse(text.strip(), where) for text in templates]
    return Style(name, str(given.get("register", ANY)), str(given.get("about", name)), parsed)


def _personas(given: Any, setting: str) -> list[dict[str, str]]:
    if not isinstance(given, list) or not given or not all(isinstance(each, Mapping) for each in given):
        raise RecipeError(f"{setting}.personas is {given!r}", allowed="a list of mappings of slot to text")
    personas = [{str(slot): str(text) for slot, text in each.items()} for each in given]
    for place, each in enumerate(personas):
        missing = personas[0].keys() ^ each.keys()
        if missing:
            raise RecipeError(
                f"{setting}.personas: number {place + 1} and number 1 differ in {', '.join(sorted(missing))}",
                allowed="the same slots in all of them",
            )
    return personas


def _details(given: Any, setting: str) -> dict[str, list[str]]:
    if not isinstance(given, Mapping):
        raise RecipeError(f"{setting}.details is {given!r}", allowed="a mapping of slot to a list of texts")
    return {str(slot): _texts(texts, f"{setting}.details.{slot}") for slot, texts in given.items()}


def _texts(given: Any, where: str) -> list[str]:
    if not isinstance(given, list) or not given or not all(isinstance(each, str) and each for each in given):
        raise RecipeError(f"{where} is {given!r}", allowed="a list of texts, at least one")
    return given


def _check_templates(setting: Setting) -> None:
    for style in setting.styles.values():
        for pieces in style.templates:
            named = {each.text for each in pieces if each.kind == "concept"}
            for each in named ^ setting.concepts.keys():
                known = each in setting.concepts
                raise RecipeError(
                    f"{setting.name}: a template of {style.name} "
                    + (f"does not tell {each!r}" if known else f"tells {each!r}, which is no concept"),
                    allowed="templates that name every concept",
                    fix=f"write [{each}] into it" if known else f"take [{each}] out, or describe it under concepts",
                )


def _check_slots(setting: Setting) -> None:
    known = {**setting.personas[0], **dict.fromkeys(setting.details, "x")}
    for where, pieces, extra in _all_pieces(setting):
        for each in pieces:
            if each.kind == "slot":
                try:
                    slot_of(each.text, {**known, **extra})
                except KeyError:
                    names = [*known, *extra]
                    raise RecipeError(
                        f"{setting.name}: {where} has an unknown slot {{{each.text}}}{did_you_mean(each.text, names)}",
                        allowed=", ".join(names) or "no slots",
                    ) from None


def _all_pieces(setting: Setting) -> list[tuple[str, tuple[Piece, ...], dict[str, str]]]:
    found: list[tuple[str, tuple[Piece, ...], dict[str, str]]] = [
        (f"a template of {style.name}", pieces, {}) for style in setting.styles.values() for pieces in style.templates
    ]
    for name, concept in setting.concepts.items():
        extra = {"value": "7"} if concept.numeric else {}
        for by_value in concept.wordings.values():
            found += [(f"a wording of {name}", pieces, extra) for texts in by_value.values() for pieces in texts]
    return found


def _check_reader(setting: Setting, model: SCM) -> None:
    """Every wording, by itself and with the first persona and details, must read as its own value."""
    slots = {**setting.personas[0], **{name: texts[0] for name, texts in setting.details.items()}}
    for name, concept in setting.concepts.items():
        for register, by_value in concept.wordings.items():
            for value in by_value:
                written = value if value != NUMBER else concept.written(_PROBES[model.variables[name].support.kind])
                for place in range(concept.count):
                    _check_read(setting, concept, written, concept.says(written, place, register, slots))


def _check_read(setting: Setting, concept: Concept, value: str, text: str) -> None:
    found = concept.reads(text)
    if found != value:
        raise RecipeError(
            f"{setting.name}: {text!r} says that {concept.name} is {value}, and its patterns read {found or 'nothing'}",
            allowed="wordings that exactly the patterns of their own value match",
            fix=f"mend concepts.{concept.name}.read",
        )
