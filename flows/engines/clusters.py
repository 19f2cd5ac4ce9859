"""Dask and Ray, through Prefect's task runners: an address that answers, or a cluster of this machine."""

from __future__ import annotations

import importlib.util
import ipaddress
import logging
import os
import re
import secrets
import socket
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from contrafact.errors import MissingDependencyError, UserError
from contrafact.pipeline import Mapper
from contrafact.plan import Plan
from contrafact.workers.brief import Brief
from contrafact.workers.here import packed
from contrafact.workers.sharing import Service
from flows.engines.choosing import Engine

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner

__all__ = ["Cluster", "check_cluster"]

_TITLES = {"dask": "Dask scheduler", "ray": "Ray head"}
_FORMS = {"dask": "tcp://HOST:8786", "ray": "ray://HOST:10001"}
_COMMANDS = {"dask": "dask scheduler", "ray": "ray start --head --ray-client-server-port 10001"}
_SCHEMES = {"dask": ("tcp", "tls", "ucx"), "ray": ("ray",)}
_SECONDS = 5.0
_WINDOW = 4
_LEAST_WINDOW = 64


class Cluster(Engine):
    """A Dask or Ray cluster; its workers make their own plans and share this process's language model."""

    clustered = True

    def __init__(self, plan: Plan, kind: str, address: str | None) -> None:
        super().__init__(plan)
        self.kind, self.address = kind, address
        place = _place(kind, address) if address else None
        self._service = Service(lambda: plan.engines.llm, _host_towards(*place) if place else "127.0.0.1")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service.close()

    def over(self, mapper: Mapper) -> Mapper:
        from flows.engines.tasks import cluster_mapper

        return cluster_mapper(lambda: self._brief, max(_LEAST_WINDOW, _WINDOW * self.plan.workers))

    def runner(self) -> TaskRunner[Any]:
        return cast("TaskRunner[Any]", _dask(self) if self.kind == "dask" else _ray(self))

    @cached_property
    def _brief(self) -> bytes:
        return packed(Brief.of(self.plan, self._service.link))


def check_cluster(kind: str, address: str | None) -> None:
    """Make sure that a cluster's packages are there, that the address answers and that its workers reach Prefect."""
    package = f"prefect_{kind}"
    if importlib.util.find_spec(package) is None:
        raise MissingDependencyError(
            f"--engine {kind} needs {package.replace('_', '-')}, which is not installed",
            fix=f"pip install 'contrafact[{kind}]'",
        )
    if address is not None:
        host, port = _place(kind, address)
        _check_answers(kind, address, host, port)
        _check_reporting(address, host)


def _dask(cluster: Cluster) -> Any:
    from prefect_dask.task_runners import DaskTaskRunner

    if cluster.address:
        return DaskTaskRunner(address=cluster.address, client_kwargs={"timeout": _SECONDS * 2})
    # The end of its workers, who are not waited for, is told as if it were a loss.
    if not os.environ.get("CONTRAFACT_DEBUG"):
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
    return DaskTaskRunner(
        cluster_kwargs={
            "n_workers": cluster.plan.workers,
            "threads_per_worker": 1,
            "host": "127.0.0.1",
            "dashboard_address": "127.0.0.1:0",
        }
    )


def _ray(cluster: Cluster) -> Any:
    # Read by Ray when it is imported. It would report usage, and leave a token of a passing cluster in the home folder.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not cluster.address and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    from prefect_ray.task_runners import RayTaskRunner

    if cluster.address:
        return RayTaskRunner(address=cluster.address, init_kwargs={"log_to_driver": False})
    own = {"num_cpus": cluster.plan.workers, "include_dashboard": False, "log_to_driver": False}
    return RayTaskRunner(init_kwargs={**own, "_node_ip_address": "127.0.0.1"})


def _place(kind: str, address: str) -> tuple[str, int]:
    """Host and port of an address."""
    found = re.fullmatch(r"(?:(?P<scheme>[a-z]+)://)?(?P<host>[^:/\[\]]+|\[[0-9a-f:]+\]):(?P<port>\d{1,5})/?", address)
    if found is None or (found["scheme"] and found["scheme"] not in _SCHEMES[kind]):
        raise UserError(
            f"--address {address!r} is no address of a {_TITLES[kind]}",
            allowed=_FORMS[kind],
            fix=f"start one with {_COMMANDS[kind]}, or leave --address out for a cluster of this machine",
        )
    return found["host"].strip("[]"), int(found["port"])


def _check_answers(kind: str, address: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as error:
        raise UserError(
            f"no {_TITLES[kind]} answers at {address} ({error.strerror or error})",
            allowed=_FORMS[kind],
            fix=f"start one with {_COMMANDS[kind]}, or leave --address out for a cluster of this machine",
        ) from None


def _check_reporting(address: str, host: str) -> None:
    """Workers on other machines tell Prefect what they do, and need a server that they reach."""
    named = os.environ.get("PREFECT_API_URL", "")
    server = re.sub(r"^[a-z]+://|[:/].*$", "", named.strip())
    if _is_loopback(host) or (server and not _is_loopback(server)):
        return
    raise UserError(
        f"workers at {address} report to Prefect, and {named or 'the server that a build starts for itself'} is only"
        " to be reached from this machine",
        fix="prefect server start --host 0.0.0.0 on a machine that they reach, and PREFECT_API_URL=http://IT:4200/api",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("localhost", "localhost.localdomain")


def _host_towards(host: str, port: int) -> str:
    """The address by which the cluster's machines find this one."""
    with socket.create_connection((host, port), timeout=_SECONDS) as line:
        name: str = line.getsockname()[0]
        return name
