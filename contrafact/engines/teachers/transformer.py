"""Teachers that are Hugging Face models: sequence classifiers, NLI cross-encoders, and NLI models asked zero-shot."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.teachers.base import Teacher, Texts, softmax
from contrafact.engines.teachers.folder import content_of
from contrafact.errors import DataError, MissingDependencyError, RecipeError, TransientError

__all__ = ["SequenceTeacher", "ZeroShotTeacher", "quiet"]

_MOST_TOKENS = 512
_LOADED_AT_ONCE = 4
_FORWARD, _LOADING = threading.Lock(), threading.Lock()


class SequenceTeacher(Teacher):
    """A sequence classifier: one text, or a premise and a hypothesis, to the labels in its configuration.

    Parameters
    ----------
    model : str
        A local folder or a hub id.
    revision : str, optional
        Commit, tag or branch of a hub model. Its commit is part of the recipe's identity.
    batch : int
        Texts in one forward pass. With 1, the default, a text's answer depends on nothing but the text. With more, the
        last bits depend on its neighbours, and with them on the number of workers: worth it on a GPU only.
    max_length : int, optional
        Tokens after which a text is cut; the model's own limit, at most 512, unless given.
    about : mapping, optional
        The teacher.json of a folder that ``contrafact teacher train`` wrote: its temperature is applied.

    Raises
    ------
    DataError
        Where there is no such model, or no sequence classifier in it.
    TransientError
        Where the hub did not answer.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        batch: int = 1,
        max_length: int | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        _check_whole("batch", batch)
        if max_length is not None:
            _check_whole("max_length", max_length)
        self.model, self.revision, self.batch, self.max_length = model, revision, batch, max_length
        self._about = dict(about or {})
        self._config = _config(model, revision)
        names = self._config.id2label
        self.labels = tuple(str(names[position]) for position in range(len(names)))
        if self._about:
            self.fields = len(self._about["fields"])

    def identity(self) -> Any:
        what: Any = content_of(Path(self.model)) if Path(self.model).is_dir() else [self.model, self._commit]
        return [what, self.batch, self.max_length]

    def score(self, texts: Sequence[Texts]) -> NDArray[np.float64]:
        return softmax(self.logits(texts) / self._about.get("temperature", 1.0))

    def logits(self, texts: Sequence[Texts]) -> NDArray[np.float64]:
        """The classifier's logits, shape (len(texts), len(labels))."""
        import torch

        tokenizer, model = _loaded(self.model, self.revision)
        rows: NDArray[np.float64] = np.empty((len(texts), len(self.labels)))
        # By length, so that little is padding where several go together.
        order = sorted(range(len(texts)), key=lambda place: sum(map(len, texts[place])))
        with _FORWARD, torch.inference_mode():
            for places in _cut(order, self.batch):
                encoded = tokenizer(
                    *_sides([texts[place] for place in places]),
                    padding=len(places) > 1,
                    truncation=True,
                    max_length=self._tokens,
                    return_tensors="pt",
                )
                rows[places] = model(**encoded.to(model.device)).logits.double().cpu().numpy()
        return rows

    @cached_property
    def _tokens(self) -> int:
        tokenizer, _ = _loaded(self.model, self.revision)
        own = min(int(tokenizer.model_max_length), _MOST_TOKENS)
        positions = getattr(self._config, "max_position_embeddings", None)
        asked = self.max_length or self._about.get("max_length") or own
        return min(asked, own, positions if isinstance(positions, int) and positions > 0 else own)

    @property
    def _commit(self) -> str:
        return str(getattr(self._config, "_commit_hash", None) or self.revision or "main")


