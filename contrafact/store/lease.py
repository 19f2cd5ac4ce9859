"""A lock on a prefix of an object store, which has no locks: leases that are numbered, renewed and outlived.

A lease is an object ``.lease/<number>.json`` that says who holds it and until when. The next number may be created once
the last one's time is over; creation is conditional (the store lets one of two win), so that no lease is ever
overwritten by another owner. An owner renews its own, and stops as soon as it sees a higher number.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from contrafact.errors import ContrafactError, RunDirectoryError, StorageError
from contrafact.store.lock import Owner
from contrafact.store.mirrors import Mirror

__all__ = ["FOLDER", "Lease"]

FOLDER = ".lease"
_SECONDS = 180.0
_RENEWALS = 4  # in the time that a lease lasts: three may fail
_KEPT = 2


class Lease:
    """The right to build under one prefix.

    Parameters
    ----------
    seconds : float
        How long it lasts unless it is renewed. A builder that was killed keeps others out for so long.
    """

    def __init__(self, mirror: Mirror, seconds: float = _SECONDS) -> None:
        self.mirror, self.seconds = mirror, seconds
        self.number = 0
        self.lost: str | None = None
        self._token = uuid4().hex
        self._until = 0.0
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None

    def acquire(self) -> None:
        """Take it, or say who has it.

        Raises
        ------
        RunDirectoryError
            Where another build holds it, or there are no credentials.
        StorageError
            Where nothing may be written there.
        """
        numbers = self._numbers()
        held = self._read(numbers[-1]) if numbers else None
        owner = _owner(held)
        if held is not None and held["until"] > time.time() and not (owner is not None and owner.gone()):
            raise self._held(held)
        self.number = (numbers[-1] if numbers else 0) + 1
        until = time.time() + self.seconds
        content = self._content(until)
        try:
            won = self.mirror.create(self._name(self.number), content)
        except FileNotFoundError:
            raise _no_bucket(self.mirror) from None
        # Refused, and yet ours: the first try had arrived, its answer was lost, and the client tried again.
        if not won and (winner := self._read(self.number)) != json.loads(content):
            raise self._held(winner)
        self.lost, self._until = None, until
        self._ended.clear()
        self.mirror.delete(self._name(number) for number in numbers[: -_KEPT + 1])
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._renewing.start()

    def check(self) -> None:
        """Raise ``StorageError`` once the lease went to somebody else."""
        if self.lost:
            raise StorageError(self.lost, fix="let the other build end, then run the same command: it resumes")

    def release(self) -> None:
        """Give it up, so that the next build need not wait for its end."""
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join(timeout=self.seconds)
            self._renewing = None
        if self.number and not self.lost:
            self.mirror.delete([self._name(self.number)])
            self.number = 0

    def _renew(self) -> None:
        end = time.monotonic() + self.seconds
        while not self._ended.wait(self.seconds / _RENEWALS):
            try:
                newest = max(self._numbers(), default=self.number)
                if newest > self.number:
                    self.lost = f"{self.mirror.url} was taken by another build: {_who(self._read(newest))}"
                    return
                if time.time() > self._until:  # others may have come and gone, and left no trace
                    self.lost = f"the lease on {self.mirror.url} ran out while this build stood still"
                    return
                until = time.time() + self.seconds
                self.mirror.write(self._name(self.number), self._content(until))
                end, self._until = time.monotonic() + self.seconds, until
            except ContrafactError as error:
                if time.monotonic() > end:
                    self.lost = f"the lease on {self.mirror.url} could not be renewed: {error.what}"
                    return

    def _numbers(self) -> list[int]:
        with self.mirror.errors("listed"):
            try:
                self.mirror.fs.invalidate_cache()
                found = self.mirror.fs.ls(self.mirror.key(FOLDER), detail=False)
            except FileNotFoundError:
                return []
        stems = (name.rpartition("/")[2].removesuffix(".json") for name in found)
        return sorted(int(stem) for stem in stems if stem.isdigit())

    def _name(self, number: int) -> str:
        return f"{FOLDER}/{number:08d}.json"

    def _content(self, until: float) -> bytes:
        return json.dumps({"until": until, "owner": asdict(Owner.this()), "token": self._token}).encode()

    def _read(self, number: int) -> dict[str, Any] | None:
        content = self.mirror.content(self._name(number))
        try:
            lease: dict[str, Any] = json.loads(content or b"null")
        except ValueError:
            return None
        return lease

    def _held(self, lease: dict[str, Any] | None) -> RunDirectoryError:
        left = f" for {max(0.0, lease['until'] - time.time()):.0f} s more" if lease else ""
        return RunDirectoryError(
            f"another build is at work in {self.mirror.url}: {_who(lease)}",
            fix=f"wait for it (one that was killed holds the place{left}), or give this one another --out",
        )


def _owner(lease: dict[str, Any] | None) -> Owner | None:
    return Owner.read(json.dumps((lease or {}).get("owner")))


def _who(lease: dict[str, Any] | None) -> str:
    return str(_owner(lease) or "somebody")


def _no_bucket(mirror: Mirror) -> RunDirectoryError:
    return RunDirectoryError(f"{mirror.url} cannot be written: there is no such bucket", fix="make the bucket first")
