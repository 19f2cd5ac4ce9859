"""The same in Google's object store: what is true of S3 is true there, through a client of another kind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from gcsfs.retry import HttpError, NonRetryableError

from contrafact.errors import RunDirectoryError, StorageError, TransientError
from contrafact.pipeline import build, local_mapper
from contrafact.plan import make_plan
from contrafact.store.mirrors import Mirror
from contrafact.store.remote import local_copy, open_directory
from contrafact.validation import validate
from tests.core.builds import EVERY_OTHER, built, tree
from tests.flows.commands import contrafact
from tests.workers.conftest import GoogleBucket
from tests.workers.toys import built_by_processes, built_there, objects_under, of

# aiohttp warns of bodies over 1 MiB that are bytes, which is what gcsfs gives it.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")

SMALL: dict[str, Any] = {"filters": {"half": EVERY_OTHER}}


@pytest.mark.parametrize("keys", [SMALL, {"accept": 15, "shard_rows": 10}], ids=["set", "quota"])
def test_the_objects_are_the_files_of_a_local_build(
    keys: dict[str, Any], google_bucket: GoogleBucket, tmp_path: Path
) -> None:
    recipe = of("Hashed", **keys)
    built(recipe, tmp_path / "here")
    built_there(recipe, google_bucket.url)
    assert objects_under(google_bucket.url) == tree(tmp_path / "here")
    uploads = [each for each in google_bucket.server.asked if each.kind == "UPLOAD"]
    stored = google_bucket.server.storage.objects[google_bucket.name]
    assert max(stored, key=lambda name: stored[name]["timeCreated"]).endswith("/manifest.json"), "it is completion"
    assert len(uploads) < 60


def test_worker_processes_send_their_own_shards(google_bucket: GoogleBucket, tmp_path: Path) -> None:
    recipe = of("Hashed", **SMALL)
    built(recipe, tmp_path / "here")
    built_by_processes(recipe, google_bucket.url)
    assert objects_under(google_bucket.url) == tree(tmp_path / "here")


def test_a_build_that_goes_on_elsewhere_makes_only_what_is_missing(google_bucket: GoogleBucket, tmp_path: Path) -> None:
    recipe = of("Hashed", rows=100, **SMALL)
    built(recipe, tmp_path / "whole")

    def interrupted(stage: str, report: dict[str, Any]) -> None:
        if stage == "finished" and report["shard"] == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(make_plan(recipe, None, google_bucket.url), local_mapper(1), interrupted)
    left = google_bucket.server.storage.objects[google_bucket.name]
    assert "sets/toy/manifest.json" not in left
    before = {name: each["generation"] for name, each in left.items() if "/data/" in name}
    assert len(before) >= 8
    built_there(recipe, google_bucket.url)
    after = google_bucket.server.storage.objects[google_bucket.name]
    kept = [name for name in before if name in after]
    assert kept
    assert all(after[name]["generation"] == before[name] for name in kept), "what is there is not sent again"
    assert objects_under(google_bucket.url) == tree(tmp_path / "whole")


def test_the_second_build_is_told_who_is_first(google_bucket: GoogleBucket) -> None:
    recipe = of("Hashed")
    first = open_directory(google_bucket.url)
    with first.locked(), pytest.raises(RunDirectoryError, match=r"another build is at work in gs://.* since"):
        built_there(recipe, google_bucket.url)
    built_there(recipe, google_bucket.url)


def test_of_two_that_come_at_once_one_wins(google_bucket: GoogleBucket) -> None:
    mirror = Mirror(google_bucket.url)
    assert [mirror.create("one", b"first"), mirror.create("one", b"second")] == [True, False]
    assert mirror.content("one") == b"first"
    assert all("ifGenerationMatch=0" in each.query for each in google_bucket.server.asked if each.kind == "UPLOAD")


def test_large_files_go_up_in_parts_and_a_failed_upload_leaves_nothing(
    google_bucket: GoogleBucket, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(40 * 2**20))
    mirror, server = Mirror(google_bucket.url), google_bucket.server
    mirror.send(large, "large")
    kinds = server.kinds()
    assert (kinds["START"], kinds["PART"], kinds["UPLOAD"]) == (1, 3, 0)
    assert mirror.content("large") == large.read_bytes()
    server.refused = lambda asked: 403 if asked.kind == "PART" and server.kinds()["PART"] == 5 else 0
    with pytest.raises(StorageError, match="access is denied"):
        mirror.send(large, "other")
    assert server.kinds()["ABORT"] == 1
    assert mirror.content("other") is None


def test_every_object_is_fetched_by_one_request_whatever_its_size(google_bucket: GoogleBucket, tmp_path: Path) -> None:
    mirror, large = Mirror(google_bucket.url), tmp_path / "large"
    large.write_bytes(os.urandom(9 * 2**20))
    names = [f"data/{number}" for number in range(3)]
    for name in names:
        mirror.send(large, name)
    google_bucket.server.asked.clear()
    mirror.fetch_all(names[:2], tmp_path)
    assert mirror.fetch(names[2], tmp_path / names[2])
    assert google_bucket.server.kinds() == {"GET": 3}
    assert not any(each.ranged for each in google_bucket.server.asked)
    assert not mirror.fetch("data/none", tmp_path / "none")


def test_objects_are_deleted_a_hundred_at_a_time_as_google_lets_one(
    google_bucket: GoogleBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror(google_bucket.url)
    for number in range(120):
        mirror.write(f"data/{number}", b"x")
    google_bucket.server.asked.clear()
    monkeypatch.setattr(type(mirror.fs), "on_google", True)  # it does not try batches on an emulator
    mirror.delete([f"data/{number}" for number in range(121)])
    assert [each.path for each in google_bucket.server.asked] == ["/batch/storage/v1"] * 2
    assert mirror.list() == {}


def test_it_is_read_where_it_lies(google_bucket: GoogleBucket) -> None:
    manifest = built_there(of("Hashed", rows=100), google_bucket.url)
    with local_copy(google_bucket.url) as folder:
        found = validate(folder)
    assert found.problems == []
    assert found.pairs == manifest["proposed"]
    name = next(file["path"] for file in manifest["files"] if file["path"].startswith("data/train"))
    # Without options pandas would take PyArrow's own client, which waits minutes for credentials.
    frame = pd.read_parquet(f"{google_bucket.url}/{name}", storage_options={"token": "anon"})
    assert frame["accepted"].all()


def test_a_bucket_that_is_not_there(google_bucket: GoogleBucket, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RunDirectoryError, match="no such bucket"):
        built_there(of("Hashed"), "gs://nobody-made-this/toy")
    refused = contrafact(capsys, "validate", "gs://nobody-made-this/toy")
    assert refused.code == 2, refused.text
    assert "Traceback" not in refused.text
    assert "gs://nobody-made-this/toy" in refused.text


def test_credentials_that_are_missing_are_one_clear_message(
    google_bucket: GoogleBucket, capfd: pytest.CaptureFixture[str]
) -> None:
    google_bucket.server.refused = lambda asked: 401
    with pytest.raises(
        RunDirectoryError, match=r"(?s)no credentials were found.*gcloud auth application-default login"
    ):
        built_there(of("Hashed"), google_bucket.url)
    assert capfd.readouterr().err == "", "gcsfs logs nothing of its own beside it"


def test_a_bucket_that_may_not_be_written(google_bucket: GoogleBucket) -> None:
    google_bucket.server.refused = lambda asked: 403 if asked.method == "POST" else 0
    with pytest.raises(StorageError, match=r"(?s)cannot be written: access is denied.*read, write, list and delete"):
        built_there(of("Hashed"), google_bucket.url)
    google_bucket.server.refused = lambda asked: 0
    assert objects_under(google_bucket.url) == {}


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (HttpError({"code": 503, "message": "Backend Error"}), TransientError, "when the store answers"),
        (HttpError({"code": 429, "message": "Slow down"}), TransientError, "when the store answers"),
        (HttpError({"code": 401, "message": "Invalid Credentials"}), RunDirectoryError, "the credentials are refused"),
        (NonRetryableError("credentials cannot be renewed"), RunDirectoryError, "the credentials are refused"),
        (ValueError("Bad Request: b/B/o\nInvalid bucket name: 'B'"), StorageError, "Invalid bucket name"),
        (OSError(json.dumps({"code": 403, "message": "of a batch"})), StorageError, "access is denied"),
    ],
)
def test_what_google_answers_is_told_in_one_way(
    error: Exception, kind: type[Exception], said: str, google_bucket: GoogleBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: Any, **kwargs: Any) -> None:
        raise error

    mirror = Mirror(google_bucket.url)
    monkeypatch.setattr(mirror.fs, "pipe_file", failing)
    with pytest.raises(kind, match=said):
        mirror.write("one", b"")
