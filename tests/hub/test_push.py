"""What goes up is what comes back, and nothing goes up twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact import record
from contrafact.errors import HubError, RunDirectoryError, UserError
from contrafact.publishing import pushing
from contrafact.publishing.contents import media_of
from contrafact.publishing.pushing import Settings, push
from contrafact.refiltering import refilter
from contrafact.store.media import media_paths, put_media
from contrafact.store.parquet import write_parquet
from tests.flows.commands import ROOT
from tests.hub.faults import Fault
from tests.hub.server import LoopbackHub
from tests.hub.turned import environment, rows_of, unhurried

NAME = "newcomer/drug"


def files_of(hub: LoopbackHub, revision: str = "main") -> set[str]:
    return set(hub.store.repositories[NAME].at(revision).files) - {".gitattributes"}


def text_of(hub: LoopbackHub, path: str, revision: str = "main") -> str:
    entry = hub.store.repositories[NAME].at(revision).files[path]
    return hub.store.path_of(entry).read_text(encoding="utf-8")


def a_view(folder: Path, name: str = "preference") -> None:
    (folder / "exports" / name).mkdir(parents=True)
    for split in ("train", "test"):
        table = pa.table({"prompt": [f"{split}?"], "chosen": ["yes"], "rejected": ["no"]})
        pq.write_table(table, folder / "exports" / name / f"{split}.parquet")


def test_every_configuration_is_loaded_back_row_by_row(hub: LoopbackHub, drug: Path, tmp_path: Path) -> None:
    from datasets import get_dataset_config_names, load_dataset

    a_view(drug)
    push(drug, NAME, Settings(hidden=True))
    names = get_dataset_config_names(NAME)
    assert names == ["pairs", "rejected", "hidden", "preference"]
    for config in names:
        there = load_dataset(NAME, config, cache_dir=str(tmp_path / "there"))
        if config == "preference":  # the card on disk was written before the export
            here = {
                split: pq.read_table(drug / "exports" / config / f"{split}.parquet").to_pylist()
                for split in ("train", "test")
            }
        else:
            local = load_dataset(str(drug), config, cache_dir=str(tmp_path / "here"))
            here = rows_of(local)
            assert {split: rows.features for split, rows in there.items()} == {
                split: rows.features for split, rows in local.items()
            }
        assert rows_of(there) == here
        assert sum(len(rows) for rows in here.values()) > 0


def test_a_stretch_of_a_file_can_be_read_by_its_range(hub: LoopbackHub, drug: Path) -> None:
    from huggingface_hub import HfFileSystem

    push(drug, NAME)
    path = min((drug / "data").glob("train-*.parquet"))
    remote = HfFileSystem(endpoint=hub.url, token=hub.token, skip_instance_cache=True)
    with remote.open(f"datasets/{NAME}/data/{path.name}", block_size=1024) as file:
        file.seek(1000)
        assert file.read(500) == path.read_bytes()[1000:1500]
    assert pq.read_table(f"datasets/{NAME}/data/{path.name}", filesystem=remote).equals(pq.read_table(path))


def test_the_hidden_truth_stays_unless_it_is_asked_for(hub: LoopbackHub, drug: Path) -> None:
    from datasets import get_dataset_config_names

    push(drug, NAME)
    assert not any(path.startswith("hidden/") for path in files_of(hub))
    assert get_dataset_config_names(NAME) == ["pairs", "rejected"]
    assert "hidden/" not in text_of(hub, "README.md")
    assert "hidden" not in [each["@id"] for each in json.loads(text_of(hub, "croissant.json"))["recordSet"]]
    done = push(drug, NAME, Settings(hidden=True))
    assert {item.path.split("/")[0] for item in done.difference.new} == {"hidden"}
    assert [item.path for item in done.difference.changed] == ["README.md", "croissant.json"]
    done = push(drug, NAME)
    assert done.difference.gone
    assert all(path.startswith("hidden/") for path in done.difference.gone)
    assert not any(path.startswith("hidden/") for path in files_of(hub))


def test_a_second_push_of_the_same_sends_nothing(hub: LoopbackHub, drug: Path) -> None:
    first = push(drug, NAME)
    assert first.created
    assert first.private
    sent, commits = list(hub.uploads), len(hub.store.repositories[NAME].commits)
    again = push(drug, NAME)
    assert not again.difference
    assert not again.created
    assert again.commit == first.commit
    assert hub.uploads == sent
    assert len(hub.store.repositories[NAME].commits) == commits


def test_the_commit_says_what_it_holds(hub: LoopbackHub, drug: Path) -> None:
    manifest = json.loads((drug / "manifest.json").read_text(encoding="utf-8"))
    push(drug, NAME)
    newest, first = hub.store.repositories[NAME].history("main")
    assert first.title == "initial commit"
    assert newest.title == f"drug: {manifest['accepted']} pairs, identity {manifest['identity']}"
    assert "with seed 0" in newest.description
    assert f"{manifest['proposed']} pairs proposed = {manifest['accepted']} accepted" in newest.description


def test_a_push_that_was_killed_continues(hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.faults.plan(Fault("PUT /storage", after=3, times=1000, status=200, delay=20))
    code = f"from contrafact.publishing.pushing import push; push({str(drug)!r}, {NAME!r})"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **environment(hub)}) as process:
        for _ in range(600):
            if len(kept(hub)) == 3 and puts(hub) > 3:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    hub.faults.clear()
    before, calls = kept(hub), len(hub.calls)
    assert len(before) == 3
    assert files_of(hub) == set(), "a reader never sees half of it"
    push(drug, NAME)
    again = [call.rpartition("/")[2] for call in hub.calls[calls:] if call.startswith("PUT /storage")]
    assert again
    assert not before & set(again), "nothing was sent twice"
    assert {f"data/{path.name}" for path in (drug / "data").iterdir()} <= files_of(hub)


def kept(hub: LoopbackHub) -> set[str]:
    return {path.name for path in (hub.store.folder / "large").iterdir()}


def puts(hub: LoopbackHub) -> int:
    return sum(call.startswith("PUT /storage") for call in hub.calls)


def test_a_busy_hub_is_tried_again_and_asked_what_arrived(
    hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = unhurried(monkeypatch)
    hub.faults.plan(Fault("PUT /storage", after=2, times=1, status=503))
    hub.faults.plan(Fault("POST .*/commit/", times=1, status=429, headers={"Retry-After": "7"}))
    told: list[str] = []
    push(drug, NAME, watch=lambda what, done, total: told.append(what))
    assert 7.0 in waited
    assert any("HTTP 429" in each and "trying again in 7 s" in each for each in told)
    assert len(hub.store.repositories[NAME].history("main")) == 2
    assert not push(drug, NAME).difference


def test_a_commit_whose_answer_was_lost_is_not_made_twice(
    hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unhurried(monkeypatch)
    commit = hub.store.commit
    lost: list[Any] = []

    def silent(*given: Any) -> Any:
        made = commit(*given)
        if not lost:
            lost.append(made)
            raise ConnectionError("the answer is lost")
        return made

    hub.store.create(NAME, private=True, author="newcomer")
    monkeypatch.setattr(hub.store, "commit", silent)
    done = push(drug, NAME)
    assert done.commit == lost[0].oid
    assert len(hub.store.repositories[NAME].history("main")) == 2


def test_somebody_else_who_commits_meanwhile_is_not_undone(
    hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unhurried(monkeypatch)
    repository = hub.store.create(NAME, private=True, author="newcomer")
    plan = hub.faults.met

    def meanwhile(request: str) -> Fault | None:
        if "/commit/" in request and len(repository.commits) == 1:
            files = {**repository.at("main").files, "LICENSE": hub.store.put_blob(b"mine")}
            hub.store.commit(repository, "main", files, "a licence", "", "workshop")
        return plan(request)

    monkeypatch.setattr(hub.faults, "met", meanwhile)
    push(drug, NAME)
    titles = [each.title for each in repository.history("main")]
    assert titles[0].startswith("drug: ")
    assert titles[1:] == ["a licence", "initial commit"]
    assert "LICENSE" in files_of(hub)


def test_a_dry_run_tells_and_sends_nothing(hub: LoopbackHub, drug: Path) -> None:
    done = push(drug, NAME, Settings(dry_run=True))
    assert done.commit is None
    assert done.created
    assert {item.path for item in done.difference.new} >= {"README.md", "manifest.json", "data/train-00000.parquet"}
    assert all(item.size > 0 for item in done.difference.new)
    assert hub.store.repositories == {}
    push(drug, NAME)
    assert not push(drug, NAME, Settings(dry_run=True)).difference


def test_a_dry_run_needs_no_hub(hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.delenv("HF_TOKEN")
    done = push(drug, NAME, Settings(dry_run=True))
    assert not done.compared
    assert any("HF_HUB_OFFLINE" in note for note in done.notes)
    assert len(done.difference.new) > 5


def test_a_new_repository_is_private_unless_it_is_to_be_public(hub: LoopbackHub, drug: Path) -> None:
    push(drug, NAME)
    assert hub.store.repositories[NAME].private
    push(drug, "workshop/drug", Settings(private=False))
    assert not hub.store.repositories["workshop/drug"].private
    with pytest.raises(HubError, match="exists and is private, not public") as caught:
        push(drug, NAME, Settings(private=False))
    assert "hf repos settings" in str(caught.value)


def test_a_branch_is_made_and_a_tag_is_never_moved(hub: LoopbackHub, drug: Path) -> None:
    first = push(drug, NAME, Settings(tag="v1.0"))
    repository = hub.store.repositories[NAME]
    assert repository.tags == {"v1.0": first.commit}
    assert push(drug, NAME, Settings(tag="v1.0")).commit == first.commit
    refilter(drug, ["splits={train: 0.5, test: 0.5}"])
    with pytest.raises(HubError, match="names another version"):
        push(drug, NAME, Settings(tag="v1.0"))
    done = push(drug, NAME, Settings(revision="draft/two", tag="v1.1"))
    assert repository.branches["main"] == first.commit
    assert repository.branches["draft/two"] == done.commit == repository.tags["v1.1"]
    assert 'revision="draft/two"' in text_of(hub, "README.md", "draft/two")
    assert done.before == json.loads(text_of(hub, "manifest.json"))["identity"]


def test_what_changed_is_sent_and_what_is_gone_goes(hub: LoopbackHub, drug: Path) -> None:
    push(drug, NAME)
    before = len(hub.calls)
    refilter(drug, ["splits={train: 1.0}"])
    done = push(drug, NAME)
    assert {path.split("-")[0] for path in done.difference.gone} == {"data/test", "data/validation"}
    same = {item.path for item in done.difference.same}
    assert "plugins" not in same
    assert sum(call.startswith("PUT /storage") for call in hub.calls[before:]) == len(
        [item for item in done.difference.sent if item.path.endswith(".parquet")]
    )
    assert files_of(hub) == {item.path for item in (*done.difference.sent, *done.difference.same)}


def test_large_files_go_up_in_parts(hub: LoopbackHub, drug: Path) -> None:
    hub.part_bytes = 2000
    push(drug, NAME)
    assert any("/complete/" in call for call in hub.calls)
    path = next((drug / "data").glob("train-*"))
    assert hub.store.path_of(hub.store.repositories[NAME].at("main").files[f"data/{path.name}"]).read_bytes() == (
        path.read_bytes()
    )


def test_very_many_files_go_up_in_several_commits_with_the_manifest_last(
    hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "COMMIT_FILES", 6)
    monkeypatch.setattr(pushing, "_BATCH_FILES", 3)
    data = {f"data/{path.name}" for path in (drug / "data").iterdir()}
    hub.faults.plan(Fault("POST .*/commit/", after=1, times=1, status=403, body="no"))
    with pytest.raises(HubError):
        push(drug, NAME)
    assert "manifest.json" not in files_of(hub)
    assert 0 < len(data & files_of(hub)) < len(data)
    push(drug, NAME)
    *later, _ = hub.store.repositories[NAME].history("main")
    assert len(later) > 2
    assert [each.title.startswith("part of ") for each in later] == [False, *[True] * (len(later) - 1)]
    assert "manifest.json" not in later[1].files
    assert data <= files_of(hub)


def with_shown_media(folder: Path) -> list[str]:
    """One more file of pairs, which shows two images: their paths."""
    cells = [{"bytes": bytes([number]) * 100, "path": "a.png"} for number in (1, 2)]
    kind = pa.struct([*record.media_fields("image", "image")])
    columns = {
        name: pa.array([{"image": cell, "image_sha256": None}], kind)
        for name, cell in zip(("factual", "counterfactual"), cells, strict=True)
    }
    pairs = put_media(pa.table(columns), folder, "beside")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"].append(write_parquet(pairs, folder / "data" / "train-00009.parquet", folder).spec())
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return media_paths(pairs)


def test_media_that_a_pair_shows_go_up_and_no_others(drug: Path) -> None:
    shown = with_shown_media(drug)
    (drug / "media" / "private.png").write_bytes(b"mine")
    manifest = json.loads((drug / "manifest.json").read_text(encoding="utf-8"))
    assert [item.path for item in media_of(drug, manifest)] == shown
    assert len(shown) == 2
    (drug / shown[0]).write_bytes(b"another picture")
    with pytest.raises(RunDirectoryError, match="is not what its SHA-256 says") as told:
        list(media_of(drug, manifest))
    assert told.value.fix == f"contrafact validate {drug}"
    (drug / shown[0]).unlink()
    with pytest.raises(RunDirectoryError, match="is missing"):
        list(media_of(drug, manifest))


def test_media_that_no_pair_shows_stay_there(hub: LoopbackHub, drug: Path) -> None:
    (drug / "media").mkdir()
    (drug / "media" / "private.png").write_bytes(b"mine")
    push(drug, NAME)
    assert not any(path.startswith("media/") for path in files_of(hub))


def test_a_card_that_somebody_changed_goes_up_as_it_is(hub: LoopbackHub, drug: Path) -> None:
    card = drug / "README.md"
    card.write_text(
        card.read_text(encoding="utf-8").replace("# drug", "# My drug\n\nRead this first."), encoding="utf-8"
    )
    done = push(drug, NAME)
    text = text_of(hub, "README.md")
    assert "Read this first." in text
    assert "hidden/" not in text.split("---")[1]
    assert any("README.md was changed by hand" in note for note in done.notes)


def test_what_else_lies_in_the_folder_stays_there(hub: LoopbackHub, drug: Path) -> None:
    (drug / "report.html").write_text("<html>")
    (drug / ".env").write_text("SECRET=1")
    (drug / "data" / ".tmp-x").write_text("half")
    push(drug, NAME)
    assert not {"report.html", ".env", "data/.tmp-x"} & files_of(hub)


def test_a_key_in_a_text_stops_the_push(hub: LoopbackHub, drug: Path) -> None:
    (drug / "plugins").mkdir(exist_ok=True)
    (drug / "plugins" / "mine.py").write_text(f"# mine\nTOKEN = '{'hf_' + 'a' * 34}'\n")
    with pytest.raises(UserError, match=r"plugins/mine.py, line 2, holds what looks like a key"):
        push(drug, NAME)
    (drug / "plugins" / "mine.py").write_text(f"x = '{hub.token[:-1]}'\n")
    with pytest.raises(UserError, match="line 1"):
        push(drug, NAME)
    assert hub.store.repositories == {}


def test_a_file_that_was_changed_is_not_sent(hub: LoopbackHub, drug: Path) -> None:
    path = next((drug / "data").glob("train-*"))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunDirectoryError, match="was changed since the dataset was built"):
        push(drug, NAME)
    assert files_of(hub) == set()
    shutil.copy(path, drug / "data" / "spare")
    path.unlink()
    with pytest.raises(RunDirectoryError, match="is missing"):
        push(drug, NAME)
