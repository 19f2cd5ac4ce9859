"""The Hub's client with limits of ours: time-outs, tries that are counted, and errors in our words.

``huggingface_hub`` waits for an answer without end, tries some calls again and others not, and speaks of its own
arguments. Its token is found as it finds it itself: ``HF_TOKEN``, or what ``hf auth login`` stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from contrafact.errors import ContrafactError, HubError, TransientError
from contrafact.publishing.contents import Item
from contrafact.publishing.remote import Remote, same_content

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

__all__ = ["Hub", "Told", "endpoint"]

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 120.0
"""How long to wait for a connection, and for an answer."""

PATIENCE_SECONDS = 300.0
"""The longest that a hub which asks to wait is waited for."""

_WAITS = (1.0, 4.0, 15.0)
_BUSY = (408, 412, 429, 500, 502, 503, 504)
_Answer = TypeVar("_Answer")

Told = Callable[[str], None]
"""Told in a sentence what is waited for."""


def endpoint() -> str:
    """Address of the Hub: ``HF_ENDPOINT``, or the real one."""
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


@dataclass(frozen=True)
class Hub:
    """One repository of datasets, and one branch of it.

    Attributes
    ----------
    repository : str
        ``namespace/name``.
    revision : str
        Branch.
    told : callable
        Is told what is waited for.
    own : tuple of Item and mapping, optional
        The manifest that is to go up, as a file and as read: one that is there already is not fetched.
    """

    repository: str
    revision: str = "main"
    told: Told = lambda text: None
    own: tuple[Item, Mapping[str, Any]] | None = None

    @cached_property
    def api(self) -> HfApi:
        from huggingface_hub import HfApi

        from contrafact import __version__

        return HfApi(library_name="contrafact", library_version=__version__)

    @property
    def endpoint(self) -> str:
        return str(self.api.endpoint)

    @property
    def url(self) -> str:
        """The page of the dataset."""
        return f"{self.endpoint}/datasets/{self.repository}"

    @staticmethod
    def token() -> str | None:
        """The token of the environment, or of the hub's own login."""
        from huggingface_hub import get_token

        return get_token()

    def need_token(self) -> str:
        """The token. Raises ``HubError`` where there is none."""
        token = self.token()
        if token is None:
            raise HubError(
                "there is no token for the hub, so that nothing can be pushed",
                allowed="a token that may write, from the hub's own login or the environment; never from a recipe",
                fix=f"hf auth login, or export HF_TOKEN=…  ({self.endpoint}/settings/tokens makes one)",
            )
        return token

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Within it the client gives up after a time, and draws no bars of its own."""
        import httpx2
        from huggingface_hub import utils
        from huggingface_hub.utils import _http

        before = _http._GLOBAL_CLIENT_FACTORY  # noqa: SLF001  # what else would undo set_client_factory?
        silent = utils.are_progress_bars_disabled()

        def limited() -> httpx2.Client:
            client = before()
            client.timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
            return client

        utils.set_client_factory(limited)
        if not silent:
            utils.disable_progress_bars()
        try:
            yield
        finally:
            utils.set_client_factory(before)
            if not silent:
                utils.enable_progress_bars()

    def patiently(self, call: Callable[[], _Answer]) -> _Answer:
        """What ``call`` answers, tried again where the hub is busy or silent for a while.

        Raises
        ------
        TransientError
            Where it stayed so; the same command continues.
        HubError
            Where the hub refuses.
        """
        for wait in (*_WAITS, None):
            try:
                return call()
            except ContrafactError:
                raise
            except Exception as error:
                cause, again = _root(error), _asked_to_wait(error)
                explained = self.explained(cause)
                if explained is None:
                    raise
                seconds = wait if again is None or wait is None else max(wait, again)
                if not explained.transient or seconds is None or seconds > PATIENCE_SECONDS or _is_down(cause):
                    raise explained from None
                self.told(f"{explained.what}; trying again in {seconds:.0f} s")
                time.sleep(seconds)
        raise AssertionError  # pragma: no cover

    def look(self) -> Remote:
        """What is there now."""
        return self.patiently(self.look_once)

    def look_once(self) -> Remote:
        """The same in one try, with the client's own errors."""
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        try:
            return self._branch(self.revision)
        except RevisionNotFoundError:
            return replace(self._branch("main"), head=None)  # a new branch begins as main is
        except RepositoryNotFoundError:
            return Remote()

    def _branch(self, name: str) -> Remote:
        from huggingface_hub.hf_api import RepoFile

        # Without a time of its own this call would wait for ever, whatever the client's is.
        info = self.api.dataset_info(self.repository, revision=name, timeout=ANSWER_SECONDS)
        tree = self.api.list_repo_tree(self.repository, recursive=True, revision=info.sha, repo_type="dataset")
        files = {each.path: each for each in tree if isinstance(each, RepoFile)}
        manifest = self._manifest(str(info.sha), files.get("manifest.json"))
        return Remote(True, info.sha, files, info.private, manifest.get("name"), manifest.get("identity"))

    def _manifest(self, commit: str, there: RepoFile | None) -> Mapping[str, Any]:
        if there is None:
            return {}
        if self.own is not None and same_content(self.own[0], there):
            return self.own[1]
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

        place = hf_hub_url(
            self.repository, "manifest.json", repo_type="dataset", revision=commit, endpoint=self.endpoint
        )
        answer = get_session().get(place, headers=build_hf_headers())
        hf_raise_for_status(answer)
        try:
            found = answer.json()
        except ValueError:
            return {}
        return found if isinstance(found, Mapping) else {}

    def explained(self, error: BaseException) -> ContrafactError | None:
        """The client's error as one of ours; None for one that is not about the hub."""
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

        again = "run the same command again: what went up already is not sent twice"
        if isinstance(error, OfflineModeIsEnabled):
            return HubError("HF_HUB_OFFLINE is set, so that nothing can be pushed", fix="unset HF_HUB_OFFLINE")
        if isinstance(error, LocalTokenNotFoundError):
            return HubError("there is no token for the hub", fix="hf auth login, or export HF_TOKEN=…")
        if isinstance(error, httpx2.UnsupportedProtocol):
            return HubError(
                f"{self.endpoint!r} is no address of a hub",
                allowed="an address that begins with https:// or http://",
                fix="correct HF_ENDPOINT, or unset it",
            )
        if isinstance(error, httpx2.TimeoutException):
            return TransientError(f"the hub at {self.endpoint} did not answer in time", fix=again)
        if isinstance(error, HfHubHTTPError):
            return self._refusal(error, again)
        if isinstance(error, httpx2.TransportError):
            return TransientError(f"the hub at {self.endpoint} cannot be reached ({error})", fix=again)
        if isinstance(error, ValueError) and "metadata in README.md" in str(error):
            return HubError(f"the hub refuses the card: {str(error).partition(chr(10))[2] or error}")
        return None

    def _refusal(self, error: Any, again: str) -> ContrafactError:
        status = error.response.status_code
        said = (error.server_message or error.response.headers.get("X-Error-Message") or "").strip()
        words = f": {said}" if said else ""
        if status in _BUSY:
            return TransientError(f"the hub is busy or changing (HTTP {status}){words}", fix=again)
        if status == 401:
            return HubError(
                f"the hub at {self.endpoint} does not accept the token{words}",
                allowed="a token of that hub that may write",
                fix="hf auth login, or export HF_TOKEN=…; hf auth whoami shows whose it is",
            )
        if status == 403:
            return HubError(
                f"the token may not write to {self.repository}{words}",
                allowed=f"the namespaces that it may write to{self._namespaces()}",
                fix="push to one of them, or take a token that may write there",
            )
        return HubError(f"the hub refuses (HTTP {status}){words}", fix="see what it says; contrafact push --dry-run")

    def _namespaces(self) -> str:
        """Whose token it is, where the hub tells."""
        try:
            who = self.api.whoami()
        except Exception:  # noqa: BLE001  # only a kindness on the way out
            return ""
        names = [who["name"], *(each["name"] for each in who.get("orgs", ()))]
        role = who.get("auth", {}).get("accessToken", {}).get("role")
        return f": {', '.join(names)}" + (", and not one for reading only" if role == "read" else "")


def _root(error: BaseException) -> BaseException:
    """The client wraps what went wrong with one file."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _asked_to_wait(error: BaseException) -> float | None:
    """Seconds that the hub asks to wait, by ``Retry-After``."""
    response = getattr(_root(error), "response", None)
    given = "" if response is None else response.headers.get("Retry-After", "").strip()
    return float(given) if given.isdigit() else None


def _is_down(error: BaseException) -> bool:
    """Whether nobody listens there: to wait some seconds would not help."""
    import httpx2

    return isinstance(error, httpx2.ConnectError)
