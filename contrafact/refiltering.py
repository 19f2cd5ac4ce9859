"""Deciding a finished dataset again from what is stored: other thresholds, other filters, no model.

::

    every pair, accepted or not ─► as a candidate again ─► old verdicts, stored scores, or judged anew ─► new dataset

A pair filter that did not change keeps its verdicts; one of which only ``thresholds`` changed decides from its stored
scores; any other judges the stored pairs, which is refused as soon as it asks a model. Set filters and quotas decide
anew. Where the recipe asks for ``rows``, the Parquet files are those that a build with the new recipe would give.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa

from contrafact.deciding import decide
from contrafact.engines import Engines
from contrafact.errors import RecipeError, RunDirectoryError, UserError, did_you_mean
from contrafact.finishing import complete
from contrafact.pipeline import local_mapper
from contrafact.plan import Plan, assemble, identity_parts, make_generator
from contrafact.plugincode import plugin_code
from contrafact.recipe import Recipe, load_recipe, parse_recipe
from contrafact.rejudging import judge_again
from contrafact.shards import Report, finish_shard, settle
from contrafact.stages import Source
from contrafact.store.atomic import storage_errors
from contrafact.store.exchange import exchange, recover
from contrafact.store.layout import RunDirectory, read_manifest
from contrafact.store.parquet import StoredFile
from contrafact.stored import Stored

__all__ = ["refilter"]

_MAY_CHANGE = ("filters", "splits", "description", "licence", "inputs", "citations", "tags", "output", "workers")


def refilter(
    path: str | Path,
    settings: Sequence[str] = (),
    *,
    without: Sequence[str] = (),
    out: str | Path | None = None,
    folder: Path | None = None,
    embed: bool = False,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Decide a finished dataset again, in its own folder or into another.

    Parameters
    ----------
    settings : sequence of str
        ``a.b=c`` changes of its recipe: of ``filters``, ``splits`` and what the card says.
    without : sequence of str
        Filters to leave out.
    out : path, optional
        A new or empty folder. Unless given, the new dataset takes the place of the old one in one step.
    folder : Path, optional
        Where the recipe's relative paths start. Unless given: the run directory's own copies, then the current folder.
    embed : bool
        Whether filters may ask the sentence embedder: those that judge the whole set by likeness have to.

    Returns
    -------
    tuple of dict
        The manifest before, and after.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset, a file of it was changed, or the code that made it is not this one.
    RecipeError
        Where something else than filters would change.
    UserError
        Where a filter would have to ask a model.
    """
    directory, before = _opened(RunDirectory(Path(path)))
    with directory.locked(), storage_errors(directory.path):
        _check_intact(directory, before)
        place = (folder or directory.plugins).resolve()
        target = RunDirectory(Path(out)) if out is not None else _beside(directory)
        change = _Change(directory, before, target, place, tuple(settings), tuple(without), embed)
        plan = change.plan
        try:
            with target.locked():
                target.claim(plan.identity, plan.recipe.name, plan.parts, plan.recipe.identity_spec())
                after = _decided(change, plan)
        except BaseException:
            if out is None:
                shutil.rmtree(target.path, ignore_errors=True)
            raise
        finally:
            plan.engines.close()
        if out is None:
            exchange(directory.path, target.path)
            shutil.rmtree(target.path)
    return before, after


@dataclass(frozen=True)
class _Change:
    """What is decided again, and how the new recipe differs."""

    directory: RunDirectory
    manifest: Mapping[str, Any]
    target: RunDirectory
    place: Path
    settings: tuple[str, ...]
    without: tuple[str, ...]
    embed: bool

    @cached_property
    def old(self) -> Recipe:
        return load_recipe(str(self.directory.recipe))[0]

    @cached_property
    def new(self) -> Recipe:
        changed = load_recipe(str(self.directory.recipe), self.settings)[0]
        for alias in self.without:
            if alias not in changed.filters:
                known = ", ".join(changed.filters) or "none"
                raise RecipeError(f"there is no filter {alias!r}{did_you_mean(alias, changed.filters)}", allowed=known)
        spec = changed.spec()
        spec["filters"] = {alias: each for alias, each in spec["filters"].items() if alias not in self.without}
        _check_changes(self.old.spec(), spec)
        return parse_recipe(spec)

    @cached_property
    def plan(self) -> Plan:
        """The new recipe's plan, in the target folder, without a source and without engines."""
        generator = make_generator(self.old, self.place)
        parts = self.manifest["identity_parts"]
        now = identity_parts(self.old, generator, plugin_code(self.old.spec(), self.place))
        moved = [name for name, part in now.items() if name != "libraries" and parts.get(name) != part]
        if moved:
            raise RunDirectoryError(
                f"{self.directory.path} was made by something else than what is here now: {', '.join(moved)} changed",
                fix="--folder says where the files are that the recipe names; another version can only build anew",
            )
        known = {name: parts[name] for name in ("source", "engines", "generator", "libraries") if name in parts}
        known |= {
            name: part
            for name, part in parts.items()
            if name.startswith("filter ") and self.keeps_scores(name.removeprefix("filter "))
        }
        if self.new.accept is not None:
            # A build would make another number of units until its quota is met: this is not what it would give.
            known["refiltered"] = self.manifest["identity"]
        source = _Past(self.manifest["units"])
        engines = (_Embedding if self.embed else _NoEngines)(self.new.engines, protected=True)
        return assemble(self.new, self.place, self.target, generator, source, engines, known)

    def unchanged(self, alias: str) -> bool:
        """Whether a filter is what it was, so that its verdicts stand."""
        return alias in self.old.filters and self.old.filters[alias] == self.new.filters.get(alias)

    def keeps_scores(self, alias: str) -> bool:
        """Whether a filter's stored scores are those that it would give: at most its thresholds changed."""
        from contrafact.plugins import find

        old, new = self.old.filters.get(alias), self.new.filters.get(alias)
        if old is None or new is None or old.use != new.use:
            return False
        lines: frozenset[str] = getattr(find("filter", new.use, self.place), "thresholds", frozenset())
        return _but(old.options, lines) == _but(new.options, lines)


