"""Every error that contrafact raises on purpose.

::

    ContrafactError
    ├── UserError                  the user can mend it; the command line prints the message alone
    │   ├── RecipeError            a recipe that cannot be built as written
    │   ├── PluginError            a plug-in that cannot be found, imported or used
    │   ├── ModelError             a causal model that is not one: cycle, unknown parent, table that does not sum
    │   │   ├── ExpressionError    an expression outside the small language of mechanisms
    │   │   └── InterventionError  an intervention that the model does not allow
    │   ├── DataError              a table, file or column that cannot be used as it is
    │   ├── RunDirectoryError      a run directory that is not one, is in use, or is another recipe's
    │   ├── MissingDependencyError an optional part that is not installed
    │   ├── EndpointError          a language model that cannot be used: no key, no answer, unknown, refused parameter
    │   ├── HubError               a hub that refuses: no token, no right, a repository that is another dataset's
    │   ├── LicenceError           a licence that forbids what is asked
    │   ├── CacheError             a cache of replies that cannot be used, or lacks what a replay needs
    │   └── StageError             a generator or filter that failed on every unit of a shard
    ├── BudgetError                a hard cap on requests, tokens or money: the same command resumes
    ├── StorageError               the disk is full or read-only: the same command resumes
    ├── StoppedError               somebody asked for a stop: the same command resumes
    ├── WorkerError                another process or machine that died again and again, or cannot make the same pairs
    ├── TransientError             worth trying again as it is (a network, a busy server)
    └── RowError                   one unit that cannot be made: it becomes a reject with this reason
        └── MediaError             a clip or image that cannot be used as it is

Whether to retry is a property of the class (``transient``), never of the text.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "BudgetError",
    "CacheError",
    "ContrafactError",
    "DataError",
    "EndpointError",
    "ExpressionError",
    "HubError",
    "InterventionError",
    "LicenceError",
    "MediaError",
    "MissingDependencyError",
    "ModelError",
    "PluginError",
    "RecipeError",
    "RowError",
    "RunDirectoryError",
    "StageError",
    "StoppedError",
    "StorageError",
    "TransientError",
    "UserError",
    "WorkerError",
    "did_you_mean",
]


class ContrafactError(Exception):
    """Root of the tree. ``str(error)`` is the whole message, ready to show.

    Parameters
    ----------
    what : str
        What was given and why it cannot be used, in one sentence.
    allowed : str, optional
        What would have been accepted.
    fix : str, optional
        The command or edit that mends it.
    """

    transient: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, allowed: str | None = None, fix: str | None = None) -> None:
        self.what, self.allowed, self.fix = what, allowed, fix
        lines = [what]
        if allowed:
            lines.append(f"  allowed: {allowed}")
        if fix:
            lines.append(f"  fix: {fix}")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not pickle by themselves, and Prefect sends them between processes.
        return (_rebuild, (type(self), self.what, self.allowed, self.fix))


def _rebuild(kind: type[ContrafactError], what: str, allowed: str | None, fix: str | None) -> ContrafactError:
    return kind(what, allowed=allowed, fix=fix)


class UserError(ContrafactError):
    """The user can mend it. No traceback on the command line; exit code 2."""

    exit_code = 2


class RecipeError(UserError):
    """A recipe that cannot be built as it is written."""


class PluginError(UserError):
    """A plug-in that cannot be found, imported or used."""


class ModelError(UserError):
    """A causal model that is not one: a cycle, an unknown parent, a table that does not sum to one."""


class ExpressionError(ModelError):
    """An expression outside the small language that mechanisms may use."""


class InterventionError(ModelError):
    """An intervention on a variable that is not there, or to a value outside its domain."""


class DataError(UserError):
    """A table, file or column that cannot be used as it is."""


class RunDirectoryError(UserError):
    """A run directory that is not one, is in use, is unfinished, or belongs to another recipe."""


class MissingDependencyError(UserError):
    """An optional part that is not installed; ``fix`` is the command that installs it."""


class EndpointError(UserError):
    """A language model that cannot be used as it is named: no key, no answer, an unknown model, a refused parameter."""


class HubError(UserError):
    """A hub that refuses: no token, no right to write, a name it does not allow, a repository of another dataset."""


class LicenceError(UserError):
    """A licence that forbids what is asked."""


class CacheError(UserError):
    """A cache of replies that is locked, is no cache, or lacks replies that a replay needs."""


class StageError(UserError):
    """A generator or filter that failed on every unit of a shard: going on would only make rejects."""


class BudgetError(ContrafactError):
    """A hard cap was reached. What was answered is in the cache; the same command resumes and pays for the rest."""

    exit_code = 5


class StorageError(ContrafactError):
    """The disk is full, read-only or gone. What was finished stays; the same command resumes."""

    exit_code = 3


class StoppedError(ContrafactError):
    """Ctrl-C or a signal asked for a stop. What was in work was finished and stays; the same command resumes."""

    exit_code = 130


class WorkerError(ContrafactError):
    """A worker that died again and again on one shard, or that would make other pairs than the one who builds."""


class TransientError(ContrafactError):
    """Worth trying again as it is: a network that dropped, a server that was busy."""

    transient = True
    exit_code = 4


class RowError(ContrafactError):
    """One unit that cannot be made. It becomes a rejected pair that carries this message as its reason."""


class MediaError(RowError):
    """A clip or image that cannot be used as it is: cut off, too large, of another size, without video."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest of ``known``, or an empty string."""
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
