"""The generator ``mutation``: one small edit of a real function, and an input on which it is seen to matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from contrafact.engines import Engines
from contrafact.engines.syntax import Language, parse
from contrafact.errors import DataError, RecipeError, did_you_mean
from contrafact.inputs import Input
from contrafact.record import HIDDEN, PairShape, pair_schema
from contrafact.stages import Context, Generator, Recomputed, Source
from generators.code.edits import Edit
from generators.code.mutation.corpora import UNIT, File, Taking, open_corpus, table_of
from generators.code.mutation.functions import Function
from generators.code.mutation.profiling import Profile
from generators.code.mutation.records import LANGUAGES, SHAPE, made, recomputed, rejected
from generators.code.mutation.tongues import tongue_of
from generators.code.mutation.trials import Mutant, Verdict

__all__ = ["MutationGenerator"]

_FORGOTTEN = 1 / 3  # of the functions may lose a return: nearly all have one, and that it is missed is soon seen


class MutationGenerator(Generator):
    """Edits a function in one place and runs both members.

    A pair whose members answer some input otherwise is ``passes`` to ``fails``, with that input as its witness. One
    whose members were alike on every input that was tried is ``passes`` to ``passes`` and stands as control beside the
    unit's first pair of the other kind. Alike is not proved: it says so many inputs, and they are stored.

    Parameters
    ----------
    corpus : str or mapping, optional
        Where functions come from (:func:`generators.code.mutation.corpora.open_corpus`), where the recipe names no
        source.
    column : str
        Of a recipe's source: the column with code, one unit a row, whatever functions are in it.
    operations : list of str, optional
        Kinds of edits (:data:`generators.code.mutation.operators.OPERATIONS`, for C
        :data:`generators.code.mutation.c.operators.C_OPERATIONS`); all by default.
    per_unit : int
        Edits of a function that are tried at the most, drawn from all kinds in turn.
    inputs : int
        Inputs of a function at the most.
    controls : bool
        Keep pairs whose members were alike, as controls; otherwise they are rejects.
    longest : int
        Characters of the longest function.
    generated : bool
        Take files that say they were generated.
    language : str
        ``python`` or ``c``. C needs a compiler with sanitizers.

    Raises
    ------
    RecipeError
        For an unknown operation or corpus, or a number that is too small.
    DataError
        For a corpus that is not there or holds nothing.
    """

    name: ClassVar[str] = "mutation"
    citations: ClassVar[Sequence[str]] = (
        (
            "DeMillo, Lipton & Sayward (1978), Hints on test data selection: help for the practicing programmer,"
            " Computer 11(4)"
        ),
    )
    task: str = "tests"
    label_source: str = "oracle"
    shard_rows: ClassVar[int] = 25

    def __init__(
        self,
        corpus: str | dict[str, Any] | None = None,
        column: str = "code",
        operations: list[str] | None = None,
        per_unit: int = 8,
        inputs: int = 60,
        controls: bool = True,
        longest: int = 6000,
        generated: bool = False,
        language: Language = "python",
        folder: Path | None = None,
    ) -> None:
        if language not in LANGUAGES:
            near = did_you_mean(language, LANGUAGES)
            raise RecipeError(f"generator.language: {language!r}{near}", allowed=", ".join(LANGUAGES))
        self.tongue = tongue_of(language)
        for each in operations or ():
            if each not in self.tongue.operations:
                near = did_you_mean(each, self.tongue.operations)
                raise RecipeError(f"generator.operations: {each!r}{near}", allowed=", ".join(self.tongue.operations))
        for option, value, least in (("per_unit", per_unit, 1), ("inputs", inputs, 4), ("longest", longest, 1)):
            if value < least:
                raise RecipeError(f"generator.{option} is {value}", allowed=f"{least} or more")
        self.operations = tuple(operations or self.tongue.operations)
        self.corpus, self.column, self.folder = corpus, column, folder or Path()
        self.per_unit, self.most_inputs, self.controls = per_unit, inputs, controls
        self.longest, self.generated = longest, generated
        self._engines = Engines()
        parse(b"", language)  # the parser is there, or it is said now

    def shape(self) -> PairShape:
        return SHAPE

    def borrow(self, engines: Engines) -> None:
        self._engines = engines
        engines.need("sandbox", f"the generator {self.name}")
        if self.tongue.language == "c":
            engines.need("compiler", f"the generator {self.name}")

    def source(self, seed: int) -> Source | None:
        if self.corpus is None:
            return None
        return open_corpus(self.corpus, self.folder, self._taking(), seed)

    def inputs(self) -> Sequence[Input]:
        named = {"stdlib": None} if self.corpus == "stdlib" else self.corpus
        if not isinstance(named, Mapping):
            return ()
        if "stdlib" in named:
            return [Input("functions of Python's standard library", "CPython", "PSF-2.0")]
        if "package" in named:
            return [Input(f"functions of the package {named['package']}", "as it is installed")]
        return [Input(f"functions of {Path(str(named['folder'])).name}", "a folder of the author's")]

    def _taking(self) -> Taking:
        return Taking(self.longest, generated=self.generated, language=self.tongue.language)

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        return recomputed(pairs, self._engines.sandbox)

    def graph(self) -> Any:
        import networkx as nx

        causes, ran = ("code", "prelude", "witness"), ("ended", "value", "after", "printed")
        below = [(one, other) for one in causes for other in ran]
        return nx.DiGraph([*below, *((each, SHAPE.label.name) for each in ran)])

    def advice(self) -> Mapping[str, str]:
        return {f"{self.name}: alike on all inputs that were tried": "controls: true keeps such pairs as controls"}

    def notes(self) -> Sequence[str]:
        passes = (
            "'passes' is to answer as the original does on the stored inputs; a control's members were alike on as many"
            " inputs as its score 'tried' says, which is no proof that they are alike on all"
        )
        return (passes,)

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        given = units.to_pylist()
        functions = [self._functions(row) for row in given]
        flat = [each for found in functions for each in found]
        draws = [context.streams.generator(self.name, row["unit_id"], "inputs") for row in flat]
        wanted = [_function(row) for row in flat]
        sandbox = context.engines.sandbox
        known = self.tongue.profiles(wanted, [row["examples"] or () for row in flat], draws, sandbox, self.most_inputs)
        mutants = [self._mutants(row, each, context) for row, each in zip(flat, known, strict=True)]
        verdicts = iter(self.tongue.tried([each for some in mutants for each in some], sandbox))
        tables = zip(flat, known, mutants, strict=True)
        rows = [row for one in tables for row in self._rows(*one, verdicts)]
        owners = {
            row["unit_id"]: unit["unit_id"] for unit, found in zip(given, functions, strict=True) for row in found
        }
        return pa.Table.from_pylist(_numbered(rows, owners), schema=_schema())

    def _functions(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A unit's functions: one where the corpus is ours; all of a row's code where it comes from a table."""
        if "objection" in row and "prelude" in row:
            return [dict(row)]
        if self.column not in row:
            raise DataError(
                f"the source has no column {self.column!r}{did_you_mean(self.column, row)}",
                allowed=", ".join(row),
                fix="write generator: {use: mutation, column: NAME}",
            )
        code = row[self.column]
        text = code if isinstance(code, bytes) else str(code or "").encode()
        table = table_of(iter([File("", text)]), self._taking())
        found: list[dict[str, Any]] = table.to_pylist()
        for each in found:
            each["unit_id"], each["path"] = f"{row['unit_id']}{each['unit_id']}", row["unit_id"]
        nothing = {**dict.fromkeys(UNIT.names), "unit_id": row["unit_id"], "path": row["unit_id"]}
        return found or [{**nothing, "objection": "there is no function in it"}]

    def _mutants(self, row: Mapping[str, Any], profile: Profile, context: Context) -> list[Mutant]:
        """So many edits, from all kinds in turn, in an order drawn for the unit."""
        if profile.objection:
            return []
        draw = context.streams.generator(self.name, row["unit_id"], "edits")
        by_kind: dict[str, list[Edit]] = {}
        for each in self.tongue.edits(profile.function):
            if each.operation in self.operations:
                by_kind.setdefault(each.operation, []).append(each)
        if len(by_kind) > 1 and draw.random() > _FORGOTTEN:
            by_kind.pop("removed_return", None)
        kinds = sorted(by_kind)
        for kind in kinds:
            draw.shuffle(by_kind[kind])
        order = [kinds[int(place)] for place in draw.permutation(len(kinds))]
        turns = max(map(len, by_kind.values()), default=0)
        drawn = [by_kind[kind][turn] for turn in range(turns) for kind in order if turn < len(by_kind[kind])]
        return [Mutant(profile, each) for each in drawn[: self.per_unit]]

    def _rows(
        self, unit: Mapping[str, Any], profile: Profile, mutants: Sequence[Mutant], verdicts: Iterator[Verdict]
    ) -> Iterator[dict[str, Any]]:
        """A row for every edit that was tried; one with a reason where there was none. Pairs first, then controls."""
        if not mutants:
            why = profile.objection or "there is nothing to edit"
            yield rejected(unit, f"{self.name}: {why}")
            return
        found = sorted(
            zip(mutants, [next(verdicts) for _ in mutants], strict=True), key=lambda each: each[1].outcome != "differs"
        )
        pair = "0" if found[0][1].outcome == "differs" else None
        for mutant, verdict in found:
            if verdict.outcome == "differs" or (verdict.outcome == "alike" and self.controls):
                control_of = pair if verdict.outcome == "alike" else None
                yield made(unit, mutant, verdict, len(verdict.tried or profile.inputs), control_of, self.tongue)
            else:
                alike = "alike on all inputs that were tried"
                yield rejected(unit, f"{self.name}: {alike if verdict.outcome == 'alike' else verdict.outcome}", mutant)


def _function(row: Mapping[str, Any]) -> Function:
    return Function(
        row["name"] or "", row["line"] or 0, row["code"] or "", row["prelude"] or "", row["objection"] or ""
    )


def _numbered(rows: Sequence[dict[str, Any]], owners: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows under their units' ids, with controls that name their pair by its number within the unit."""
    counts: dict[str, int] = {}
    first: dict[str, int] = {}
    for row in rows:
        own, unit = row["unit_id"], owners[row["unit_id"]]
        first.setdefault(own, counts.get(unit, 0))
        counts[unit] = counts.get(unit, 0) + 1
        if row.get("control_of") is not None:
            row["control_of"] = f"{unit}/{first[own]}"
        row["unit_id"] = unit
    return list(rows)


def _schema() -> pa.Schema:
    whole = pair_schema(SHAPE)
    left = {"pair_id", "generator", "task", "exact", "accepted", "provenance"}
    hidden = pa.field(HIDDEN, pa.struct(list(SHAPE.hidden)))
    return pa.schema([*(column for column in whole if column.name not in left), hidden])
