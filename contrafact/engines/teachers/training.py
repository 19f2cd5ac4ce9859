"""Training a teacher: on embeddings, with logistic regression, or by fine-tuning a small encoder.

What it is worth is measured on texts that neither training nor calibration has seen, nor anything alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from contrafact import __version__
from contrafact.engines.teachers.base import Texts, softmax
from contrafact.engines.teachers.data import PARTS, Labelled, split
from contrafact.engines.teachers.folder import FORMAT, WEIGHTS, check_new, new_folder
from contrafact.engines.teachers.measures import best_temperature, measures_of, negative_log_likelihood
from contrafact.engines.teachers.trained import features_of, logits_of
from contrafact.errors import RecipeError

if TYPE_CHECKING:
    from contrafact.engines.embeddings import Embedder

__all__ = ["FineTuning", "train_finetuned", "train_on_embeddings"]

_STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_MOST_STEPS = 2000


def train_on_embeddings(
    data: Labelled,
    out: Path,
    embedder: Embedder,
    settings: Mapping[str, Any],
    *,
    test: float = 0.2,
    seed: int = 0,
) -> dict[str, Any]:
    """Fit logistic regression on the texts' embeddings and write the teacher's folder.

    The strength of the penalty is the one with the least loss on the calibration part, which also sets the temperature.

    Parameters
    ----------
    settings : mapping
        The recipe settings of ``embedder``, to be named in the folder.

    Returns
    -------
    dict
        The folder's teacher.json.

    Raises
    ------
    RunDirectoryError
        Where ``out`` is not new or empty.
    DataError
        Where there are too few texts.
    """
    check_new(out)
    parts = split(data, test, seed)
    (x_test, y_test), (x_calibration, y_calibration), (x_train, y_train) = (
        (features_of(embedder, texts), codes) for texts, codes in (data.take(parts[name]) for name in PARTS)
    )
    fitted = [_fit(x_train, y_train, strength) for strength in _STRENGTHS]
    losses = [negative_log_likelihood(softmax(logits_of(x_calibration, *each)), y_calibration) for each in fitted]
    best = int(np.argmin(losses))
    coefficients, intercept = fitted[best]
    temperature = best_temperature(logits_of(x_calibration, coefficients, intercept), y_calibration)
    about = {
        **_about("embeddings", data, parts, test, seed, temperature),
        "embedder": {"settings": dict(settings), "identity": embedder.identity},
        "penalty": {"C": _STRENGTHS[best]},
        "measures": measures_of(logits_of(x_test, coefficients, intercept), y_test, data.labels, temperature),
    }
    with new_folder(out, about) as folder:
        from safetensors.numpy import save_file

        save_file({"coefficients": coefficients, "intercept": intercept}, folder / WEIGHTS)
    return about


@dataclass(frozen=True)
class FineTuning:
    """How an encoder is fine-tuned: AdamW with linear warm-up over a tenth of the steps, and linear decay.

    Attributes
    ----------
    base : str
        Local folder or hub id of the encoder.
    length : int
        Tokens after which a text is cut.
    """

    base: str
    epochs: int = 3
    batch: int = 16
    rate: float = 2e-5
    length: int = 128

    def check(self) -> None:
        """Raise ``RecipeError`` for a setting that cannot be meant."""
        for name, value in (("epochs", self.epochs), ("batch", self.batch), ("length", self.length)):
            if value < 1:
                raise RecipeError(f"--{name} is {value}", allowed="a whole number from 1 up")
        if not 0 < self.rate < 1:
            raise RecipeError(f"--rate is {self.rate}", allowed="above 0 and below 1, such as 2e-5")


def train_finetuned(data: Labelled, out: Path, how: FineTuning, *, test: float = 0.2, seed: int = 0) -> dict[str, Any]:
    """Fine-tune an encoder with a classification head and write the teacher's folder, as transformers reads it.

    Parameters and errors are those of :func:`train_on_embeddings`. Weights, batches and dropout follow from ``seed``;
    on another processor, or with another number of threads, the last bits may differ.
    """
    from contrafact.engines.teachers.finetuning import finetuned, logits_by

    check_new(out)
    how.check()
    parts = split(data, test, seed)
    model, tokenizer = finetuned(*data.take(parts["train"]), data.labels, how, seed)
    asked: dict[str, tuple[Sequence[Texts], NDArray[np.int64]]] = {name: data.take(parts[name]) for name in PARTS[:2]}
    logits = {name: logits_by(model, tokenizer, texts, how.length) for name, (texts, _) in asked.items()}
    temperature = best_temperature(logits["calibration"], asked["calibration"][1])
    about = {
        **_about("finetune", data, parts, test, seed, temperature),
        "tuning": {"base": Path(how.base).name, "epochs": how.epochs, "batch": how.batch, "rate": how.rate},
        "max_length": how.length,
        "measures": measures_of(logits["test"], asked["test"][1], data.labels, temperature),
    }
    with new_folder(out, about) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return about


def _about(
    kind: str,
    data: Labelled,
    parts: Mapping[str, NDArray[np.int64]],
    test: float,
    seed: int,
    temperature: float,
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": kind,
        "code_version": __version__,
        "labels": list(data.labels),
        "fields": list(data.fields),
        "seed": seed,
        "test": test,
        "data": {
            "sha256": data.digest(),
            "left_out": data.left_out,
            **{name: len(parts[name]) for name in reversed(PARTS)},
        },
        "temperature": temperature,
    }


def _fit(
    features: NDArray[np.float64], codes: NDArray[np.int64], strength: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients (k, d) and intercept (k,) of multinomial logistic regression."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # no stubs

    with threadpool_limits(1):  # the order of adding, and with it the last bits, would follow the number of cores
        model = LogisticRegression(C=strength, max_iter=_MOST_STEPS).fit(features, codes)
    coefficients, intercept = model.coef_, model.intercept_
    if len(coefficients) == 1:
        # Of two classes scikit-learn keeps the second's logit alone.
        coefficients = np.vstack([-coefficients, coefficients]) / 2
        intercept = np.concatenate([-intercept, intercept]) / 2
    return np.ascontiguousarray(coefficients), np.ascontiguousarray(intercept)
