"""A recipe: the declarative description of one dataset, read whole and checked before any work starts."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from contrafact.errors import RecipeError, did_you_mean
from contrafact.explaining import wrong_value
from contrafact.identity import without_excluded
from contrafact.inputs import Input

__all__ = ["Recipe", "Stage", "find_recipe", "load_recipe", "parse_recipe", "recipe_folders"]

_REPOSITORY = Path(__file__).resolve().parent.parent
_ALIAS = re.compile(r"\w[\w-]{0,63}")  # names a folder, a step of the funnel and a column of scores
_RESERVED = ("all", "control", "none", "quota", "rejected")
"""Names that the funnel, the scores or the run directory give to something else."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stage(BaseModel):
    """A plug-in by name (``use``) with its options beside it."""

    model_config = ConfigDict(extra="allow", frozen=True)
    use: str

    @property
    def options(self) -> dict[str, Any]:
        """Everything but the name."""
        return dict(self.model_extra or {})


class Recipe(_Strict):
    """One dataset.

    Attributes
    ----------
    name : str
        Name of the dataset and, unless ``output`` says otherwise, of its folder in ``outputs/``.
    rows, accept : int
        Ask for so many units, or for so many accepted pairs. One of the two.
    max_units : int
        With ``accept``: the budget, after which generation ends whatever was accepted.
    shard_rows : int
        Units in a shard: the unit of work, of storage and of resume.
    generator : Stage
    filters : mapping of alias to Stage
        In the order in which they judge. The alias is the filter's name unless ``use`` gives another.
    engines : mapping
        The machines that stages borrow: ``llm``, ``embeddings`` and ``sandbox``, each with its settings.
    splits : mapping of name to share
        Shares that sum to one. Pairs with one ``group_id`` never part.
    media : str, optional
        Where clips and images lie: ``beside`` the Parquet as files, or ``inside`` it. Unless given, clips lie beside
        and images inside.
    inputs : list of Input
        What it is made from, with source and licence, beyond what the stages say themselves.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=96)]
    description: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    rows: Annotated[int, Field(gt=0)] | None = None
    accept: Annotated[int, Field(gt=0)] | None = None
    max_units: Annotated[int, Field(gt=0)] | None = None
    shard_rows: Annotated[int, Field(gt=0, le=10_000_000)] | None = None
    source: dict[str, Any] | str | None = None
    generator: Stage
    filters: dict[str, Stage] = {}
    splits: dict[Annotated[str, Field(pattern=r"^\w+(\.\w+)*$")], Annotated[float, Field(ge=0, le=1)]] = {
        "train": 0.8,
        "validation": 0.1,
        "test": 0.1,
    }
    engines: dict[Literal["llm", "embeddings", "sandbox"], dict[str, Any]] = {}
    media: Literal["beside", "inside"] | None = None
    output: str | None = None
    workers: Annotated[int, Field(gt=0)] | None = None
    licence: str = ""
    inputs: list[Input] = []
    citations: list[str] = []
    tags: list[str] = []

    @field_validator("filters", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """``graph: {}``, ``graph:`` and ``[graph, ...]`` all name the filter ``graph``."""
        if value is None:
            return {}
        items = [_single(item) for item in value] if isinstance(value, list) else None
        if items is None and not isinstance(value, Mapping):
            raise RecipeError(
                f"filters: {value!r} was given",
                allowed="a mapping of name to options, or a list of names",
                fix="write filters: {graph: {}, label_flip: {want: flip}}",
            )
        named: dict[Any, dict[str, Any]] = {}
        for alias, options in value.items() if items is None else items:
            if alias in named:
                raise RecipeError(
                    f"filters: {alias!r} is named twice", fix=f"write other_name: {{use: {alias}}} for one of them"
                )
            if options is not None and not isinstance(options, Mapping):
                raise RecipeError(
                    f"filters.{alias}: {options!r} was given as options",
                    allowed="a mapping of option to value",
                    fix=f"write {alias}: {{option: value}}",
                )
            _check_alias(alias)
            named[alias] = {"use": alias, **(options or {})}
        return named

    @field_validator("generator", mode="before")
    @classmethod
    def _generator(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @field_validator("seed", "rows", "accept", "max_units", "shard_rows", "workers", mode="before")
    @classmethod
    def _number(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML's yes and true would otherwise be the number 1."""
        if isinstance(value, bool):
            raise RecipeError(
                f"{info.field_name}: {value!r} was given, which is not a whole number",
                allowed="a whole number",
                fix=f"write {info.field_name}: 10",
            )
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.rows is None) == (self.accept is None):
            both = f"rows: {self.rows} and accept: {self.accept} were given"
            raise RecipeError(
                both if self.rows is not None else "neither rows nor accept was given",
                allowed="rows (so many units) or accept (so many accepted pairs), and not both",
                fix="keep one of them, such as rows: 1000",
            )
        if self.max_units is not None and self.accept is None:
            raise RecipeError(
                "max_units is the budget of accept, and rows already says how many units",
                allowed="max_units beside accept",
                fix="remove max_units, or write accept instead of rows",
            )
        if abs(sum(self.splits.values()) - 1) > 1e-9:
            raise RecipeError(
                f"splits: {dict(self.splits)} sums to {sum(self.splits.values()):g}",
                allowed="shares from 0 to 1 that sum to 1",
                fix="write splits: {train: 0.8, validation: 0.1, test: 0.1}",
            )
        return self

    def spec(self) -> dict[str, Any]:
        """The whole recipe as plain data, with what was left out filled in."""
        return self.model_dump(mode="json")

    def identity_spec(self) -> dict[str, Any]:
        """The part of the recipe that decides what the dataset holds."""
        return without_excluded(self.spec())


