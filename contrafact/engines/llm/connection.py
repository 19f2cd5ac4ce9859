"""The official client on one endpoint: sends a call once and sorts what went wrong. Retries are not its business."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from contrafact.engines.llm.failures import CallError, LostError, RefusedError, sort_status
from contrafact.engines.llm.scoring import Tokens, read_tokens
from contrafact.engines.llm.settings import Settings
from contrafact.errors import EndpointError, did_you_mean

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Connection", "Endpoint", "read_key"]

_CHECK_SECONDS = 15.0
_SHOWN = 300
_LISTED = 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Endpoint:
    """Where calls go.

    Attributes
    ----------
    base_url : str, optional
        None for the provider that the client knows by itself.
    model : str
        What the endpoint calls the model.
    listed : bool
        Whether ``/models`` must list it.
    echoes : bool
        Whether it may know the ``echo`` of a prompt; llama.cpp does not.
    close : callable, optional
        Stops what was started for it.
    """

    base_url: str | None
    model: str
    listed: bool = True
    echoes: bool = True
    close: Callable[[], None] | None = None


def read_key(settings: Settings) -> str | None:
    """The key from its environment variable; None where the endpoint needs none.

    Raises
    ------
    EndpointError
        Where the variable is not set, or holds what no key is made of.
    """
    name = settings.api_key_env
    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise EndpointError(f"there is no key: the environment variable {name} is not set", fix=f"export {name}=…")
    if not key.isascii() or not key.isprintable():
        raise EndpointError(f"the key in {name} holds a character that no key has", fix=f"export {name}=… once more")
    return key


class Connection:
    """Calls to one endpoint. Belongs to one event loop; made inside it.

    Raises
    ------
    EndpointError
        Where there is no key.
    """

    def __init__(self, endpoint: Endpoint, settings: Settings) -> None:
        self.endpoint, self.settings = endpoint, settings
        self._key = read_key(settings)
        self.client = _client(endpoint, settings, self._key)
        self.address = str(self.client.base_url).rstrip("/")

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of one answered call.

        Raises
        ------
        LostError
            What may be tried again.
        RefusedError
            What may not.
        """
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        try:
            return await self.client.post(path, cast_to=object, body=body)
        except APITimeoutError:
            raise LostError("time-out", busy=True, billed=True) from None
        except APIConnectionError:
            raise LostError("connection lost", billed=True) from None
        except APIStatusError as error:
            raise self.sorted_error(error) from None
        except ValueError:  # a body that is no JSON
            raise LostError("broken reply", billed=True) from None

    async def tokens(self, text: str) -> Tokens:
        """A text's tokens, by a path that llama.cpp's server has beside those of the OpenAI protocol.

        Raises
        ------
        LostError, RefusedError
        """
        beside = f"{self.address.removesuffix('/v1')}/tokenize"
        asked = {"content": text, "add_special": False, "parse_special": False, "with_pieces": True}
        try:
            return read_tokens(await self.post(beside, asked))
        except ValueError:
            raise RefusedError(404, "no tokens") from None

    async def models(self) -> list[str] | None:
        """Names of the models that the endpoint lists; None where it lists none.

        Raises
        ------
        LostError, RefusedError
        """
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        timeout = min(_CHECK_SECONDS, self.settings.timeout)
        try:
            found = await self.client.get("/models", cast_to=object, options={"timeout": timeout})
        except APITimeoutError:
            raise LostError(f"nothing within {timeout:g} s") from None
        except APIConnectionError:
            raise LostError("no connection") from None
        except APIStatusError as error:
            raise self.sorted_error(error) from None
        except ValueError:
            return None
        listed = found.get("data") if isinstance(found, Mapping) else None
        return [str(each["id"]) for each in listed if "id" in each] if isinstance(listed, list) else None

    async def check(self) -> None:
        """Ask the endpoint for its models.

        Raises
        ------
        EndpointError
            Where it does not answer, refuses the key, or does not list the model.
        """
        try:
            models = await self.models()
        except LostError as lost:
            if lost.why.startswith("HTTP"):
                return  # there, and busy: calls will find out how long
            raise EndpointError(
                f"there is no language model at {self.address}: {lost.why}", fix=self._start()
            ) from None
        except RefusedError as refused:
            if refused.status in (401, 403):
                raise self.mistake(refused) from None
            return  # a server that lists nothing may well answer
        if models is not None and self.endpoint.listed and not self._among(models):
            raise self._unknown(models)

    async def not_found(self, path: str) -> EndpointError:
        """What a 404 means: a model that is not there (with those that are), or an endpoint without this path."""
        try:
            models = await self.models() or []
        except CallError:
            models = []
        if self._among(models):
            return EndpointError(
                f"{self.address} has no {path} for the model {self.endpoint.model!r}",
                fix="choose the generator's other mode (chat or completion), or another model",
            )
        return self._unknown(models)

    def no_scores(self) -> EndpointError:
        """It tells nobody how probable a text is that it did not write."""
        return EndpointError(
            f"{self.address} gives no log-probabilities of a text that is given to {self.endpoint.model}",
            allowed="a server with completions that echo log-probabilities (vLLM), or llama.cpp's; the local backend",
            fix="remove max_rise and max_break from the filter fluency, or set engines.llm.backend: local",
        )

    def mistake(self, refused: RefusedError) -> EndpointError:
        """A refusal in the words of the user."""
        if refused.status in (401, 403):
            # Not in the server's words: providers quote parts of the key.
            name = self.settings.api_key_env
            if name is None:
                return EndpointError(
                    f"{self.address} wants a key (HTTP {refused.status})",
                    fix="export MY_KEY=… and set engines.llm.api_key_env: MY_KEY",
                )
            return EndpointError(
                f"{self.address} refused the key in {name} (HTTP {refused.status})", fix=f"export {name}=…, a valid key"
            )
        return EndpointError(
            f"{self.address} refused the question (HTTP {refused.status}): {refused.message}",
            fix="change the setting that it names, in the generator's options or engines.llm",
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self.client.close()

    def sorted_error(self, error: Any) -> CallError:
        """What a status of the client's ``APIStatusError`` means, without the key."""
        message = str(getattr(error, "message", error))
        if self._key:
            message = message.replace(self._key, "…")
        message = message if len(message) <= _SHOWN else message[:_SHOWN] + "…"
        code = f"{error.code or ''} {error.type or ''} {error.param or ''}".strip()
        return sort_status(error.status_code, error.response.headers, message, code)

    def _among(self, models: list[str]) -> bool:
        # Ollama lists "name:latest" and takes "name".
        return any(self.endpoint.model in (name, name.removesuffix(":latest")) for name in models)

    def _unknown(self, models: list[str]) -> EndpointError:
        model = self.endpoint.model
        shown = ", ".join(models[:_LISTED]) + (f" and {len(models) - _LISTED} more" if len(models) > _LISTED else "")
        return EndpointError(
            f"{self.address} has no model {model!r}{did_you_mean(model, models)}",
            allowed=shown or None,
            fix="set engines.llm.model" + (f": {models[0]}" if len(models) == 1 else ", or engines.llm.base_url"),
        )

    def _start(self) -> str:
        if urlsplit(self.address).hostname not in _LOOPBACK:
            return "check the network and engines.llm.base_url"
        model = self.endpoint.model
        return f"start a server there, such as `vllm serve {model}` or `ollama serve`, or correct engines.llm.base_url"


def _client(endpoint: Endpoint, settings: Settings, key: str | None) -> AsyncOpenAI:
    from openai import AsyncOpenAI, DefaultAioHttpClient, DefaultAsyncHttpxClient

    # The aiohttp transport takes about half the processor time a call. It is there where aiohttp is installed.
    make = DefaultAioHttpClient if importlib.util.find_spec("aiohttp") else DefaultAsyncHttpxClient
    own = endpoint.base_url is not None and urlsplit(endpoint.base_url).hostname in _LOOPBACK
    return AsyncOpenAI(
        api_key=key or "none",
        base_url=endpoint.base_url,
        timeout=settings.timeout,
        max_retries=0,
        # A proxy that the environment names is not on the way to this machine itself.
        http_client=make(timeout=settings.timeout, trust_env=not own),
    )
