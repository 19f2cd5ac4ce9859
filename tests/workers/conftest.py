"""One S3 server for the folder; a bucket of its own, and the environment that points there, for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.workers.s3 import S3, environment, loopback_s3


@dataclass(frozen=True)
class Bucket:
    """An empty bucket: ``url`` is a prefix in it."""

    server: S3
    name: str

    @property
    def url(self) -> str:
        return f"s3://{self.name}/sets/toy"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    with loopback_s3() as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name, value in environment(s3_server).items():
        monkeypatch.setenv(name, value)
    s3_server.denied = lambda asked: False
    made = Bucket(s3_server, f"bucket-{uuid.uuid4().hex[:12]}")
    s3_server.bucket(made.name)
    s3_server.asked.clear()
    return made
