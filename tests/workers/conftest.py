"""One S3 and one GCS server for the folder; for each test its own bucket, and the environment that points there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workers import gcs
from tests.workers.s3 import S3, environment, loopback_s3


@dataclass(frozen=True)
class Bucket:
    """An empty bucket: ``url`` is a prefix in it."""

    server: S3
    name: str

    @property
    def url(self) -> str:
        return f"s3://{self.name}/sets/toy"


@dataclass(frozen=True)
class GoogleBucket:
    """An empty bucket: ``url`` is a prefix in it."""

    server: gcs.GCS
    name: str

    @property
    def url(self) -> str:
        return f"gs://{self.name}/sets/toy"


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


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[gcs.GCS]:
    with gcs.loopback_gcs() as server:
        yield server


@pytest.fixture
def google_bucket(gcs_server: gcs.GCS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GoogleBucket:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    for name, value in gcs.environment(gcs_server, tmp_path / "nowhere").items():
        monkeypatch.setenv(name, value)
    gcs_server.refused = lambda asked: 0
    made = GoogleBucket(gcs_server, f"bucket-{uuid.uuid4().hex[:12]}")
    gcs_server.bucket(made.name)
    gcs_server.asked.clear()
    return made
