"""The ``executable`` generator: what a program would have returned for another input, its hidden one being the same.

After "Executable Counterfactuals" (arXiv 2510.01539). Abduction is enumeration over the declared domain, action is
another visible input, prediction is execution; all three happen twice, in our interpreter and in sandboxed CPython, and
a pair is made only where both agree on every hidden value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

import networkx as nx
import pyarrow as pa

from contrafact.engines import Engines
from contrafact.engines.llm.request import Request
from contrafact.errors import RecipeError, did_you_mean
from contrafact.record import HIDDEN, PairShape, pair_schema
from contrafact.stages import Context, Generator, Recomputed, Source
from generators.code.edits import Edit
from generators.code.executable.asking import Mode
from generators.code.executable.drawing import LANE, Draw, Knobs, Range
from generators.code.executable.families import FAMILIES, SplitBy
from generators.code.executable.items import Item, compared, examine, pair_of
from generators.code.executable.placebos import control_of, placebos
from generators.code.executable.recomputing import recomputed
from generators.code.executable.sandboxed import run_all
from generators.scm.units import UnitSource

__all__ = ["ExecutableGenerator"]

_TEXTS = pa.list_(pa.string())
_WIDEST = 400


class ExecutableGenerator(Generator):
    """Programs with a hidden input, and the interventional twin of each.

    Parameters
    ----------
    families : str or list of str
        ``if_else``, ``if_else_long``, ``while``, ``calls``, ``several_hidden``, ``sequences``, ``gsm``, or ``all``. Of
        several, each unit gets one, all alike likely.
    mode : {'both', 'counterfactual', 'interventional'}
        The counterfactual question, the same program with the hidden value told, or both in one group.
    depth : int
        Branches or calls within each other, at the most.
    branches : int
        Arms of a long chain, one more or less.
    hidden : {2, 3}
        Hidden inputs of ``several_hidden``.
    constants, domain, inputs : list of two int
        Lowest and highest constant, hidden value and visible input. Word problems have inputs of their own;
        ``several_hidden`` takes the first 7 values of the domain (5 where three are hidden).
    turns : int
        Turns of a ``while`` loop, at the most; programs that take more become rejects.
    answers : int
        Possible answers of an item, at the most; 1 asks only what has one answer.
    split_by : {'flow', 'program', 'family'}
        What no split may part: programs of one control flow, one program, or a whole family.
    controls : bool
        Beside each pair the same call of its program, spelled otherwise in one place (a comparison mirrored, a variable
        renamed); word problems show no code and have none.

    Raises
    ------
    RecipeError
        For an unknown family or mode, or a knob that no program can keep.
    MissingDependencyError
        Where bubblewrap is missing, before any work.
    """

    name: ClassVar[str] = "executable"
    citations: ClassVar[Sequence[str]] = (
        "Executable Counterfactuals: improving LLMs' causal reasoning through code (2025), arXiv:2510.01539",
    )
    label_source = "oracle"
    shard_rows: ClassVar[int] = 2000

    def __init__(
        self,
        families: str | list[str] = "if_else",
        mode: Literal["both", "counterfactual", "interventional"] = "both",
        depth: int = 2,
        branches: int = 5,
        hidden: Literal[2, 3] = 2,
        constants: list[int] | None = None,
        domain: list[int] | None = None,
        inputs: list[int] | None = None,
        turns: int = 60,
        answers: int = 4,
        split_by: SplitBy = "flow",
        controls: bool = False,
    ) -> None:
        named = [families] if isinstance(families, str) else list(families)
        self.families = list(FAMILIES) if named == ["all"] else named
        for each in self.families or [""]:
            if each not in FAMILIES:
                raise RecipeError(
                    f"generator.families: {each!r} is none{did_you_mean(each, FAMILIES)}",
                    allowed=f"all, or some of {', '.join(FAMILIES)}",
                )
        for option, value, least, most in (
            ("depth", depth, 1, 6),
            ("branches", branches, 3, 12),
            ("turns", turns, 1, 10_000),
            ("answers", answers, 1, _WIDEST),
        ):
            if not least <= value <= most:
                raise RecipeError(f"generator.{option} is {value}", allowed=f"{least} to {most}")
        self.modes: tuple[Mode, ...] = get_args(Mode) if mode == "both" else (mode,)
        self.most, self.split_by, self.controls = answers, split_by, controls
        self.knobs = Knobs(
            depth,
            branches,
            hidden,
            _range("constants", constants or [1, 12], 1, 1000),
            _range("domain", domain or [0, 20], 0, 1000),
            _range("inputs", inputs or [0, 30], 0, 1000),
            turns,
        )
        self._engines = Engines()

    def shape(self) -> PairShape:
        names = ("family", "mode", "code", "domain", "input", "question", "output")
        counts = ("consistent", "answers", "unaided")
        return PairShape(
            [*(pa.field(name, pa.string()) for name in names), pa.field("answers", _TEXTS)],
            pa.field("answer", pa.string()),
            [
                pa.field("values", pa.string()),
                pa.field("output", pa.string()),
                pa.field("consistent", _TEXTS),
                pa.field("outputs", _TEXTS),
            ],
            [pa.field(name, pa.int64()) for name in counts],
        )

    def borrow(self, engines: Engines) -> None:
        self._engines = engines
        engines.need("sandbox", f"the generator {self.name}")

    def source(self, seed: int) -> Source:
        return UnitSource(self.name, [seed, self.identity()], None)

    def identity(self) -> Any:
        return self.name

    def graph(self) -> nx.DiGraph:
        causes = ("code", "domain", "mode", "input")
        return nx.DiGraph([(cause, name) for cause in causes for name in ("question", "output", "answers")])

    def questions(self, units: pa.Table, context: Context) -> Sequence[Request]:
        return []

    def advice(self) -> Mapping[str, str]:
        return {
            f"{self.name}: too many answers are possible": "raise generator.answers, or take a smaller domain",
            f"{self.name}: a loop takes too many turns for some hidden value": "raise generator.turns",
        }

    def notes(self) -> Sequence[str]:
        return (
            (
                "Every answer was computed twice for every hidden value of the declared domain, by an interpreter of"
                " our own and by CPython in the sandbox; pairs on which they differ would be rejects."
            ),
            (
                "`exact` says that one hidden value alone fits the fact (or, in interventional pairs, that it is told)."
                " Where several fit, `answers` of the counterfactual holds every result that one of them gives,"
                " and `output` is null if these differ."
            ),
            (
                "Items are rejected as vacuous where the fact rules out no answer, where the answer is the same for"
                " every hidden value, or where the other input gives what the fact gave."
            ),
            f"Splits keep together what shares a {self.split_by}.",
            *self._engines.sandbox.notes(),
        )

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        names = units["unit_id"].to_pylist()
        first = context.streams.uniforms(self.name, context.start, context.start + len(names), LANE).tolist()
        made = [self._item(name, context.start + row, first[row], context) for row, name in enumerate(names)]
        kept = [each for each in made if each.reason is None]
        told = run_all(context.engines.sandbox, [each.run for each in kept])
        agreed = {each.unit_id: compared(each, tables) for each, tables in zip(kept, told, strict=True)}
        stand = [each for each in kept if agreed[each.unit_id] is None] if self.controls else []
        edits = dict(zip((each.unit_id for each in stand), placebos(stand, context, self.name), strict=True))
        rows: list[dict[str, Any]] = []
        for each in made:
            reason = each.reason or agreed[each.unit_id]
            if reason is None:
                pairs = [pair_of(each, mode) for mode in self.modes]
                rows += [*pairs, *(self._controls(each, pairs, edits[each.unit_id]) if self.controls else ())]
            else:
                rows.append({"unit_id": each.unit_id, "group_id": each.group, "reasons": [f"{self.name}: {reason}"]})
        return pa.Table.from_pylist(rows, schema=self._schema())

    def _controls(self, item: Item, pairs: Sequence[dict[str, Any]], edit: Edit | str) -> list[dict[str, Any]]:
        """A control beside each pair of an item, or one row that says why there is none."""
        if isinstance(edit, str):
            return [{"unit_id": item.unit_id, "group_id": item.group, "reasons": [f"{self.name}: {edit}"]}]
        return [control_of(item, edit, pair, number) for number, pair in enumerate(pairs)]

    def recompute(self, pairs: pa.Table) -> Recomputed:
        return recomputed(pairs, self._engines.sandbox)

    def _item(self, unit_id: str, number: int, uniforms: Sequence[float], context: Context) -> Item:
        def more(lane: int) -> Sequence[float]:
            found: list[float] = context.streams.uniforms(f"{self.name}:{lane}", number, number + 1, LANE)[0].tolist()
            return found

        draw = Draw(uniforms, more)
        family = draw.pick(self.families)
        draft = FAMILIES[family](draw, self.knobs)
        return examine(unit_id, family, draft, self.split_by, self.knobs.turns, self.most)

    def _schema(self) -> pa.Schema:
        shape = self.shape()
        whole = pair_schema(shape)
        left = {"pair_id", "generator", "task", "label_source", "accepted", "provenance"}
        columns = [column for column in whole if column.name not in left]
        return pa.schema([*columns, pa.field(HIDDEN, pa.struct(list(shape.hidden)))])


def _range(option: str, given: Sequence[int], least: int, most: int) -> Range:
    if len(given) != 2 or not least <= given[0] < given[1] <= most:
        raise RecipeError(
            f"generator.{option} is {list(given)}",
            allowed=f"the lowest and the highest of it, from {least} to {most}",
            fix=f"write {option}: [{least}, {least + 20}]",
        )
    low, high = given
    if option == "domain" and high - low >= _WIDEST:
        raise RecipeError(f"generator.domain has {high - low + 1} values", allowed=f"at most {_WIDEST}")
    return low, high