class _Loader(yaml.SafeLoader):
    """YAML without its silent surprise: a key written twice is an error, not a choice."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise yaml.constructor.ConstructorError(None, None, "a key is a list or mapping", key_node.start_mark)
        if key in seen:
            raise RecipeError(
                f"the key {key!r} is written twice (line {key_node.start_mark.line + 1})", fix="keep one of them"
            )
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def parse_yaml(text: str, where: str) -> Any:
    """YAML text as plain data. Raises ``RecipeError`` with the line where it does not parse."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise RecipeError(f"{where} is not valid YAML: {place}{getattr(error, 'problem', error)}") from None


def recipe_folders() -> list[Path]:
    """Where recipes are looked for by name: the current folder's, this repository's, the installed package's."""
    return [Path("recipes"), _REPOSITORY / "recipes", Path(__file__).resolve().parent / "recipes"]


def all_recipes() -> Iterator[Path]:
    """Every recipe that can be called by name, each name once."""
    seen: set[str] = set()
    for folder in recipe_folders():
        for path in sorted(folder.glob("*.yaml")):
            if path.stem not in seen:
                seen.add(path.stem)
                yield path


def find_recipe(name: str) -> Path:
    """The file of a recipe given by path or by name. Raises ``RecipeError`` where there is none."""
    if Path(name).is_file():
        return Path(name)
    known = {path.stem: path for path in all_recipes()}
    if name in known:
        return known[name]
    raise RecipeError(
        f"no recipe {name!r}{did_you_mean(name, known)}",
        allowed=f"a path to a YAML file, or one of {', '.join(known) or '(no recipes found)'}",
        fix="contrafact list recipes",
    )


def load_recipe(name: str, overrides: Sequence[str] = (), **changes: Any) -> tuple[Recipe, Path]:
    """A recipe by path or name, and its file.

    Parameters
    ----------
    overrides : sequence of str
        ``a.b=c`` settings; c is read as YAML, and list items are named by number.
    changes : any
        Top-level keys to set; None leaves one as it is. ``rows`` and ``accept`` push each other out.
    """
    path = find_recipe(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} cannot be read: {error}") from None
    data = parse_yaml(text, str(path))
    if not isinstance(data, dict):
        raise RecipeError(f"{path} holds no mapping", allowed="keys such as name, rows, generator")
    if changes.get("rows") is not None and changes.get("accept") is not None:
        raise RecipeError("rows (so many units) and accept (so many accepted pairs) were given, and not both can be")
    for setting in overrides:
        _set(data, setting)
    for key, value in changes.items():
        if value is not None:
            _replace(data, key, value)
    data.setdefault("name", path.stem)
    return parse_recipe(data), path


