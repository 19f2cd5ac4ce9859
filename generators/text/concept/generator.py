"""Texts that differ in one named concept, named confounders being equal: found among real texts, or rewritten.

``matching`` finds, for each unit, real texts with another value of the concept and equal confounders, nearest in the
embedder's space; ``llm`` has a language model write the text again. Both are the approximations of a counterfactual
that Gat et al. (2024, ICLR, "Faithful explanations of black-box NLP models using LLM-generated counterfactuals")
compare, on concepts such as those of CEBaB (Abraham et al. 2022, NeurIPS).

Who vouches for the labels. A matched text is a real one, and its label is the dataset's own, as the unit's is: nobody
asserted anything about an edit. Given that the source's labels are right, the pair's are true by ``construction``, as
those of an entailed sentence and its negation are. Where they are a model's, ``labels_from`` must say so. Of a
rewritten text only a model's word is had (``llm``), unless the label is a concept that a rule of form reads from either
text (``construction``), or one that a teacher or the embedder reads from the rewritten one (``teacher``).
:mod:`generators.text.concept.readers` says which reader is which.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pyarrow as pa

from contrafact.engines import Engines
from contrafact.engines.llm import Request
from contrafact.record import PairShape
from contrafact.stages import Context, Generator, Source
from generators.text.concept.asking import Asker
from generators.text.concept.concepts import read_concepts
from generators.text.concept.matching import Matcher
from generators.text.concept.placebos import paraphrased
from generators.text.concept.pools import open_pool, open_texts
from generators.text.concept.records import shape_of, table_schema
from generators.text.concept.rewriting import Asking, Rewriter, examples_of, read_sampling
from generators.text.concept.setting import open_setting
from generators.text.controls import CONTROL_SCORES, AskedControls, Spec, maker_of, read_controls
from generators.text.parsing import LONGEST

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["ConceptGenerator"]

_CONTROLS = {"matching": ("matching", "rules", "llm"), "llm": ("rules", "llm")}
_PLACEBO = (
    "the control of a matched pair is a third real text, about as near to the unit as its match and of the unit's own"
    " value: it may say other things, as the match does, and is no paraphrase"
)


class ConceptGenerator(Generator):
    """Changes one named concept of a text and holds others, by matching with real texts or by a language model.

    Parameters
    ----------
    concepts : mapping
        Concepts by name (:func:`generators.text.concept.concepts.read_concepts`): a list of a column's values, or
        ``column``, ``values`` and a ``reader`` (:mod:`generators.text.concept.readers`).
    change : str
        The concept that changes.
    by : {'matching', 'llm'}
    target : str
        ``another`` value, drawn for each unit; ``each`` of the others; or one value. Units that have it become rejects.
    hold : list of str, optional
        Confounders; all other concepts by default.
    confounders : {'strict', 'flag'}
        Whether a text in which a confounder differs is no counterfactual, or one that says so: ``broken`` in
        ``intervention.where`` and in the scores names it, and ``held_fixed`` leaves it out.
    label : str, optional
        The concept that is the pair's label; the one that changes by default.
    labels_from : {'annotation', 'teacher', 'llm'}
        Where the source's own labels come from.
    field : str
        Column of the text.
    group : str, optional
        Column of what belongs together: never matched with each other, never in two splits.
    k : int
        Pairs of a unit and target at the most: its nearest matches, or the rewrites that are asked for.
    corpus : str, optional
        Real sentences that an installed package carries (:mod:`generators.text.corpora`), where the recipe names no
        source.
    longest : int
        Characters of the longest text; longer ones become rejects.
    pool : str, optional
        Matching: where the matches come from, a corpus or a file; the source itself by default.
    pool_rows : int
        Matching: texts of source or pool at the most. Each takes about 5 kB with the embedded embedder, and every text
        is compared with every other.
    min_cosine, max_cosine : float
        Matching: between which a match lies. Above it says the same, and its other value is somebody's mistake.
    mode : {'completion', 'chat'}
        Rewriting: a few-shot text to be continued, or questions and answers.
    demonstrations : str, optional
        Rewriting: file of examples (:func:`generators.text.demonstrations.open_demonstrations`); our own by default,
        where the concept is called ``sentiment`` or ``negation``.
    shots : int
        Rewriting: examples in a prompt; 0 only in chat.
    sampling : mapping, optional
        Rewriting: ``temperature`` (0.2), ``top_p`` (1), ``max_tokens`` (96), ``frequency_penalty`` and
        ``presence_penalty`` (0).
    max_share : float
        Rewriting: most words that may change, as a share of those that there were.
    structured : bool
        Rewriting: ask for JSON by a schema, in chat.
    control : str or mapping, optional
        Beside each pair what must not move the label: by ``matching`` (of matched pairs alone) a real text as near to
        the unit as its match, with the unit's own value, equal confounders and the same label; by ``rules`` or by the
        ``llm`` a paraphrase (:func:`generators.text.controls.read_controls`).

    Raises
    ------
    RecipeError
        For an unknown name or a number outside its range, or where no example shows a direction.
    DataError, MissingDependencyError
        For a pool, corpus or file of examples that cannot be had.
    """

    name: ClassVar[str] = "concept"
    citations: ClassVar[Sequence[str]] = (
        "Gat et al. (2024), Faithful explanations of black-box NLP models using LLM-generated counterfactuals, ICLR",
    )
    task: str = "concept"
    shard_rows: ClassVar[int] = 500
    keeps_interpreter: ClassVar[bool] = True

    def __init__(
        self,
        concepts: dict[str, Any],
        change: str,
        by: Literal["matching", "llm"] = "matching",
        target: str = "another",
        hold: list[str] | None = None,
        confounders: Literal["strict", "flag"] = "strict",
        label: str | None = None,
        labels_from: Literal["annotation", "teacher", "llm"] = "annotation",
        field: str = "text",
        group: str | None = None,
        k: int = 1,
        corpus: str | None = None,
        longest: int = LONGEST,
        pool: str | None = None,
        pool_rows: int = 100_000,
        min_cosine: float = 0.5,
        max_cosine: float = 0.95,
        mode: Literal["completion", "chat"] = "completion",
        demonstrations: str | None = None,
        shots: int = 6,
        sampling: dict[str, float] | None = None,
        max_share: float = 0.5,
        structured: bool = False,
        control: Spec = None,
        folder: Path = Path(),
    ) -> None:
        self.by, known = by, read_concepts(concepts, folder)
        numbers = {"k": k, "longest": longest}
        self.setting = open_setting(
            self.name, known, change, hold, label, field, target, numbers, group=group, strict=confounders == "strict",
            labels_from=labels_from,
        )  # fmt: skip
        self.corpus = None if corpus is None else open_texts(corpus, known, field)
        self.pool = None if pool is None else open_pool(pool, known, field, folder)
        self.control = read_controls(control, _CONTROLS[by])
        self.paraphraser = None if self.control is None or self.control.is_own else maker_of(self.control)
        self.maker: Matcher | Asker
        if by == "matching":
            own = self.control is not None and self.control.is_own
            self.maker = Matcher(self.setting, self.pool, pool_rows, min_cosine, max_cosine, placebos=own)
        else:
            path = None if demonstrations is None else folder / demonstrations
            examples = examples_of(self.setting.changed, self.setting.directions(), field, path, shots)
            options = Asking(mode, shots, read_sampling(sampling or {}), max_share, structured)
            self.maker = Asker(self.setting, Rewriter(self.setting.changed, field, examples, options))

    def borrow(self, engines: Engines) -> None:
        for what in self.maker.needs:
            engines.need(what, f"the generator {self.name}")
        for each in self.setting.concepts:
            if each.reader is not None:
                each.reader.borrow(engines, f"the generator {self.name}, to read {each.name}")
        if self.paraphraser is not None:
            self.paraphraser.borrow(engines, self.name)

    def shape(self) -> PairShape:
        setting, scores = self.setting, () if self.control is None else CONTROL_SCORES
        return shape_of(setting.concepts, setting.field, setting.concepts[setting.label], (*self.maker.scores, *scores))

    def graph(self) -> nx.DiGraph:
        """The concept decides the text, and the concepts that are not held or that nobody can read again."""
        import networkx as nx

        setting = self.setting
        free = [each for place, each in enumerate(setting.concepts) if place not in (setting.change, *setting.held)]
        unread = [each for each in setting.concepts if each.reader is None] if self.by == "llm" else []
        moved = {setting.field, *(each.name for each in (*free, *unread))} - {setting.changed.name}
        return nx.DiGraph([(setting.changed.name, name) for name in sorted(moved)])

    def source(self, seed: int) -> Source | None:
        return self.corpus

    def identity(self) -> Any:
        return [self.name, self.task, self.maker.identity()]

    def borrowed(self) -> Any:
        readers = {each.name: each.reader.identity() for each in self.setting.concepts if each.reader is not None}
        return {name: each for name, each in readers.items() if each is not None} or None

    def notes(self) -> Sequence[str]:
        corpus = [] if self.corpus is None else self.corpus.notes()
        if self.control is None:
            return [*corpus, self.maker.note()]
        return [*corpus, self.maker.note(), _PLACEBO if self.paraphraser is None else self.paraphraser.note]

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        rows = list(self.maker.rows(units, context))
        if self.paraphraser is not None:
            rows = paraphrased(rows, self.setting, self.paraphraser, context)
        return pa.Table.from_pylist(rows, schema=table_schema(self.shape()))

    def questions(self, units: pa.Table, context: Context) -> list[Request] | None:
        if isinstance(self.paraphraser, AskedControls):
            return None
        return self.maker.questions(units, context)
