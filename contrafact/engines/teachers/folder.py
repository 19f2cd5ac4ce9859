"""The folder that ``contrafact teacher train`` writes.

::

    DIR/
      teacher.json           what it is: kind, labels, fields, what it was trained on, how good it was, temperature
      weights.safetensors    of a teacher on embeddings: coefficients and intercept
      config.json …          of a fine-tuned encoder: as transformers writes it, weights in safetensors
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contrafact.errors import DataError, RunDirectoryError
from contrafact.store.atomic import digest, flush, read_json, storage_errors, write_json

__all__ = ["ABOUT", "FORMAT", "WEIGHTS", "content_of", "is_teacher", "new_folder", "read_teacher"]

ABOUT = "teacher.json"
WEIGHTS = "weights.safetensors"
FORMAT = 1
_KINDS = ("embeddings", "finetune")
_CONTENT = (".safetensors", ".bin", ".json", ".txt", ".model")


def is_teacher(path: Path) -> bool:
    """Whether a folder is a teacher of ours."""
    return (path / ABOUT).is_file()


def read_teacher(path: Path) -> dict[str, Any]:
    """What a teacher's folder says of it. Raises ``DataError`` where that cannot be used."""
    about: Any = read_json(path / ABOUT)
    again = "contrafact teacher train writes such a folder"
    if not isinstance(about, Mapping) or about.get("format") != FORMAT or about.get("kind") not in _KINDS:
        raise DataError(f"{path / ABOUT} is damaged, or of another version", fix=again)
    temperature = about.get("temperature")
    if not isinstance(about.get("labels"), list) or not isinstance(temperature, float) or temperature <= 0:
        raise DataError(f"{path / ABOUT} names no labels, or no temperature above 0", fix=again)
    return dict(about)


def content_of(path: Path) -> dict[str, str]:
    """SHA-256 of every file of a model's folder that may change its answers, by name."""
    files = sorted(each for each in path.iterdir() if each.is_file() and each.suffix in _CONTENT)
    return {each.name: digest(each) for each in files}


@contextmanager
def new_folder(path: Path, about: dict[str, Any]) -> Iterator[Path]:
    """A folder to write a teacher into, put in place whole with ``about`` as its teacher.json.

    Raises
    ------
    RunDirectoryError
        Where there is something at ``path`` already.
    """
    check_new(path)
    temporary = path.with_name(f".tmp-{path.name}")
    with storage_errors(path):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            write_json(temporary / ABOUT, about)
            for each in (*temporary.iterdir(), temporary):
                flush(each)
            if path.is_dir():
                path.rmdir()  # empty, as check_new found
            temporary.rename(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def check_new(path: Path) -> None:
    """Raise ``RunDirectoryError`` unless nothing, or an empty folder, is at ``path``."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunDirectoryError(f"{path} is there already and is not empty", fix="give --out a new or empty folder")
