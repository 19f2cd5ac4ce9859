"""A plan: a recipe with every plug-in found, made and checked, and nothing done yet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from contrafact import __version__
from contrafact.engines import Engines
from contrafact.errors import PluginError, RecipeError
from contrafact.identity import identity_of
from contrafact.plugincode import PluginCode, libraries, plugin_code
from contrafact.plugins import create, find, parameters_of
from contrafact.recipe import Recipe
from contrafact.record import HIDDEN, hidden_schema, pair_schema
from contrafact.stages import Context, Generator, PairFilter, SetFilter, Source
from contrafact.store.layout import FORMAT, REJECTED, RunDirectory
from contrafact.store.remote import open_directory
from contrafact.streams import Streams

__all__ = ["Plan", "assemble", "identity_parts", "make_generator", "make_plan", "source_of"]

_BUDGET = 100
_LEAST_QUOTA_SHARD = 256
_PROOF = 16


@dataclass(frozen=True)
class Plan:
    """Everything a build needs to know, settled before it starts."""

    recipe: Recipe
    folder: Path
    directory: RunDirectory
    generator: Generator
    source: Source
    filters: tuple[PairFilter, ...]
    set_filters: tuple[SetFilter, ...]
    parts: Mapping[str, str]
    engines: Engines
    code: PluginCode

    @cached_property
    def identity(self) -> str:
        """Hash of everything that decides the bytes of the dataset."""
        return identity_of(self.parts)

    @cached_property
    def shard_rows(self) -> int:
        """Units in a shard: the recipe's, else the generator's, but with a quota no more than about half of it.

        A quota is met within a shard, and the rest of that shard is made for nothing. A power of two, so that quotas
        that are near each other cut the units alike.
        """
        if self.recipe.shard_rows is not None or self.recipe.accept is None:
            return self.recipe.shard_rows or self.generator.shard_rows
        half = 1 << (-(-self.recipe.accept // 2) - 1).bit_length()
        return min(self.generator.shard_rows, max(_LEAST_QUOTA_SHARD, half))

    @property
    def workers(self) -> int:
        return self.recipe.workers or os.cpu_count() or 1

    @property
    def staged(self) -> bool:
        """Whether shards must wait for each other: set filters and quotas look at more than one."""
        return bool(self.set_filters) or self.recipe.accept is not None

    @cached_property
    def units(self) -> int:
        """Units at the most: ``rows``, or the budget of ``accept``, or what the source has."""
        asked = self.recipe.rows or self.recipe.max_units or _BUDGET * (self.recipe.accept or 1)
        there = self.source.rows()
        return asked if there is None else min(asked, there)

    @property
    def shards(self) -> int:
        return -(-self.units // self.shard_rows)

    @property
    def proof(self) -> int:
        """Rows from which on a stage that fails on all of them is taken to fail always, and stops the build."""
        return min(_PROOF, self.shard_rows, self.units)

    def span(self, shard: int) -> tuple[int, int]:
        """First unit of a shard, and the one after its last."""
        return shard * self.shard_rows, min((shard + 1) * self.shard_rows, self.units)

    @cached_property
    def source_key(self) -> str:
        """Identity of the units: the same model and seed give the same units, whatever is then done to them."""
        return identity_of([self.recipe.seed, self.generator.identity()])

    def context(self, start: int) -> Context:
        streams = Streams(self.recipe.seed, self.source_key)
        return Context(streams, self.identity, self.recipe.seed, start, self.engines, self.proof, self.source)

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema of the stored pairs."""
        scores = [column for each in (*self.filters, *self.set_filters) for column in each.score_fields()]
        return pair_schema(self.generator.shape(), scores)

    @cached_property
    def hidden_schema(self) -> pa.Schema | None:
        return hidden_schema(self.generator.shape())

    @cached_property
    def working_schema(self) -> pa.Schema:
        """Schema of pairs on their way: with the hidden truth as one more column."""
        hidden = list(self.generator.shape().hidden)
        return self.schema.append(pa.field(HIDDEN, pa.struct(hidden))) if hidden else self.schema

    @cached_property
    def provenance(self) -> dict[str, Any]:
        return {
            "recipe": self.identity,
            "code_version": __version__,
            "seed": self.recipe.seed,
            "model": self.generator.model_name(),
            "model_origin": self.generator.model_origin(),
            "first_source": self.generator.label_source,
            "request_ids": [],
            "cost": 0.0,
        }


def make_plan(
    recipe: Recipe, recipe_file: Path | None = None, out: str | Path | None = None, *, replay: bool = False
) -> Plan:
    """Find, make and check everything that a recipe names. Writes nothing.

    Parameters
    ----------
    recipe_file : Path, optional
        The recipe's own file: paths in it are looked for beside it first.
    out : path, optional
        The run directory, a folder or an address such as ``s3://bucket/name``; ``output`` of the recipe, or
        ``outputs/<name>``, where it is not given.
    replay : bool
        Answer what is asked of a language model from its cache alone.

    Raises
    ------
    UserError
        For anything that could not be built.
    """
    folder = (recipe_file.parent if recipe_file else Path()).resolve()
    generator = make_generator(recipe, folder)
    source = source_of(recipe, generator, folder)
    directory = open_directory(out or recipe.output or Path("outputs") / recipe.name)
    return assemble(recipe, folder, directory, generator, source, Engines(recipe.engines, replay))


