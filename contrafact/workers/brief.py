"""What a worker must know to make the same plan: the recipe as data, the user's code, and where the dataset is.

A plan holds models, locks and open files and is never sent. A worker makes its own from the brief and compares the
identities: what differs there (a version, a plug-in, a table) would give other bytes, and is refused by name.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from contrafact.engines import Engines
from contrafact.errors import UserError, WorkerError
from contrafact.plan import Plan, assemble, make_generator, source_of
from contrafact.recipe import parse_recipe
from contrafact.store.atomic import read_json
from contrafact.store.layout import RunDirectory
from contrafact.store.remote import is_remote, open_directory
from contrafact.workers.sharing import Link, SharedLLM

__all__ = ["Brief"]


@dataclass(frozen=True)
class Brief:
    """A build, as it is told to a worker.

    Attributes
    ----------
    spec : mapping
        The recipe as plain data.
    folder : str
        Where its relative paths start, for the one who builds.
    out : str
        The run directory: an absolute path, or an address.
    local : str, optional
        The builder's local folder for a run directory in an object store, to be shared where it is to be seen.
    parts : mapping of str to str
        What the identity is made of.
    files : mapping of path to bytes
        The user's own modules, for a worker that does not have ``folder``.
    link : Link, optional
        Where the one language model of the build answers; None where it asks none.
    """

    spec: Mapping[str, Any]
    folder: str
    out: str
    identity: str
    parts: Mapping[str, str]
    replay: bool = False
    files: Mapping[str, bytes] | None = None
    local: str | None = None
    link: Link | None = None

    @classmethod
    def of(cls, plan: Plan, link: Link | None = None) -> Brief:
        """The brief of a plan."""
        here, address = str(plan.directory.path.resolve()), plan.directory.address
        return cls(
            plan.recipe.spec(),
            str(plan.folder),
            address if is_remote(address) else here,
            plan.identity,
            dict(plan.parts),
            plan.engines.replay,
            dict(plan.code.kept()),
            here if is_remote(address) else None,
            link,
        )

    def plan(self) -> Plan:
        """The same plan, made here.

        Raises
        ------
        WorkerError
            Where the run directory is not to be seen from here, or this machine would make other bytes.
        UserError
            Where something that the recipe names is missing here.
        """
        directory = open_directory(self.out, local=self._local())
        self._check_shared(directory)
        problems: list[UserError | WorkerError] = []
        for folder in self._folders():
            try:
                plan = self._made(folder, directory)
            except UserError as error:
                problems.append(error)
                continue
            if plan.identity == self.identity:
                return plan
            problems.append(self._other(plan))
        raise _explained(problems[0])

    def _made(self, folder: Path, directory: RunDirectory) -> Plan:
        recipe = parse_recipe(self.spec)
        generator = make_generator(recipe, folder)
        engines = _Lent(recipe.engines, self.replay)
        engines.link = self.link
        return assemble(recipe, folder, directory, generator, source_of(recipe, generator, folder), engines)

    def _folders(self) -> list[Path]:
        """The builder's folder where it is there too, then one with the code that came along."""
        own = Path(self.folder)
        there = [own] if own.is_dir() else []
        return [*there, Path(self._scratch.name)] if self.files or not there else there

    @cached_property
    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        scratch = tempfile.TemporaryDirectory(prefix="contrafact-plugins-")
        for place, content in (self.files or {}).items():
            path = Path(scratch.name) / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return scratch

    def _local(self) -> Path | None:
        return Path(self.local) if self.local is not None and (Path(self.local) / ".work").is_dir() else None

    def _check_shared(self, directory: RunDirectory) -> None:
        state = read_json(directory.work / "state.json")
        if state is None or state.get("identity") != self.identity:
            raise WorkerError(
                f"the worker on {socket.gethostname()} does not see the run directory {self.out}",
                allowed="a folder that all machines share, or an object store",
                fix="give --out such a folder, or an address such as s3://bucket/name",
            )

    def _other(self, plan: Plan) -> WorkerError:
        changed = [name for name in {**self.parts, **plan.parts} if self.parts.get(name) != plan.parts.get(name)]
        return WorkerError(
            f"the worker on {socket.gethostname()} would make other pairs: {', '.join(changed)} differ there",
            allowed="the same versions, plug-ins, tables and models on every machine",
            fix="install the same versions there (constraints.txt), and put files that the recipe names where all"
            " machines see them",
        )


def _explained(error: UserError | WorkerError) -> UserError | WorkerError:
    if isinstance(error, WorkerError):
        return error
    here = f"on the worker {socket.gethostname()}: {error.what}"
    return type(error)(here, allowed=error.allowed, fix=error.fix)


class _Lent(Engines):
    """Engines of a worker: its own, but for the language model, of which the whole build has one."""

    link: Link | None = None

    @property
    def llm(self) -> Any:
        if self.link is None:
            return super().llm
        link = self.link
        return self._once("llm", lambda: SharedLLM(link, self.llm_name()))
