"""The machines that stages borrow: language models, embeddings, sandboxes, media. Each is started once a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from contrafact.engines.embeddings import Embedder
    from contrafact.engines.llm import LLM
    from contrafact.engines.sandbox import Sandbox
    from contrafact.engines.teachers import Remembering

__all__ = ["NEEDS", "Engines"]

NEEDS = ("embedder", "llm", "logprobs", "scores", "sandbox", "compiler")
"""What a stage may need.

Vectors; answers; answers with log-probabilities; log-probabilities of given texts; running code; running C.
"""


@dataclass
class Engines:
    """What a recipe's ``engines:`` asks for, made when a stage first borrows it and closed with the build.

    Safe to use from several threads: all get the same engine.

    Parameters
    ----------
    settings : mapping
        ``{"llm": {...}, "embeddings": {...}}`` of the recipe.
    replay : bool
        Answer from caches alone; a request that is not there is an error, never a call.
    protected : bool
        Run code under bubblewrap whatever the settings say: for a recipe that came with somebody else's dataset.

    Attributes
    ----------
    needs : dict
        What stages said that they need (:data:`NEEDS`), each with the first who did.
    """

    settings: Mapping[Any, Any] = field(default_factory=dict)
    replay: bool = False
    protected: bool = False
    needs: dict[str, str] = field(default_factory=dict, init=False, compare=False)
    opens: ClassVar[bool] = True
    """Whether a sandbox or compiler is looked for as soon as it is needed, and not at its first use."""

    _guard: Any = field(default_factory=RLock, init=False, repr=False, compare=False)

    @property
    def llm(self) -> LLM:
        """The language model; the embedded one unless the recipe names another."""
        from contrafact.engines.llm import open_llm

        made: LLM = self._once("llm", lambda: open_llm(self.settings.get("llm") or {}, replay=self.replay))
        return made

    @property
    def embedder(self) -> Embedder:
        """The sentence embedder; the embedded MiniLM unless the recipe names another."""
        from contrafact.engines.embeddings import open_embedder

        made: Embedder = self._once("embedder", lambda: open_embedder(self.settings.get("embeddings") or {}))
        return made

    @property
    def sandbox(self) -> Sandbox:
        """Where code is run; isolated by bubblewrap unless the recipe asks for less by name. Opened at first use."""
        from contrafact.engines.sandbox import Sandbox, read_sandbox_settings

        def make() -> Sandbox:
            return Sandbox(read_sandbox_settings(self.settings.get("sandbox") or {}), protected=self.protected)

        made: Sandbox = self._once("sandbox", make)
        return made

    def teacher(
        self, spec: Mapping[str, Any] | str, labels: Sequence[str], fields: Sequence[str], folder: Path | None = None
    ) -> Remembering:
        """A model that gives each text (or pair, by ``fields``) a probability for each label.

        :mod:`contrafact.engines.teachers` lists the kinds.
        """
        from contrafact.engines.teachers import open_teacher

        return open_teacher(spec, labels, fields, self, folder)

    def need(self, what: str, who: str) -> None:
        """Note what ``who`` will ask for, so that it can be made sure of before any work.

        Parameters
        ----------
        what : str
            One of :data:`NEEDS`.
        who : str
            As a message should call it: ``the filter fluency``.

        Raises
        ------
        MissingDependencyError
            Where code is to be run, and bubblewrap or the compiler is missing.
        """
        if what not in NEEDS:
            raise ValueError(f"{what!r} is none of {', '.join(NEEDS)}")
        self.needs.setdefault(what, who)
        if self.opens and what == "sandbox":
            self.sandbox.open()
        elif self.opens and what == "compiler":
            self.sandbox.need_compiler()

    @property
    def asks(self) -> bool:
        """Whether anybody said that it will ask the language model."""
        return any(what in self.needs for what in ("llm", "logprobs", "scores"))

    def identities(self) -> dict[str, str]:
        """Of what is needed: which model, interpreter or compiler it is; none is started. Empty where nothing is.

        Raises
        ------
        UserError
            For settings that cannot be used, or weights or a compiler that are not there.
        """
        found = {}
        if "embedder" in self.needs:
            from contrafact.engines.embeddings import embedder_identity

            found["embedder"] = embedder_identity(self.settings.get("embeddings") or {})
        if self.asks:
            found["llm"] = self.llm_name()
        if "sandbox" in self.needs or "compiler" in self.needs:
            from contrafact.engines.sandbox import sandbox_identity

            settings = self.settings.get("sandbox") or {}
            found["sandbox"] = sandbox_identity(settings, compiler="compiler" in self.needs)
        return found

    def llm_name(self) -> str:
        """The language model's name, for weights on this machine with their digest. Starts nothing."""
        from contrafact.engines.llm.opening import model_name

        return model_name(self.settings.get("llm") or {})

    def check(self, *, reached: bool = False) -> None:
        """Make sure that the language model answers and can do what is needed of it. A replay needs neither.

        Parameters
        ----------
        reached : bool
            What will be asked first is answered already: whether the endpoint is there may be seen later.

        Raises
        ------
        EndpointError
            For a missing or refused key, an endpoint that does not answer, or an unknown model.
        RecipeError
            Where it lacks what a stage needs.
        """
        if self.replay:
            return
        from contrafact.engines.llm.checking import check_abilities

        engine = self.llm
        if not reached:
            engine.check()
        check_abilities(engine, self.needs)

    def close(self) -> None:
        """Stop what was started."""
        for name in ("llm", "embedder", "sandbox"):
            with self._guard:
                started = self.__dict__.pop(name, None)
            if started is not None:
                started.close()

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """What is kept under a name; made by the first who asks, while the others wait."""
        with self._guard:
            if name not in self.__dict__:
                self.__dict__[name] = make()
            return self.__dict__[name]