class ZeroShotTeacher(Teacher):
    """An NLI model asked whether a text entails a sentence about each label (Yin et al. 2019).

    The probabilities are a softmax over the labels' entailment logits.

    Parameters
    ----------
    model : str
        An NLI model: a local folder or a hub id.
    labels : sequence of str
        The dataset's labels.
    template : str
        The sentence, with ``{}`` where the label goes.
    hypotheses : mapping of label to str, optional
        A whole sentence for each label, instead of the template.
    revision, batch, max_length
        As in :class:`SequenceTeacher`.

    Raises
    ------
    RecipeError
        Where the model has no label that means entailment, or a label has no sentence of its own.
    """

    fields = 1

    def __init__(
        self,
        model: str,
        labels: Sequence[str],
        *,
        template: str = "This text is {}.",
        hypotheses: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self._nli = SequenceTeacher(model, **options)
        self.labels = tuple(labels)
        named = [place for place, name in enumerate(self._nli.labels) if name.casefold().startswith("entail")]
        if len(named) != 1:
            raise RecipeError(
                f"{model} has the labels {', '.join(self._nli.labels)}, of which none or several mean entailment",
                allowed="a model for natural language inference, with a label called entailment",
            )
        self._entails = named[0]
        self._hypotheses = _hypotheses(self.labels, template, hypotheses)

    def identity(self) -> Any:
        return [self._nli.identity(), list(self._hypotheses)]

    def score(self, texts: Sequence[Texts]) -> NDArray[np.float64]:
        asked = [(text[0], sentence) for text in texts for sentence in self._hypotheses]
        entailed = self._nli.logits(asked)[:, self._entails]
        return softmax(entailed.reshape(len(texts), len(self.labels)))


def _check_whole(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RecipeError(f"{name} of a teacher is {value!r}", allowed="a whole number from 1 up")


def _hypotheses(labels: Sequence[str], template: Any, given: Any) -> tuple[str, ...]:
    if given is None:
        if not isinstance(template, str) or template.count("{}") != 1:
            raise RecipeError(f"the template is {template!r}", allowed="a sentence with {} where the label goes")
        return tuple(template.replace("{}", label) for label in labels)
    if not isinstance(given, Mapping) or set(given) != set(labels):
        raise RecipeError(
            f"hypotheses are given for {', '.join(map(str, given))}, and the dataset's labels are {', '.join(labels)}",
            fix="give one sentence for each label",
        )
    return tuple(str(given[label]) for label in labels)


def _sides(texts: Sequence[Texts]) -> Iterator[list[str]]:
    return ([each[field] for each in texts] for field in range(len(texts[0])))


def _cut(places: Sequence[int], size: int) -> Iterator[list[int]]:
    return (list(places[start : start + size]) for start in range(0, len(places), size))


def _config(model: str, revision: str | None) -> Any:
    """The model's configuration, which names its labels; weights are left where they are."""
    transformers = _transformers()
    try:
        config = transformers.AutoConfig.from_pretrained(model, revision=revision)
    except (OSError, ValueError) as error:
        raise _unreachable(model, error) from None
    if not getattr(config, "id2label", None):
        raise DataError(f"{model} names no labels: it is no classifier", fix="name a sequence classification model")
    return config


def _loaded(model: str, revision: str | None) -> tuple[Any, Any]:
    """Tokenizer and model, once a process however many threads ask."""
    with _LOADING:
        return _load(model, revision)


@lru_cache(maxsize=_LOADED_AT_ONCE)
def _load(model: str, revision: str | None) -> tuple[Any, Any]:
    transformers = _transformers()
    import torch

    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(model, revision=revision)
            made, report = transformers.AutoModelForSequenceClassification.from_pretrained(
                model, revision=revision, output_loading_info=True
            )
    except (OSError, ValueError) as error:
        raise _unreachable(model, error) from None
    if report["missing_keys"]:
        raise DataError(
            f"{model} holds no weights for {', '.join(sorted(report['missing_keys'])[:3])}: it was never a classifier",
            fix="name a model that was trained for sequence classification; contrafact teacher train makes one",
        )
    return tokenizer, made.eval().to("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def quiet() -> Iterator[None]:
    """No bars and no reports while weights are loaded: what is wrong with them is an error of ours."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _transformers() -> Any:
    try:
        import transformers
    except ImportError:
        raise MissingDependencyError(
            "a Hugging Face teacher needs transformers", fix="pip install transformers torch"
        ) from None
    return transformers


def _unreachable(model: str, error: Exception) -> DataError | TransientError:
    first = str(error).strip().partition("\n")[0]
    if isinstance(error, ConnectionError | TimeoutError):
        return TransientError(f"the hub did not answer for {model}: {first}")
    return DataError(
        f"{model} cannot be loaded as a teacher: {first}",
        allowed="a folder of contrafact teacher train, a folder with a Hugging Face model, or a hub id",
        fix="check the name; private models need HF_TOKEN in the environment, and HF_HUB_OFFLINE=1 allows only"
        " what was downloaded before",
    )
