"""A run directory in an object store: the same bytes, few requests, and completion without a rename."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import load_dataset

from contrafact.errors import RunDirectoryError, StorageError, TransientError
from contrafact.pipeline import build, local_mapper
from contrafact.plan import make_plan
from contrafact.store import lease
from contrafact.store.mirrors import Mirror
from contrafact.store.remote import is_remote, local_copy, open_directory
from contrafact.validation import validate
from tests.core.builds import EVERY_OTHER, built, tree
from tests.flows.commands import contrafact
from tests.workers.conftest import Bucket
from tests.workers.toys import built_by_processes, built_there, objects_under, of

SMALL: dict[str, Any] = {"filters": {"half": EVERY_OTHER}}


@pytest.mark.parametrize("keys", [{}, SMALL, {"accept": 15, "shard_rows": 10}], ids=["plain", "set", "quota"])
def test_the_objects_are_the_files_of_a_local_build(keys: dict[str, Any], bucket: Bucket, tmp_path: Path) -> None:
    recipe = of("Hashed", **keys)
    built(recipe, tmp_path / "here")
    built_there(recipe, bucket.url)
    there = objects_under(bucket.url)
    assert there == tree(tmp_path / "here")
    assert not [name for name in there if name.startswith((".work", ".lease"))]
    last = [each for each in bucket.server.asked if each.kind == "PUT" and ".lease" not in each.path][-1]
    assert last.path.endswith("/manifest.json"), "the manifest is completion"


def test_requests_are_few_and_whole(bucket: Bucket) -> None:
    shards = 12
    manifest = built_there(of("Hashed", rows=120), bucket.url)
    kinds, asked = bucket.server.kinds(), bucket.server.asked
    stored = len(manifest["files"])
    # A shard stores its files, its hashes and its report; beside them a state, a card, a recipe, a manifest, a lease.
    assert kinds["PUT"] <= stored + 2 * shards + 12, kinds
    assert kinds["GET"] <= 4, "what was made here is not read back"
    assert kinds["HEAD"] <= 2, "no look a file"
    assert kinds["LIST"] <= 8, kinds
    assert kinds["DELETE"] <= 4, "objects are removed many at a time"
    assert not any(each.ranged for each in asked)
    bucket.server.asked.clear()
    with local_copy(bucket.url):
        pass
    assert bucket.server.kinds()["GET"] == len(Mirror(bucket.url).list()), "one request an object, whatever its size"


def test_a_build_that_goes_on_elsewhere_makes_only_what_is_missing(bucket: Bucket, tmp_path: Path) -> None:
    recipe = of("Hashed", rows=100, **SMALL)
    built(recipe, tmp_path / "whole")

    def interrupted(stage: str, report: dict[str, Any]) -> None:
        if stage == "finished" and report["shard"] == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(make_plan(recipe, None, bucket.url), local_mapper(1), interrupted)
    left = objects_under(bucket.url)
    assert "manifest.json" not in left
    done = [name for name in left if name.startswith(".work/finished/")]
    assert len(done) >= 8
    bucket.server.asked.clear()
    made: list[int] = []
    built_there(recipe, bucket.url, lambda stage, report: made.append(report["shard"]))
    sent = [each.path for each in bucket.server.asked if each.kind == "PUT" and "/data/" in each.path]
    assert len(sent) <= 3 * (10 - len(done)), "what is there is not sent again"
    assert objects_under(bucket.url) == tree(tmp_path / "whole")


def test_completion_elsewhere_fetches_what_it_looks_into_and_no_other_pair(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contrafact.report.making._TEXTS", 8)
    monkeypatch.setattr("contrafact.report.making._NUMBERS", 8)
    monkeypatch.setattr("contrafact.report.reading._MOST_FILES", 1)
    recipe = of("Hashed", rows=200, splits={"train": 1.0})
    built(recipe, tmp_path / "whole")

    def interrupted(stage: str, report: dict[str, Any]) -> None:
        if stage == "finished" and report["shard"] == 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(make_plan(recipe, None, bucket.url), local_mapper(1), interrupted)
    bucket.server.asked.clear()
    built_there(recipe, bucket.url)
    read = {each.path for each in bucket.server.asked if each.kind == "GET" and each.path.endswith(".parquet")}
    assert len(read) <= 3, read
    assert objects_under(bucket.url) == tree(tmp_path / "whole")


def test_a_complete_dataset_costs_a_handful_of_requests(bucket: Bucket) -> None:
    recipe = of("Hashed", rows=100)
    first = built_there(recipe, bucket.url)
    bucket.server.asked.clear()
    assert built_there(recipe, bucket.url) == first
    assert len(bucket.server.asked) <= 15, bucket.server.kinds()


def test_worker_processes_send_their_own_shards(bucket: Bucket, tmp_path: Path) -> None:
    recipe = of("Hashed", **SMALL)
    built(recipe, tmp_path / "here")
    built_by_processes(recipe, bucket.url)
    assert objects_under(bucket.url) == tree(tmp_path / "here")


def test_large_files_go_up_in_parts_and_a_failed_upload_leaves_nothing(bucket: Bucket, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(40 * 2**20))
    mirror = Mirror(bucket.url)
    mirror.send(large, "large")
    kinds = bucket.server.kinds()
    assert (kinds["CREATE"], kinds["PART"], kinds["COMPLETE"], kinds["PUT"]) == (1, 3, 1, 0)
    assert mirror.content("large") == large.read_bytes()
    bucket.server.denied = lambda asked: asked.kind == "PART" and "partNumber=2" in asked.query
    with pytest.raises(StorageError, match="access is denied"):
        mirror.send(large, "other")
    assert bucket.server.kinds()["ABORT"] == 1
    assert mirror.content("other") is None


def test_the_second_build_is_told_who_is_first(bucket: Bucket) -> None:
    recipe = of("Hashed")
    first = open_directory(bucket.url)
    with first.locked(), pytest.raises(RunDirectoryError, match=r"another build is at work in s3://.* since"):
        built_there(recipe, bucket.url)
    built_there(recipe, bucket.url)


def test_a_lease_of_a_machine_that_is_gone_runs_out(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = Mirror(bucket.url)
    long_gone = lease.Lease(mirror, seconds=1.2)
    long_gone.acquire()
    long_gone._ended.set()  # the machine is cut off: it renews nothing
    stored = json.loads(mirror.content(".lease/00000001.json") or b"")
    stored["owner"]["host"] = "another-machine"
    mirror.write(".lease/00000001.json", json.dumps(stored).encode())
    mine = lease.Lease(mirror, seconds=0.8)
    with pytest.raises(RunDirectoryError, match=r"(?s)another-machine.*holds the place for \d s more"):
        mine.acquire()
    time.sleep(max(0.0, stored["until"] - time.time()) + 0.05)
    mine.acquire()
    time.sleep(1.0)  # longer than it lasts, were it not renewed
    with pytest.raises(RunDirectoryError, match="another build"):
        lease.Lease(mirror).acquire()
    long_gone._ended.clear()
    long_gone.seconds = 0.04
    long_gone._renew()
    with pytest.raises(StorageError, match="was taken by another build"):
        long_gone.check()
    mine.release()
    assert not [name for name in objects_under(bucket.url) if name == ".lease/00000002.json"]


def test_a_lease_that_is_taken_again_is_renewed_again() -> None:
    mirror = Mirror("memory://again/x")
    mine = lease.Lease(mirror, seconds=0.6)
    mine.acquire()
    mine.release()
    mine.acquire()
    time.sleep(0.9)  # longer than it lasts, were it not renewed
    with pytest.raises(RunDirectoryError, match="another build"):
        lease.Lease(mirror).acquire()
    mine.check()
    mine.release()


def test_a_lease_whose_answer_was_lost_is_its_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = Mirror("memory://lost/x")
    create = mirror.create

    def retried(name: str, content: bytes) -> bool:
        return create(name, content) and create(name, content)  # the client tries again after a lost answer

    monkeypatch.setattr(mirror, "create", retried)
    mine = lease.Lease(mirror)
    mine.acquire()
    mine.check()
    mine.release()

    def beaten(name: str, content: bytes) -> bool:
        create(name, content.replace(b'"token": "', b'"token": "not'))
        return create(name, content)

    monkeypatch.setattr(mirror, "create", beaten)
    with pytest.raises(RunDirectoryError, match="another build is at work"):
        lease.Lease(mirror).acquire()


def test_a_build_that_stood_still_does_not_go_on_where_another_came_and_went() -> None:
    mirror = Mirror("memory://still/x")
    stopped = lease.Lease(mirror, seconds=0.3)
    stopped.acquire()
    stopped._ended.set()  # the process is stopped: it renews nothing
    time.sleep(0.4)
    other = lease.Lease(mirror)
    other.acquire()
    other.release()
    stopped._ended.clear()
    stopped.seconds = 0.04
    renewing = threading.Thread(target=stopped._renew, daemon=True)
    renewing.start()
    renewing.join(1.0)
    stopped._ended.set()
    with pytest.raises(StorageError, match="ran out while this build stood still"):
        stopped.check()


def test_a_file_that_was_cut_off_on_its_way_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = Mirror("memory://cut/x")
    mirror.write("data/a.parquet", b"whole")

    def cut_off(names: list[str], paths: list[str]) -> None:
        Path(paths[0]).write_bytes(b"wh")
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(mirror.fs, "get", cut_off)
        with pytest.raises(TransientError):
            mirror.fetch_all(["data/a.parquet"], tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    mirror.fetch_all(["data/a.parquet"], tmp_path)
    assert (tmp_path / "data" / "a.parquet").read_bytes() == b"whole"


def test_of_two_that_come_at_once_one_wins(bucket: Bucket) -> None:
    mirror = Mirror(bucket.url)
    assert [mirror.create("one", b"first"), mirror.create("one", b"second")] == [True, False]
    assert mirror.content("one") == b"first"


def test_a_killed_build_resumes_at_once_on_the_same_machine(bucket: Bucket, tmp_path: Path) -> None:
    script = (
        "import sys; from contrafact.pipeline import build, local_mapper; from contrafact.plan import make_plan;"
        "from tests.workers.toys import of;"
        "build(make_plan(of('Hashed', generator={'rounds': 3000}, rows=60), None, sys.argv[1]), local_mapper(1))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, bucket.url], cwd=Path(__file__).parents[2])
    end = time.monotonic() + 60
    while time.monotonic() < end and not any(".work/finished" in each.path for each in bucket.server.asked):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "manifest.json" not in objects_under(bucket.url)
    recipe = of("Hashed", generator={"rounds": 3000}, rows=60)
    built_there(recipe, bucket.url)
    built(recipe, tmp_path / "whole")
    assert objects_under(bucket.url).keys() - {".lease/00000001.json"} == tree(tmp_path / "whole").keys()


def test_it_is_read_where_it_lies(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)  # the store is on loopback; no hub is asked
    manifest = built_there(of("Hashed", rows=100), bucket.url)
    with local_copy(bucket.url) as folder:
        found = validate(folder)
    assert found.problems == []
    assert found.pairs == manifest["proposed"]
    options = {"endpoint_url": bucket.server.url, "key": "testing", "secret": "testing"}
    files = {"train": f"{bucket.url}/data/train-*.parquet"}
    loaded = load_dataset("parquet", data_files=files, storage_options=dict(options))  # it adds to it
    assert loaded["train"].num_rows == manifest["splits"]["train"]
    assert loaded["train"].features["label"].names == ["even", "odd"]
    name = next(file["path"] for file in manifest["files"] if file["path"].startswith("data/train"))
    frame = pd.read_parquet(f"{bucket.url}/{name}", storage_options=options)
    assert frame["accepted"].all()


def test_its_report_is_a_file_here_and_other_commands_say_what_to_do(
    bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    built_there(of("Hashed", rows=100), bucket.url)
    monkeypatch.chdir(tmp_path)
    done = contrafact(capsys, "report", bucket.url)
    assert done.code == 0, done.text
    name = bucket.url.rpartition("/")[2]
    page = (tmp_path / f"{name}-report.html").read_text(encoding="utf-8")
    assert "<title>" in page
    assert f"{name}-report.html" in done.out
    for command in (["export", bucket.url, "--as", "flat"], ["evaluate", bucket.url]):
        refused = contrafact(capsys, *command)
        assert refused.code == 2, refused.text
        assert f"{bucket.url} is an address of an object store" in refused.text
        assert "aws s3 sync" in refused.text


def test_a_foreign_prefix_is_left_alone(bucket: Bucket) -> None:
    Mirror(bucket.url).write("notes.txt", b"mine")
    with pytest.raises(RunDirectoryError, match=r"is not empty \(it holds notes\.txt\)"):
        built_there(of("Hashed"), bucket.url)
    assert objects_under(bucket.url) == {"notes.txt": b"mine"}


def test_a_prefix_of_another_recipe_is_refused(bucket: Bucket) -> None:
    built_there(of("Hashed"), bucket.url)
    with pytest.raises(RunDirectoryError, match="belongs to another recipe"):
        built_there(of("Hashed", seed=3), bucket.url)


def test_a_bucket_that_may_not_be_written(bucket: Bucket) -> None:
    bucket.server.denied = lambda asked: asked.method == "PUT"
    with pytest.raises(StorageError, match=r"(?s)cannot be written: access is denied.*read, write, list and delete"):
        built_there(of("Hashed"), bucket.url)
    assert objects_under(bucket.url) == {}


def test_a_bucket_that_is_not_there(bucket: Bucket) -> None:
    with pytest.raises(RunDirectoryError, match="no such bucket"):
        built_there(of("Hashed"), "s3://nobody-made-this/toy")


def test_credentials_that_are_missing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(RunDirectoryError, match=r"(?s)no credentials were found.*aws configure"):
        built_there(of("Hashed"), bucket.url)


def test_a_store_that_does_not_answer(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(TransientError, match="when the store answers"):
        Mirror(bucket.url).size("manifest.json")


def test_addresses_that_cannot_hold_a_dataset(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"(?s)every file that is written there is a commit.*push"):
        open_directory("hf://datasets/somebody/something")
    with pytest.raises(RunDirectoryError, match="names a bucket and no prefix"):
        open_directory("s3://bucket")
    with pytest.raises(RunDirectoryError, match="is no address"):
        open_directory("nonsense://bucket/prefix")
    assert not is_remote("outputs/toy")
    assert not is_remote("C:/toy")
    assert open_directory(f"file://{tmp_path}/toy").path == tmp_path / "toy"
