"""Where everything lies in a run directory, and whose it is.

::

    outputs/<name>/
      README.md  croissant.json                  the card, for people and for machines
      recipe.yaml  manifest.json                 the resolved recipe, and (last) completion
      report.html                                the page to look at it, and no part of it
      data/<split>-00000.parquet                 accepted pairs
      rejected/rejected-00000.parquet            the others, with reasons
      hidden/<split>-00000.parquet               truth stored apart: noise, latents, potential outcomes
      media/<2 hex>/<sha256>.<ext>               clips and images, where they lie beside
      plugins/                                   the user's own Python files that the recipe stands on
      .work/                                     state of an unfinished build; removed by completion
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contrafact.errors import RunDirectoryError
from contrafact.identity import IDENTITY_VERSION
from contrafact.store.atomic import DISK_ERRORS, flush, read_json, storage_errors, write_json
from contrafact.store.changes import recipe_changes
from contrafact.store.exchange import put_aside, recover
from contrafact.store.lock import Held, Lock
from contrafact.store.manifest import load_manifest
from contrafact.store.versions import check_versions

__all__ = ["FORMAT", "REJECTED", "RunDirectory", "read_manifest"]

FORMAT = 2
"""Version of the layout and of the manifest.

To be raised by the first change after a release that makes older folders unreadable to ``validate`` or to a resuming
build. Nothing has been released yet, so that it stands at 2 whatever changes until then.
"""

REJECTED = "rejected"
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)")
"""What a path looks like that was made of ``s3://bucket/name``."""


@dataclass(frozen=True)
class RunDirectory:
    """Paths of one run directory."""

    path: Path

    @property
    def address(self) -> str:
        """How a user names it."""
        return str(self.path)

    @property
    def complete(self) -> bool:
        """Whether there is a manifest; what it says is not looked at."""
        return self.manifest.is_file()

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def card(self) -> Path:
        return self.path / "README.md"

    @property
    def report_page(self) -> Path:
        return self.path / "report.html"

    @property
    def plugins(self) -> Path:
        return self.path / "plugins"

    @property
    def work(self) -> Path:
        return self.path / ".work"

    def pairs(self, part: str, shard: int) -> Path:
        """Parquet of one shard's pairs in a split, or of its rejects (``part`` is then ``rejected``)."""
        return self.path / ("rejected" if part == REJECTED else "data") / f"{part}-{shard:05d}.parquet"

    def hidden(self, part: str, shard: int) -> Path:
        """The hidden truth of the same rows."""
        return self.path / "hidden" / f"{part}-{shard:05d}.parquet"

    def candidates(self, shard: int) -> Path:
        """Candidates that wait for the set filters (Arrow)."""
        return self.work / "candidates" / f"{shard:05d}.arrow"

    def sketch(self, alias: str, shard: int) -> Path:
        """One shard's sketch for one set filter (Arrow)."""
        return self.work / "sketches" / alias / f"{shard:05d}.arrow"

    def verdicts(self, shard: int) -> Path:
        """What the set filters decided on one shard (Arrow)."""
        return self.work / "verdicts" / f"{shard:05d}.arrow"

    def contents(self, shard: int) -> Path:
        """Hashes of what one shard's accepted pairs hold, by split (:mod:`contrafact.overlap`)."""
        return self.work / "contents" / f"{shard:05d}.hashes"

    def report(self, stage: str, shard: int) -> Path:
        """The record that a stage of a shard is finished."""
        return self.work / stage / f"{shard:05d}.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run directory. Raises ``RunDirectoryError`` where it cannot be one, or another build holds it."""
        with storage_errors(self.path):
            self._make()
            if not self.manifest.is_file() and not self.work.is_dir():
                self._check_empty()  # before a lock file is put among somebody's own
            lock = Lock(self.path / ".lock")
            try:
                lock.acquire()
            except Held as held:
                who = f": {held.owner}" if held.owner else ""
                raise RunDirectoryError(
                    f"another build is at work in {self.path}{who}",
                    fix="wait for it, or give this one another --out",
                ) from None
        try:
            yield
        finally:
            lock.release()

    def claim(
        self,
        identity: str,
        name: str,
        parts: Mapping[str, str] | None = None,
        recipe: Mapping[str, Any] | None = None,
    ) -> bool:
        """Take the folder for a recipe; True where its dataset is already complete.

        A complete dataset that other versions of the libraries made is this recipe's all the same. A build that they
        began is not finished: its shards could differ in their last bits.

        Parameters
        ----------
        parts : mapping of str to str, optional
            What the identity is made of, so that a change can be named.
        recipe : mapping, optional
            The recipe without what its identity leaves out, so that it can be told how a finished one differed.

        Raises
        ------
        RunDirectoryError
            Where the folder belongs to another recipe, to nobody we know, or to another version of the format.
        """
        finished = load_manifest(self.manifest, FORMAT)
        if finished is None and self.manifest.is_file() and not self.work.is_dir():
            raise RunDirectoryError(f"{self.manifest} is damaged", fix="restore it, or delete the folder to build anew")
        state = finished or read_json(self.work / "state.json")
        if state is None:
            self._check_empty()
            self._mark(identity, name, parts or {})
            return False
        if finished is None and state.get("identity") != identity and not any(self.work.glob("*/*.json")):
            # Nothing was finished under the other identity: a recipe or plug-in that failed at once may be mended.
            state = self._mark(identity, name, parts or {})
        check_versions(self.path, state, FORMAT)
        self._check_owner(state, identity, parts or {}, recipe or {}, complete=finished is not None)
        if finished is not None and self.work.exists():
            shutil.rmtree(self.work)  # the build was stopped between completion and tidying up
        return finished is not None

    def gather(self, paths: Iterable[str]) -> None:
        """Have these files here, to be read. They are, unless the directory is in an object store."""

    def settle(self, listed: Iterable[str]) -> None:
        """Have the files of a dataset, and whatever lies beside them, safe before the manifest is."""
        for folder in {(self.path / path).parent for path in listed} | {self.path}:
            flush(folder)

    def discard_work(self) -> None:
        """Remove the state of the build, once there is a manifest."""
        flush(self.path)
        shutil.rmtree(self.work)

    def _mark(self, identity: str, name: str, parts: Mapping[str, str]) -> dict[str, Any]:
        versions = {"format": FORMAT, "identity_version": IDENTITY_VERSION}
        state = {**versions, "identity": identity, "name": name, "identity_parts": dict(parts)}
        write_json(self.work / "state.json", state)
        # Its name must outlast a power cut that any later file outlasts, or the folder would be nobody's we know.
        for folder in (self.work, self.path):
            flush(folder)
        return state

    def _make(self) -> None:
        try:
            recover(self.path)
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno in DISK_ERRORS:
                raise
            raise RunDirectoryError(
                f"{self.path} cannot be made a folder: {error.strerror}", fix="give --out a new or empty folder"
            ) from None

    def _check_empty(self) -> None:
        ours = {".lock", ".work"}
        foreign = sorted(entry.name for entry in self.path.iterdir() if entry.name not in ours)
        if foreign:
            raise RunDirectoryError(
                f"{self.path} is not a run directory and is not empty (it holds {', '.join(foreign[:3])})",
                fix="give --out a new or empty folder",
            )

    def check_recipe(self, part: str, recipe: Mapping[str, Any]) -> None:
        """Refuse a finished dataset of another recipe before anything is made of this one; :meth:`claim` knows more.

        Parameters
        ----------
        part : str
            The recipe's own part of the identity.
        recipe : mapping
            The recipe without what its identity leaves out.

        Raises
        ------
        RunDirectoryError
            Where the folder holds another recipe's dataset.
        """
        finished = load_manifest(self.manifest, FORMAT)
        if finished is None:
            return
        check_versions(self.path, finished, FORMAT)
        if finished["identity_parts"].get("recipe", part) != part:
            self._refuse(finished, "", ["recipe"], recipe)

    def _check_owner(
        self,
        state: dict[str, Any],
        identity: str,
        parts: Mapping[str, str],
        recipe: Mapping[str, Any],
        *,
        complete: bool,
    ) -> None:
        if state.get("identity") == identity:
            return
        before = state.get("identity_parts") or {}
        changed = [part for part in {**before, **parts} if before.get(part) != parts.get(part)] if before else []
        if complete and changed == ["libraries"]:
            return
        self._refuse(state, f"; this one is {identity}", changed, recipe)

    def _refuse(self, state: Mapping[str, Any], ours: str, changed: list[str], recipe: Mapping[str, Any]) -> None:
        what = f": {', '.join(changed)} changed" if changed else ""
        how = recipe_changes(self.recipe, recipe) if recipe and "recipe" in changed else ""
        again = "install the versions that it was begun with, or " if changed == ["libraries"] else ""
        raise RunDirectoryError(
            f"{self.path} belongs to another recipe or to another version of it"
            f" ({state.get('name')}, identity {state.get('identity')}{ours}){what}{f' ({how})' if how else ''}",
            fix=f"{again}give --out another folder, or delete that one to build it anew",
        )


