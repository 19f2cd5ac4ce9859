"""How a command gets to its Prefect server, and what it says while it does."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from rich.console import Console

from contrafact.errors import ContrafactError, TransientError
from contrafact.pipeline import Watch, build, local_mapper
from contrafact.plan import Plan
from contrafact.stopping import Stop
from contrafact.store.layout import FORMAT
from contrafact.store.manifest import load_manifest
from flows.engines import Engine
from flows.headstart import HeadStart
from flows.server import OwnServer, check_server, named_server, own_running_server

__all__ = ["Connection", "quiet"]


class Connection:
    """The Prefect server of one build, looked for (or started) when this is made, before the plan is.

    Parameters
    ----------
    needed : bool
        False where the dataset is complete already, so that a server of its own would be started for nothing.
    """

    def __init__(self, console: Console, *, needed: bool = True) -> None:
        self.console = console
        self.server: OwnServer | None = None
        url = named_server()
        if url is not None:
            if warning := check_server(url):
                self._say(f"warning: {warning}")
        elif (url := own_running_server()) is not None:
            self._say(f"your Prefect server is running: {url.removesuffix('/api')} shows this build")
            os.environ["PREFECT_API_URL"] = url
        self.url = url
        quiet(shown=url is not None)
        # 14 s of tries for each word to a server that went away, and not Prefect's minute: the shards are on disk.
        os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "3")
        if url is None and needed:
            self.server = OwnServer()

    def build(self, plan: Plan, engine: Engine, watch: Watch, stop: Stop) -> dict[str, Any]:
        """Build the plan's dataset through Prefect; until there is a server, its shards are worked on without."""
        mapper = engine.over(local_mapper(plan.workers))
        if self.url is None and self.server is None:
            return build(plan, mapper, watch, stop)  # it is complete: there is nothing to show
        watch = _once(watch)
        if self.server is not None and engine.clustered:
            self._say(
                "a Prefect server of its own is starting (5 to 20 s, longer the first time): workers report to it"
            )
            self.server.wait()
            os.environ["PREFECT_API_URL"] = self.server.url
        elif self.server is not None:
            self._say(
                "a Prefect server of its own is starting (5 to 20 s, longer the first time);"
                " the build has begun (--local does without)"
            )
            head = HeadStart(self.server)
            manifest = head.build(plan, mapper, watch, stop)
            if manifest is not None:
                self._say(self._early(head))
                return manifest
            self._say(f"Prefect answers after {self.server.seconds:.1f} s")
            os.environ["PREFECT_API_URL"] = self.server.url
        return self._through(plan, engine, watch, stop)

    def _through(self, plan: Plan, engine: Engine, watch: Watch, stop: Stop) -> dict[str, Any]:
        import httpx
        from prefect.logging.handlers import APILogHandler

        from flows.build import build_plan

        if not os.environ.get("CONTRAFACT_DEBUG"):
            APILogHandler.handleError = _unheard  # type: ignore[method-assign, assignment]

        try:
            return build_plan(plan, watch, stop, engine)
        except ContrafactError:
            raise
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            return self._gone(plan, error)
        except RuntimeError as error:
            if isinstance(error.__cause__ or error.__context__, httpx.TransportError):
                return self._gone(plan, error)
            raise

    def _gone(self, plan: Plan, error: Exception) -> dict[str, Any]:
        """The server went away: the dataset may be complete all the same."""
        where = os.environ.get("PREFECT_API_URL")
        manifest = load_manifest(plan.directory.manifest, FORMAT)
        complete = manifest is not None and manifest["identity"] == plan.identity
        # Before Prefect's own last words, for which it would wait: there is nobody to hear them.
        threading._register_atexit(_leave, 0 if complete else TransientError.exit_code)  # type: ignore[attr-defined]  # noqa: SLF001
        if manifest is not None and complete:
            self._say(f"warning: {where} no longer answers; the dataset is complete, its run may look unfinished there")
            return manifest
        raise TransientError(
            f"the Prefect server at {where} no longer answers ({type(error).__name__}); finished shards are kept",
            fix="run the same command again: it resumes; or add --local",
        ) from error

    def close(self) -> None:
        """End a server of its own that was not needed after all; one that was used ends after Prefect's last word."""
        if self.server is not None and "PREFECT_API_URL" not in os.environ:
            self.server.stop()

    def _early(self, head: HeadStart) -> str:
        if head.problem is not None:
            return f"warning: {head.problem.what}; built without it"
        return (
            "built before its Prefect server had started; one that runs already (prefect server start) shows each build"
        )

    def _say(self, text: str) -> None:
        self.console.print(text, style="dim", soft_wrap=True, highlight=False)


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _unheard(handler: Any, record: Any) -> None:
    """A log line that the server did not take is told once, by what comes of the build."""


def quiet(*, shown: bool) -> None:
    """Keep Prefect's own log from the terminal; where a server shows it, it is still sent there.

    A user's mistake would be logged as a crash with its traceback; the message alone is printed by ``main``.
    """
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    # The server that a build starts for itself reports nothing; one that the user runs is the user's to set.
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    if os.environ.get("CONTRAFACT_DEBUG"):
        return
    if shown:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_INTERNAL_LOGGING_LEVEL", "CRITICAL")
    else:
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
    # A server that the build started is stopped with it, and logs what it was still writing down as errors.
    os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")


def _once(watch: Watch) -> Watch:
    """The same, told of every step on every shard once: what a head start finished is found finished later."""
    seen: set[tuple[str, int]] = set()

    def told(stage: str, report: dict[str, Any]) -> None:
        if (stage, report["shard"]) not in seen:
            seen.add((stage, report["shard"]))
            watch(stage, report)

    return told