def parse_recipe(data: Mapping[str, Any]) -> Recipe:
    """A recipe from plain data. Raises ``RecipeError`` for the first thing that is wrong, with the nearest key."""
    if not isinstance(data, Mapping):
        raise RecipeError(f"a recipe is a mapping, and {str(data)[:60]!r} is none", allowed="name: …, rows: …")
    try:
        return Recipe.model_validate(dict(data))
    except ValidationError as error:
        raise _explained(error) from None


def _explained(error: ValidationError) -> RecipeError:
    # A key that is missing may be one that was mistyped: say that first.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return RecipeError(
            f"unknown key {where!r} in the recipe{did_you_mean(where, Recipe.model_fields)}",
            allowed=", ".join(Recipe.model_fields),
        )
    if first["type"] == "missing":
        return RecipeError(f"the recipe has no {where!r}", fix=f"add {where}: …")
    return wrong_value(each for each in error.errors() if each["type"] not in ("extra_forbidden", "missing"))


def _check_alias(alias: Any) -> None:
    if isinstance(alias, str) and _ALIAS.fullmatch(alias) and alias not in _RESERVED:
        return
    taken = alias in _RESERVED
    raise RecipeError(
        f"filters: {alias!r} {'means something else in a dataset' if taken else 'cannot name a filter'}",
        allowed="letters, digits, '_' and '-', at most 64, with no '-' first"
        + (f"; not {', '.join(_RESERVED)}" if taken else ""),
        fix=f"write my_name: {{use: {alias!r}}}",
    )


def _single(item: Any) -> tuple[str, Any]:
    if isinstance(item, str):
        return item, {}
    if isinstance(item, Mapping) and len(item) == 1:
        return next(iter(item.items()))
    raise RecipeError(
        f"filters: {item!r} stands in the list",
        allowed="a name, or one 'name: {options}'",
        fix="write filters: [graph, label_flip: {want: flip}]",
    )


def _replace(data: dict[str, Any], key: str, value: Any) -> None:
    if key in ("rows", "accept"):
        data.pop("accept" if key == "rows" else "rows", None)
        if key == "rows":
            data.pop("max_units", None)
    data[key] = value


def _set(data: dict[str, Any], setting: str) -> None:
    path, equals, text = setting.partition("=")
    if not equals or not path:
        raise RecipeError(
            f"--set {setting!r} sets nothing", allowed="--set a.b=c", fix="--set filters.support.margin=0.1"
        )
    value = parse_yaml(text, f"--set {setting}")
    *parents, last = path.split(".")
    place: Any = data
    for step, parent in enumerate(parents):
        place = _stepped(place, parent, ".".join(parents[: step + 1]))
    if isinstance(place, list):
        place[_position(place, last, path)] = value
    elif place is data:
        _replace(data, last, value)
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise RecipeError(f"--set {path}: {'.'.join(parents)} holds a single value, not keys")


def _stepped(place: Any, key: str, path: str) -> Any:
    if isinstance(place, list):
        return place[_position(place, key, path)]
    if not isinstance(place, dict):
        raise RecipeError(f"--set: {path} goes into something that has no keys")
    if place.get(key) is None:
        place[key] = {}
    return place[key]


def _position(items: list[Any], key: str, path: str) -> int:
    if not key.isdigit() or int(key) >= len(items):
        raise RecipeError(
            f"--set {path}: {key!r} is no position in a list of {len(items)}",
            allowed=", ".join(map(str, range(len(items)))) or "nothing: the list is empty",
            fix="count the positions from 0",
        )
    return int(key)
