"""In which programming language each member is: told by the recipe, or by a member ``language`` of the pairs."""

from __future__ import annotations

from typing import cast

import pyarrow as pa

from contrafact.engines.syntax import LANGUAGES, Language
from contrafact.record import levels_of
from contrafact.stages import Generator
from filters.columns import Side, member
from filters.options import check_choice

__all__ = ["Spoken"]

_MEMBER = "language"


class Spoken:
    """The language of each member.

    Parameters
    ----------
    name : str
        The filter's, for its error.
    given : {'python', 'c'}, optional
        The recipe's word; where there is none, that of the class label ``language``, else Python.

    Raises
    ------
    RecipeError
        For an unknown language.
    """

    def __init__(self, name: str, given: Language | None) -> None:
        if given is not None:
            check_choice(name, _MEMBER, given, LANGUAGES)
        self.given = given
        self._levels: tuple[str, ...] | None = None

    def bind(self, generator: Generator) -> None:
        """See which languages the generator's pairs tell of."""
        if self.given is None:
            fields = {each.name: each for each in generator.shape().members}
            self._levels = levels_of(fields[_MEMBER]) if _MEMBER in fields else None

    @property
    def possible(self) -> tuple[Language, ...]:
        """Languages that members may be in."""
        if self._levels is None:
            return (self.given or "python",)
        return cast("tuple[Language, ...]", tuple(each for each in self._levels if each in LANGUAGES))

    def of(self, pairs: pa.Table, side: Side) -> list[Language]:
        """One a pair; of a member that does not say, Python."""
        if self._levels is None:
            return [self.given or "python"] * pairs.num_rows
        names = cast("tuple[Language, ...]", self._levels)
        return ["python" if code is None else names[code] for code in member(pairs, side, _MEMBER).to_pylist()]
