"""A sentence-transformers model whose answer for a text does not depend on the texts beside it.

Matrix products sum in an order that follows from the shape of the batch, its padding and the number of threads, so that
a text's embedding differs in the last bits from batch to batch. Here every batch holds texts of one length in tokens
(so nothing is padded), is never smaller than a fixed number of tokens, and runs on one thread; batches run side by side
instead. The bits of a text are then the same in any company, on any number of cores (measured for x86-64 with MKL, and
tested). Other processors and other releases of torch may give other last bits.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Barrier, Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import MissingDependencyError, RecipeError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["SentenceModel", "need_sentence_transformers"]

_BATCH = 32
_LEAST_TOKENS = 64  # of a batch: below 16, kernels for thin matrices sum in another order

_loading = Lock()
_tokenising = Lock()  # a tokeniser keeps its settings in itself, and builds may share one
_loaded: WeakValueDictionary[tuple[Path, str], SentenceTransformer] = WeakValueDictionary()


def need_sentence_transformers() -> None:
    """Raise ``MissingDependencyError`` where sentence-transformers is not installed. Imports nothing."""
    if importlib.util.find_spec("sentence_transformers") is None:
        raise MissingDependencyError(
            "embeddings need sentence-transformers, which is not installed", fix="pip install sentence-transformers"
        )


class SentenceModel:
    """A loaded model. Safe to call from several threads at once.

    Parameters
    ----------
    folder : Path
        As sentence-transformers saves it. The hub is never asked.
    device : str
        ``cpu``, or what torch calls another; what is said of bits holds for the processor.
    prompt : str, optional
        Put before every text; the model's own default prompt where it is not given.
    threads : int, optional
        Batches at a time; all cores that this process may use by default.

    Raises
    ------
    MissingDependencyError
        Where sentence-transformers is not installed.
    RecipeError
        Where the folder's model cannot be loaded, or torch knows no such device.
    """

    def __init__(self, folder: Path, device: str, prompt: str | None = None, threads: int | None = None) -> None:
        self._model = _load(folder.resolve(), device)
        self._prompt = _prompt_of(self._model) if prompt is None else prompt
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._threads = _single_threads(1 if device != "cpu" else threads or cores)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.embed([""]).shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the texts, shape (len(texts), d). A text longer than the model reads is cut."""
        given = [self._prompt + text for text in texts]
        tokens = self._tokens(given)
        if tokens is None:
            return self._whole(given)
        batches = _batches([len(each) for each in tokens["input_ids"]])
        parts = list(self._threads.map(lambda rows: self._run(tokens, rows), batches))
        whole = np.empty((len(texts), parts[0].shape[1]), dtype=np.float32)
        for rows, part in zip(batches, parts, strict=True):
            whole[rows] = part
        return whole

    def close(self) -> None:
        """End the threads; the weights go with their last user."""
        self._threads.shutdown()

    def _tokens(self, texts: Sequence[str]) -> Mapping[str, list[list[int]]] | None:
        tokenise = self._model.tokenizer
        if not callable(tokenise):
            return None
        with _tokenising:
            answer: Mapping[str, list[list[int]]] = tokenise(
                list(texts), truncation=True, max_length=self._model.max_seq_length, padding=False
            )
        return answer

    def _whole(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """For models without a transformer's tokeniser, such as static word vectors: as the library does it."""
        with _tokenising:
            vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    def _run(self, tokens: Mapping[str, list[list[int]]], rows: Sequence[int]) -> NDArray[np.float32]:
        import torch

        length = len(tokens["input_ids"][rows[0]])
        copies = max(0, -(-_LEAST_TOKENS // length) - len(rows))
        chosen = [*rows, *([rows[0]] * copies)]
        features = {
            name: torch.tensor([values[row] for row in chosen], device=self._model.device)
            for name, values in tokens.items()
        }
        with torch.inference_mode():
            vectors = self._model(features)["sentence_embedding"][: len(rows)].float()
            unit: NDArray[np.float32] = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
        return unit


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Rows of equal length, at most ``_BATCH`` together; the long ones first, so that threads end together."""
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    batches: list[list[int]] = []
    for row in order:
        last = batches[-1] if batches else []
        if last and len(last) < _BATCH and lengths[last[0]] == lengths[row]:
            last.append(row)
        else:
            batches.append([row])
    return batches


def _single_threads(workers: int) -> ThreadPoolExecutor:
    """A pool whose threads compute on one core each, whatever torch does elsewhere in the process."""
    import torch

    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="embedding")
    ready = Barrier(workers)

    def settle() -> None:
        torch.set_num_threads(1)  # for this thread, and for threads that are yet to come
        torch.get_num_threads()  # a thread takes its number at the first question, and keeps it
        ready.wait()

    wait([pool.submit(settle) for _ in range(workers)])
    torch.set_num_threads(before)
    return pool


def _load(folder: Path, device: str) -> SentenceTransformer:
    """The model of a folder, loaded once a process however many builds use it at a time."""
    with _loading:
        model = _loaded.get((folder, device))
        if model is None:
            model = _loaded[folder, device] = _read(folder, device)
        return model


def _read(folder: Path, device: str) -> SentenceTransformer:
    need_sentence_transformers()
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model = SentenceTransformer(str(folder), device=device, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        reason = str(error).partition("\n")[0]
        raise RecipeError(
            f"engines.embeddings: the model in {folder} cannot be loaded on {device}: {reason}",
            allowed="a folder as sentence-transformers saves one; a device that torch has here",
            fix="remove model and device to use the embedded MiniLM on the processor",
        ) from None
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    model.eval()
    return model


def _prompt_of(model: Any) -> str:
    name = model.default_prompt_name
    return str(model.prompts[name]) if name else ""