def _decided(change: _Change, plan: Plan) -> dict[str, Any]:
    stored = Stored(change.directory, change.manifest, change.old, plan)

    def step(shard: int) -> Report:
        pairs = stored.read(shard)
        judgements = judge_again(plan, pairs, change.unchanged, change.keeps_scores)
        return settle(plan, shard, stored.candidates(pairs), judgements)

    def run(stage: str, work: Any, shards: Iterable[int]) -> list[Report]:
        return sorted(local_mapper(plan.workers)(stage, work, list(shards)), key=lambda report: int(report["shard"]))

    shards = range(len(change.manifest["shards"]))
    reports = run("proposed" if plan.staged else "finished", step, shards)
    ended = change.manifest["ended"]
    if plan.staged:
        quota = plan.recipe.accept
        alive = decide(plan, reports, quota)
        room = {shard: None if quota is None else quota - sum(alive[:shard]) for shard in shards}
        reports = run("finished", lambda shard: finish_shard(plan, shard, room[shard]), shards)
        if quota is not None:
            short = sum(alive) < quota
            ended = f"refiltered: {sum(alive)} of {quota} pairs were accepted" if short else f"{quota} accepted pairs"
    told = {name: change.manifest[name] for name in ("libraries", "usage") if name in change.manifest}
    told["about"] = change.manifest.get("about", {})
    told["refiltered_from"] = change.manifest.get("refiltered_from", change.manifest["identity"])
    if "usage" in change.manifest:  # the same replies as before, wherever their cache may be now
        told["usage"] = change.manifest["usage"]
    return complete(plan, reports, ended, told)


def _opened(directory: RunDirectory) -> tuple[RunDirectory, dict[str, Any]]:
    recover(directory.path)
    return directory, read_manifest(directory)


def _beside(directory: RunDirectory) -> RunDirectory:
    """Where the new dataset is written before it takes the old one's place; what a killed run left there is removed."""
    path = directory.path.resolve()
    beside = path.with_name(f".{path.name}.refiltering")
    shutil.rmtree(beside, ignore_errors=True)
    return RunDirectory(beside)


def _check_intact(directory: RunDirectory, manifest: Mapping[str, Any]) -> None:
    for spec in manifest["files"]:
        if not StoredFile(**spec).intact(directory.path, deep=True):
            raise RunDirectoryError(
                f"{spec['path']} in {directory.path} is missing or was changed",
                fix=f"contrafact validate {directory.path} lists the damage",
            )
    if not directory.recipe.is_file():
        raise RunDirectoryError(f"{directory.recipe} is missing", fix="put the recipe back, or build the dataset anew")


def _check_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    changed = [key for key in new if new[key] != old.get(key) and key not in _MAY_CHANGE]
    if changed:
        raise RecipeError(
            f"{', '.join(changed)} cannot change without making the pairs again",
            allowed=f"--set of {', '.join(_MAY_CHANGE)}",
            fix="contrafact build with the changed recipe, into another --out",
        )


def _but(options: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key not in names}


class _Past(Source):
    """Units that were read once and are not read again."""

    def __init__(self, units: int) -> None:
        self._units = units

    def rows(self) -> int:
        return self._units

    def read(self, start: int, stop: int) -> pa.Table:
        raise NotImplementedError("a dataset that is decided again reads no units")


def _no_model() -> NoReturn:
    raise UserError(
        "a filter would have to ask a model: it is new, it judges the set, or more than a threshold of it changed",
        allowed="filters that judge without one, and thresholds of pair filters that were there",
        fix="--embed, where the sentence embedder is all that is asked; --without that filter; or contrafact build with"
        " the changed recipe into another --out, which takes a language model's replies from the cache",
    )


class _Embedding(Engines):
    """Engines of which only the embedder may be started, and a sandbox where a new filter runs code."""

    opens = False

    @property
    def llm(self) -> NoReturn:
        _no_model()

    def teacher(self, spec: Any, labels: Sequence[str], fields: Sequence[str], folder: Path | None = None) -> Any:
        return _NoTeacher()


class _NoEngines(_Embedding):
    """Engines that nobody may start."""

    @property
    def embedder(self) -> NoReturn:
        _no_model()


class _NoTeacher:
    """A teacher that says nothing of itself until it is asked something."""

    def __getattr__(self, name: str) -> NoReturn:
        _no_model()