def assemble(
    recipe: Recipe,
    folder: Path,
    directory: RunDirectory,
    generator: Generator,
    source: Source,
    engines: Engines,
    known: Mapping[str, str] | None = None,
) -> Plan:
    """A plan from what was made already; filters are made here.

    Parameters
    ----------
    known : mapping, optional
        Parts of the identity that are not to be found out again: ``source``, ``generator``, ``filter <alias>``, ...
    """
    known = dict(known or {})
    generator.borrow(engines)
    lent = {} if "engines" in known else engines.identities()
    filters = list(_filters(recipe, generator, engines, folder))
    code = plugin_code(recipe.spec(), folder)
    parts = {**identity_parts(recipe, generator, code), **known}
    if "source" not in known:
        parts["source"] = identity_of(source.identity())
    if lent:
        parts["engines"] = identity_of(lent)
    if "generator" not in known and (opened := generator.borrowed()) is not None:
        parts["generator"] = identity_of(opened)
    for each in filters:
        if f"filter {each.alias}" not in known and (own := each.identity()) is not None:
            parts[f"filter {each.alias}"] = identity_of(own)
    plan = Plan(
        recipe,
        folder,
        directory,
        generator,
        source,
        tuple(each for each in filters if isinstance(each, PairFilter)),
        tuple(each for each in filters if isinstance(each, SetFilter)),
        parts,
        engines,
        code,
    )
    _check(plan)
    for each in plan.filters:
        each.proof = plan.proof
    return plan


def identity_parts(recipe: Recipe, generator: Generator, code: PluginCode) -> dict[str, str]:
    """What a dataset's identity is made of, but for its source: a hash each, so that a change can be named."""
    return {
        "recipe": identity_of(recipe.identity_spec()),
        "model": identity_of(generator.identity()),
        "plug-ins": identity_of(code.spec()),
        "program": identity_of([FORMAT, __version__]),
        "libraries": identity_of(libraries()),
    }


def make_generator(recipe: Recipe, folder: Path) -> Generator:
    """The recipe's generator. Relative paths start in ``folder``."""
    name, options = recipe.generator.use, recipe.generator.options
    made = create(
        "generator",
        name,
        {"folder": folder, **options} if _wants_folder("generator", name, folder) else options,
        "generator",
        folder,
    )
    if not isinstance(made, Generator):
        raise PluginError(f"{name!r} is no generator", fix="subclass contrafact.stages.Generator or RowGenerator")
    return made


def _wants_folder(kind: str, name: str, folder: Path) -> bool:
    return "folder" in parameters_of(find(kind, name, folder), name)


def source_of(recipe: Recipe, generator: Generator, folder: Path) -> Source:
    """Where the recipe's units come from: the generator itself, or the source that is named."""
    own = generator.source(recipe.seed)
    if own is not None and recipe.source is not None:
        raise RecipeError(
            f"the generator {recipe.generator.use!r} makes its own units, and the recipe names a source as well",
            fix="remove source",
        )
    if own is not None:
        return own
    if recipe.source is None:
        raise RecipeError(f"the generator {recipe.generator.use!r} needs units", fix="add source: path/to/file.csv")
    from contrafact.sources import open_source

    return open_source(recipe.source, folder)


def _filters(recipe: Recipe, generator: Generator, engines: Engines, folder: Path) -> Iterator[PairFilter | SetFilter]:
    for alias, stage in recipe.filters.items():
        own = {"folder": folder} if _wants_folder("filter", stage.use, folder) else {}
        made = create("filter", stage.use, {**own, **stage.options}, f"filters.{alias}", folder)
        if not isinstance(made, PairFilter | SetFilter):
            raise PluginError(f"{stage.use!r} is no filter", fix="subclass contrafact.stages.PairFilter or RowFilter")
        made.bind(alias, generator)
        made.borrow(engines)
        yield made


def _check(plan: Plan) -> None:
    if plan.units == 0:
        raise RecipeError("the source has no units: nothing could be built", fix="give a source with rows")
    if REJECTED in plan.recipe.splits:
        raise RecipeError(
            f"a split cannot be called {REJECTED!r}: rejected pairs are kept under that name",
            allowed="any other name",
            fix=f"rename {REJECTED!r} in splits",
        )
    if plan.generator.name in plan.recipe.filters:
        raise RecipeError(
            f"filters: {plan.generator.name!r} is the generator's step of the funnel",
            allowed="any other name",
            fix=f"write my_name: {{use: {plan.recipe.filters[plan.generator.name].use}}}",
        )
    grouping = [each.alias for each in plan.set_filters if each.regroups()]
    if len(grouping) > 1:
        raise RecipeError(f"{' and '.join(grouping)} both decide which pairs stay in one split", fix="keep one of them")
    names = [column.name for column in plan.schema.field("scores").type]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RecipeError(
            f"two filters give the score {', '.join(twice)}", fix="give one of them another name, with use:"
        )
