"""What a student sees of a member: embeddings of its texts, tokens of its code, or the columns of a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import DataError, RecipeError, did_you_mean
from contrafact.evaluation.reading import Study, label_members
from contrafact.exports.forms import form_of, text_fields
from contrafact.record import levels_of

if TYPE_CHECKING:
    from contrafact.engines import Engines

__all__ = ["STUDENTS", "Inputs", "StudentName", "choose_inputs"]

StudentName = Literal["embeddings", "tokens", "trees", "encoder"]
STUDENTS: tuple[StudentName, ...] = ("embeddings", "tokens", "trees", "encoder")
_PIECE = r"[^\W_]+|[^\w\s]|_"
_WIDTH = 20_000
_MOST_LEVELS = 255
_CODE = frozenset({"code", "pattern"})


@dataclass(frozen=True)
class Inputs:
    """Which members are seen, and how.

    Attributes
    ----------
    student : str
        One of :data:`STUDENTS`.
    fields : tuple of str
        Members, in order.
    left_out : tuple of str
        Members that the label is read from.
    categorical : tuple of bool
        For tables: which of the fields are classes.
    """

    student: StudentName
    fields: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    categorical: tuple[bool, ...] = ()

    def features(self, members: Sequence[pa.Array], engines: Engines) -> list[Any]:
        """Features of several arrays of members, made together so that each different text is read once.

        Parameters
        ----------
        members : sequence of pyarrow.StructArray

        Returns
        -------
        list
            For each array of n members: ndarray of float64 (n, d), a sparse matrix (n, d), or for encoders a list of n
            tuples of texts.
        """
        if self.student == "trees":
            return [_cells(each, self.fields) for each in members]
        texts = [_texts(each, self.fields) for each in members]
        if self.student == "encoder":
            return list(texts)
        flat = [text for each in texts for text in each]
        distinct = {text: place for place, text in enumerate(dict.fromkeys(flat))}
        rows = [np.array([distinct[text] for text in each], dtype=np.int64) for each in texts]
        made = _embedded(list(distinct), engines) if self.student == "embeddings" else _tokens(list(distinct))
        return [made[each] for each in rows]


def choose_inputs(study: Study, student: str | None, fields: Sequence[str]) -> Inputs:
    """The student and what it sees, as asked for or as the pairs suggest.

    Texts are read and everything else beside them is not: named concepts beside a text tell what the text should. Of a
    table every column is seen but those that the label is read from.

    Raises
    ------
    RecipeError
        For an unknown student or member, or a student that cannot see these members.
    DataError
        Where nothing is left to see.
    """
    kind = study.pairs.schema.field("factual").type
    names = [each.name for each in kind]
    for name in fields:
        if name not in names:
            raise RecipeError(f"--fields: {name!r} is no member{did_you_mean(name, names)}", allowed=", ".join(names))
    if student is not None and student not in STUDENTS:
        near = did_you_mean(student, STUDENTS)
        raise RecipeError(f"no student is called {student!r}{near}", allowed=", ".join(STUDENTS))
    texts = text_fields(study.pairs.schema)
    if fields:
        textual = [name in texts for name in fields]
        chosen = _checked(student or ("trees" if not any(textual) else "embeddings"), fields, texts)
        return Inputs(chosen, tuple(fields), (), _classes(kind, fields) if chosen == "trees" else ())
    if texts and student != "trees":
        form = form_of(study.pairs.schema)
        seen = tuple(name for name in form.sees if name in texts) or tuple(texts)
        usual: StudentName = "tokens" if _CODE & set(seen) else "embeddings"
        return Inputs(_checked(student or usual, seen, texts), seen)
    numbers = [each.name for each in kind if _is_number(each.type)]
    left = label_members(study, numbers)
    seen = tuple(name for name in numbers if name not in left)
    if not seen:
        shown = f"it is read from {', '.join(left)}" if left else f"they hold {', '.join(names) or 'nothing'}"
        raise DataError(
            f"nothing is left of these pairs for a student to see the label by: {shown}",
            allowed="texts, numbers or classes",
            fix="--fields names what it may see all the same",
        )
    return Inputs(_checked(student or "trees", seen, texts), seen, tuple(left), _classes(kind, seen))


def _checked(student: str, fields: Sequence[str], texts: Sequence[str]) -> StudentName:
    """The student, where it can see these fields."""
    wrong = [name for name in fields if (name in texts) == (student == "trees")]
    if wrong:
        needs = "numbers and classes" if student == "trees" else "text"
        raise RecipeError(
            f"the student {student} sees {needs}, and {', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not that",
            fix="name other --fields, or another --student",
        )
    return next(each for each in STUDENTS if each == student)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _classes(kind: pa.StructType, fields: Sequence[str]) -> tuple[bool, ...]:
    """Which fields are classes that a tree may split into sets."""
    levels = [levels_of(kind.field(name)) for name in fields]
    return tuple(each is not None and len(each) <= _MOST_LEVELS for each in levels)


def _cells(members: pa.Array, fields: Sequence[str]) -> NDArray[np.float64]:
    """Columns of numbers, shape (n, d); NaN where there is none."""
    columns = [members.field(name).cast(pa.float64()).to_numpy(zero_copy_only=False) for name in fields]
    return np.column_stack(columns)


def _texts(members: pa.Array, fields: Sequence[str]) -> list[tuple[str, ...]]:
    """The texts of each member; more than two are joined, for nothing reads three."""
    columns = [members.field(name).fill_null("").to_pylist() for name in fields]
    if len(columns) > 2:
        return [("\n".join(row),) for row in zip(*columns, strict=True)]
    return list(zip(*columns, strict=True))


def _embedded(texts: Sequence[tuple[str, ...]], engines: Engines) -> NDArray[np.float64]:
    from contrafact.engines.teachers.trained import features_of

    return features_of(engines.embedder, texts)


def _tokens(texts: Sequence[tuple[str, ...]]) -> Any:
    """Words and marks of a text, and two in a row, in unit vectors: the commonest of all texts, trained on or not."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.preprocessing import normalize

    vectorizer = CountVectorizer(
        max_features=_WIDTH, ngram_range=(1, 2), tokenizer=_split, token_pattern=None, lowercase=False, dtype=np.float64
    )
    return normalize(vectorizer.fit_transform("\n".join(each) for each in texts).tocsr())


def _split(text: str) -> list[str]:
    return re.findall(_PIECE, text)