def read_manifest(directory: RunDirectory) -> dict[str, Any]:
    """The manifest of a finished dataset. Raises ``RunDirectoryError`` where there is none that can be used."""
    if directory.path.is_file():
        raise RunDirectoryError(
            f"{directory.path} is a file, and is no run directory",
            allowed="the folder of a dataset",
            fix=f"give its folder, such as {directory.path.parent}",
        )
    manifest = load_manifest(directory.manifest, FORMAT)
    address = _ADDRESS.match(str(directory.path))
    if manifest is None and address:
        raise RunDirectoryError(
            f"{address[1]}://{address[2]} is an address of an object store",
            allowed="a folder (contrafact validate and contrafact report take addresses too)",
            fix="copy it to a folder, such as by `aws s3 sync`",
        )
    if manifest is None and directory.manifest.exists() and not directory.work.exists():
        raise RunDirectoryError(
            f"{directory.manifest} is cut off, or is no JSON",
            allowed="what contrafact build wrote",
            fix="restore it, or build the same recipe again",
        )
    aside = put_aside(directory.path)
    if manifest is None and aside is not None:
        raise RunDirectoryError(
            f"{directory.path} is missing: a run was killed while a new version took its place, and left {aside}",
            fix=f"start that run again, which puts it back, or mv {aside} {directory.path}",
        )
    if manifest is None:
        unfinished = directory.work.exists()
        raise RunDirectoryError(
            f"{directory.path} {'is not finished' if unfinished else 'is no run directory: it has no manifest.json'}",
            fix="contrafact build the same recipe again: it resumes" if unfinished else "give the folder of a dataset",
        )
    check_versions(directory.path, manifest, FORMAT)
    return manifest
