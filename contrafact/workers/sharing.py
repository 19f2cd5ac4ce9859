"""One language model for all workers: the one who builds answers for it, so that one limit and one budget hold.

::

    worker 1 ─┐                       ┌─ limiter ─ budget ─ breaker ─┐
    worker 2 ─┼─► Service (builder) ──┤                              ├─► endpoint
    worker 3 ─┘                       └─ cache of replies ───────────┘

Workers send questions over a socket of their own and get replies. Nothing of the limiter, the budget or the cache has
to be agreed between processes, whether or not they share a file system, and no worker needs the key. Both ends prove
that they know the build's secret before anything is read.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from typing import TYPE_CHECKING, Any

from contrafact.errors import ContrafactError, TransientError, WorkerError

if TYPE_CHECKING:
    from contrafact.engines.llm import LLM
    from contrafact.engines.llm.budget import Estimate
    from contrafact.engines.llm.request import Reply, Request

__all__ = ["Link", "Service", "SharedLLM"]

_CONNECT_SECONDS = 10.0
_METHODS = ("ask", "estimate")


@dataclass(frozen=True)
class Link:
    """How workers reach the service. The secret shows in no log and no page."""

    host: str
    port: int
    secret: bytes = field(repr=False)


class Service:
    """Answers workers' questions with one engine, until it is closed.

    Parameters
    ----------
    engine : callable
        Gives the engine; called at the first question.
    host : str
        Address to listen at: loopback, unless workers are on other machines.
    """

    def __init__(self, engine: Callable[[], LLM], host: str = "127.0.0.1") -> None:
        self._engine = engine
        self._listener = Listener((host, 0), backlog=64)  # authenticated a connection, below: a silent one stops nobody
        address: Any = self._listener.address
        self.link = Link(host, address[1], secrets.token_bytes(32))
        self._lines: set[Connection] = set()
        self._guard, self._open = threading.Lock(), True
        threading.Thread(target=self._accept, name="llm-service", daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._open = False
        with contextlib.suppress(OSError):  # a listener that waits is woken by a caller
            socket.create_connection((self.link.host, self.link.port), timeout=1).close()
        self._listener.close()
        with self._guard:
            lines, self._lines = self._lines, set()
        for line in lines:
            line.close()

    def _accept(self) -> None:
        while self._open:
            try:
                line = self._listener.accept()
            except (OSError, EOFError):
                continue
            if not self._open:
                line.close()
                return
            threading.Thread(target=self._serve, args=(line,), name="llm-service", daemon=True).start()

    def _serve(self, line: Any) -> None:
        with self._guard:
            self._lines.add(line)
        try:
            deliver_challenge(line, self.link.secret)
            answer_challenge(line, self.link.secret)
            while True:
                method, requests = line.recv()
                line.send(self._answered(method, requests))
        except (AuthenticationError, OSError, EOFError):
            return  # a stranger, or a worker that ended
        finally:
            with self._guard:
                self._lines.discard(line)
            line.close()

    def _answered(self, method: str, requests: Sequence[Request]) -> tuple[str, Any]:
        if method not in _METHODS:
            return "error", WorkerError(f"a worker asked the model for {method!r}", allowed=", ".join(_METHODS))
        try:
            return "answer", getattr(self._engine(), method)(requests)
        except ContrafactError as error:
            return "error", error
        except Exception as error:  # noqa: BLE001  # the worker would otherwise wait for ever
            return "error", WorkerError(f"the language model failed: {type(error).__name__}: {error}")


class SharedLLM:
    """A worker's face of the build's language model: see :class:`contrafact.engines.llm.LLM`."""

    def __init__(self, link: Link, model: str) -> None:
        self._link, self._model = link, model
        self._idle: list[Connection] = []
        self._guard = threading.Lock()

    @property
    def model(self) -> str:
        return self._model

    def check(self) -> None:
        """Nothing: the one who builds made sure of it."""

    def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """Replies in order; errors are those of the engine itself."""
        replies: list[Reply] = self._called("ask", list(requests))
        return replies

    def estimate(self, requests: Iterable[Request]) -> Estimate:
        estimate: Estimate = self._called("estimate", list(requests))
        return estimate

    def close(self) -> None:
        """Leave the service."""
        with self._guard:
            lines, self._idle = self._idle, []
        for line in lines:
            line.close()

    def _called(self, method: str, requests: list[Request]) -> Any:
        with self._line() as line:
            try:
                line.send((method, requests))
                kind, answer = line.recv()
            except (OSError, EOFError) as error:
                raise self._lost(error) from None
        if kind == "error":
            raise answer
        return answer

    @contextlib.contextmanager
    def _line(self) -> Iterator[Any]:
        """A connection of one's own: threads ask at the same time."""
        with self._guard:
            line = self._idle.pop() if self._idle else None
        line = line or self._connected()
        try:
            yield line
        except BaseException:
            line.close()
            raise
        with self._guard:
            self._idle.append(line)

    def _connected(self) -> Any:
        link = self._link
        try:
            socket.create_connection((link.host, link.port), timeout=_CONNECT_SECONDS).close()
            return Client((link.host, link.port), authkey=link.secret)
        except (OSError, EOFError, AuthenticationError) as error:
            raise self._lost(error) from None

    def _lost(self, error: BaseException) -> TransientError:
        return TransientError(
            f"the worker on {socket.gethostname()} cannot reach the build's language model at"
            f" {self._link.host}:{self._link.port} ({type(error).__name__})",
            fix="let workers reach the machine that builds (a firewall, another network), or build this recipe there",
        )
