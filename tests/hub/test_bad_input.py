"""What cannot be pushed ends in one message that says why and what to do; nothing is half there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from contrafact.errors import ContrafactError, DataError, HubError, LicenceError, RunDirectoryError, TransientError
from contrafact.publishing import hub as client
from contrafact.publishing.checks import check_columns, check_name, check_revision, large_cells
from contrafact.publishing.licences import check_licences, forbids, hub_licence
from contrafact.publishing.pushing import Settings, push
from tests.flows.commands import contrafact
from tests.hub.faults import Fault
from tests.hub.server import LoopbackHub
from tests.hub.turned import turned_to, unhurried

NAME = "newcomer/drug"


def refused(kind: type[ContrafactError], call: Callable[[], Any]) -> str:
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert "fix: " in text
    return text


def test_what_is_no_run_directory(hub: LoopbackHub, tmp_path: Path) -> None:
    assert "is no run directory" in refused(RunDirectoryError, lambda: push(tmp_path / "nothing", NAME))
    file = tmp_path / "file"
    file.write_text("x")
    assert "is a file" in refused(RunDirectoryError, lambda: push(file, NAME))
    assert hub.calls == []


def test_an_unfinished_one_says_how_to_finish_it(hub: LoopbackHub, drug: Path) -> None:
    (drug / "manifest.json").unlink()
    (drug / ".work").mkdir()
    text = refused(RunDirectoryError, lambda: push(drug, NAME))
    assert "is not finished" in text
    assert "it resumes" in text
    assert hub.calls == []


def test_a_damaged_table_is_told_before_anything_is_sent(hub: LoopbackHub, drug: Path) -> None:
    for table in (drug / "data").iterdir():
        table.write_bytes(table.read_bytes()[:300])
    assert "is missing or was changed" in refused(DataError, lambda: push(drug, NAME))
    assert not any(call.startswith(("PUT", "POST")) for call in map(str, hub.calls))


@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"a": '])
def test_a_manifest_that_is_cut_off_is_not_called_missing(content: bytes, hub: LoopbackHub, drug: Path) -> None:
    (drug / "manifest.json").write_bytes(content)
    assert "is cut off, or is no JSON" in refused(RunDirectoryError, lambda: push(drug, NAME))
    assert hub.calls == []


def test_a_repository_of_another_dataset(hub: LoopbackHub, drug: Path) -> None:
    push(drug, NAME)
    other = drug.parent / "other"
    shutil.copytree(drug, other)
    manifest = json.loads((drug / "manifest.json").read_text(encoding="utf-8"))
    (other / "manifest.json").write_text(json.dumps({**manifest, "name": "other", "identity": "f" * 16}))
    text = refused(HubError, lambda: push(other, NAME))
    assert f"{NAME} holds another dataset, 'drug' (identity {manifest['identity']}); this is 'other'" in text
    assert "--replace" in text
    commits = len(hub.store.repositories[NAME].commits)
    done = push(other, NAME, Settings(replace=True))
    assert done.before == manifest["identity"]
    assert len(hub.store.repositories[NAME].commits) == commits + 1


def test_a_repository_with_files_of_somebodys_own(hub: LoopbackHub, drug: Path) -> None:
    repository = hub.store.create(NAME, private=True, author="newcomer")
    files = {**repository.at("main").files, "notes.txt": hub.store.put_blob(b"mine")}
    hub.store.commit(repository, "main", files, "notes", "", "newcomer")
    assert "notes.txt" in refused(HubError, lambda: push(drug, NAME))
    done = push(drug, NAME, Settings(replace=True))
    assert done.difference.gone == ["notes.txt"]
    assert "notes.txt" not in repository.at("main").files
    assert ".gitattributes" in repository.at("main").files


def test_a_new_repository_with_a_card_and_a_licence_is_nobodys(hub: LoopbackHub, drug: Path) -> None:
    repository = hub.store.create(NAME, private=False, author="newcomer")
    mine = {"README.md": hub.store.put_blob(b"# soon\n"), "LICENSE": hub.store.put_blob(b"free")}
    hub.store.commit(repository, "main", {**repository.at("main").files, **mine}, "begun by hand", "", "newcomer")
    push(drug, NAME)
    assert "LICENSE" in repository.at("main").files


@pytest.mark.parametrize(
    "name",
    ["drug", "a/b/c", "no spaces/drug", "newcomer/.drug", "newcomer/a--b", "x/" + "y" * 120, "newcomer/drug.git", ""],
)
def test_names_that_the_hub_does_not_allow(name: str) -> None:
    text = refused(HubError, lambda: check_name(name))
    assert "namespace/name" in text


@pytest.mark.parametrize("name", ["a b", "a..b", "-a", "a~1", "a/", "refs/x", "a.lock", "", "0" * 40, "a^b"])
def test_branches_that_git_does_not_allow(name: str) -> None:
    refused(HubError, lambda: check_revision(name, "branch"))


def test_no_token(hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    text = refused(HubError, lambda: push(drug, NAME))
    assert "there is no token" in text
    assert "hf auth login" in text
    assert hub.calls == []


def test_the_token_of_the_hubs_own_login_is_taken(
    hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "token").write_text(hub.token)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    assert push(drug, NAME).created


def test_a_token_that_the_hub_does_not_know(hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turned_to(hub, monkeypatch, "hf_wrong")
    assert "does not accept the token" in refused(HubError, lambda: push(drug, NAME))


def test_a_token_that_may_not_write(hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = refused(HubError, lambda: push(drug, "stranger/drug"))
    assert "may not write to stranger/drug" in text
    assert "newcomer, workshop" in text
    turned_to(hub, monkeypatch, hub.reader)
    text = refused(HubError, lambda: push(drug, NAME))
    assert "not one for reading only" in text


def test_a_hub_that_is_down(hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    waited = unhurried(monkeypatch)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    text = refused(TransientError, lambda: push(drug, NAME))
    assert "the hub at http://127.0.0.1:9 cannot be reached" in text
    assert "run the same command again" in text
    assert waited == []


def test_offline_mode(hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "unset HF_HUB_OFFLINE" in refused(HubError, lambda: push(drug, NAME))


def test_a_hub_that_does_not_answer(hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited = unhurried(monkeypatch)
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.2)
    hub.faults.plan(Fault("GET /api/datasets", times=100, status=200, delay=1.0))
    assert "did not answer in time" in refused(TransientError, lambda: push(drug, NAME))
    assert waited == [1.0, 4.0, 15.0]


def test_a_hub_that_is_slow_once(hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unhurried(monkeypatch)
    monkeypatch.setattr(client, "ANSWER_SECONDS", 1.0)
    hub.faults.plan(Fault("POST .*/commit/", times=1, status=200, delay=2.0))
    push(drug, NAME)
    assert not push(drug, NAME).difference


def test_a_hub_that_answers_429_half_way_and_stays_so(
    hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = unhurried(monkeypatch)
    hub.faults.plan(Fault("PUT /storage", after=2, times=10_000, status=429, headers={"Retry-After": "3"}))
    text = refused(TransientError, lambda: push(drug, NAME))
    assert "HTTP 429" in text
    assert "not sent twice" in text
    assert {3.0, 4.0} <= set(waited)  # ours, and the client's own for each file, which adds a second
    repository = hub.store.repositories[NAME]
    assert len(repository.commits) == 1
    hub.faults.clear()
    kept = {path.name for path in (hub.store.folder / "large").iterdir()}
    before = len(hub.calls)
    push(drug, NAME)
    again = {call.rpartition("/")[2] for call in hub.calls[before:] if call.startswith("PUT")}
    assert kept
    assert not kept & again


def test_a_hub_that_asks_for_more_patience_than_there_is(
    hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = unhurried(monkeypatch)
    hub.faults.plan(Fault("GET /api/datasets", times=10, status=429, headers={"Retry-After": "3600"}))
    refused(TransientError, lambda: push(drug, NAME))
    assert waited == []


def test_a_card_that_the_hub_refuses(hub: LoopbackHub, drug: Path) -> None:
    card = drug / "README.md"
    card.write_text(card.read_text(encoding="utf-8").replace("- n<1K", "- a few"), encoding="utf-8")
    with pytest.raises(HubError, match="the hub refuses the card"):
        push(drug, NAME)
    assert len(hub.store.repositories[NAME].commits) == 1


def columns(*names: str) -> pa.Table:
    return pa.table([pa.array([1.0])] * len(names), names=list(names))


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (columns(""), "empty"),
        (columns("a" * 501), "501 characters"),
        (columns("dose", "Dose"), "only capitals tell it from another"),
        (columns(" dose"), "blank"),
        (columns("do\nse"), "control characters"),
        (pa.table({"factual": [{"Dose": 1, "dose": 2}]}), "only capitals"),
        (pa.table({"intervention": [[{"before ": "x"}]]}), "blank"),
    ],
)
def test_a_column_with_a_name_that_the_hub_rejects(table: pa.Table, why: str, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "train-00000.parquet")
    text = refused(DataError, lambda: check_columns([tmp_path / "train-00000.parquet"]))
    assert why in text
    assert "that the Hub rejects" in text


def test_a_view_with_such_a_column_is_not_pushed(hub: LoopbackHub, drug: Path) -> None:
    (drug / "exports" / "sft").mkdir(parents=True)
    pq.write_table(columns("Text", "text"), drug / "exports" / "sft" / "train.parquet")
    assert "sft/train.parquet" in refused(DataError, lambda: push(drug, NAME))
    assert hub.store.repositories == {}


@pytest.mark.parametrize("nested", [False, True])
def test_ten_megabytes_in_one_cell_are_told_and_loaded_back(
    hub: LoopbackHub, drug: Path, tmp_path: Path, nested: bool
) -> None:
    from datasets import load_dataset

    texts = ["short", "x" * 10_000_000, "short"]
    table = pa.table({"pair": [{"text": each} for each in texts]} if nested else {"text": texts})
    (drug / "exports" / "sft").mkdir(parents=True)
    pq.write_table(table, drug / "exports" / "sft" / "train.parquet")
    notes = push(drug, NAME).notes
    assert [note for note in notes if "sft/train.parquet holds 10.0 MB in one cell" in note and "row 1)" in note]
    found = load_dataset(NAME, "sft", split="train", cache_dir=str(tmp_path / "cache"))
    assert found.to_list() == table.to_pylist()


def test_cells_are_only_read_where_a_column_is_large(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["x" * 100] * 1000}), tmp_path / "a.parquet")
    assert list(large_cells([tmp_path / "a.parquet"])) == []
    assert list(large_cells([tmp_path / "a.parquet"], least=101)) == []
    assert len(list(large_cells([tmp_path / "a.parquet"], least=100))) == 1


@pytest.mark.parametrize(
    "licence",
    ["CC-BY-ND-4.0", "cc-by-nc-nd-4.0", "All rights reserved", "proprietary", "Research use; no redistribution",
     "Creative Commons NoDerivatives"],
)  # fmt: skip
def test_licences_that_forbid_publishing(licence: str) -> None:
    assert forbids(licence)
    text = refused(LicenceError, lambda: check_licences("mit", [{"name": "table", "licence": licence}]))
    assert "table is under" in text
    assert "--override-licence" in text
    assert "published although" in check_licences("mit", [{"name": "table", "licence": licence}], overridden=True)[0]


@pytest.mark.parametrize("licence", ["apache-2.0", "CC-BY-SA-4.0", "bsd-3-clause", "", "ncsa", "Standard terms", "odbl",
                                     "MIT, and none is stated for the data"])  # fmt: skip
def test_licences_that_do_not(licence: str) -> None:
    assert forbids(licence) is None


def test_an_input_may_be_declared_unpublishable_or_free(hub: LoopbackHub, drug: Path) -> None:
    recipe = yaml.safe_load((drug / "recipe.yaml").read_text(encoding="utf-8"))

    def declared(**change: Any) -> None:
        recipe["inputs"] = [{"name": "ward", "licence": "all rights reserved", **change}]
        (drug / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")

    declared()
    assert "all rights are reserved" in refused(LicenceError, lambda: push(drug, NAME))
    declared(licence="mit", publish=False)
    assert "publish: false" in refused(LicenceError, lambda: push(drug, NAME))
    assert hub.calls == []
    declared(publish=True)
    assert push(drug, NAME).created
    declared()
    assert any("published although" in note for note in push(drug, NAME, Settings(override_licence=True)).notes)


def test_what_an_inputs_licence_asks_is_told() -> None:
    notes = check_licences("mit", [{"name": "poems", "licence": "CC-BY-NC-SA-4.0"}])
    assert len(notes) == 2
    assert all("poems is under CC-BY-NC-SA-4.0" in note for note in notes)
    assert check_licences("cc-by-nc-sa-4.0", [{"name": "poems", "licence": "CC-BY-NC-SA-4.0"}]) == []
    assert "no licence is stated" in check_licences("", [])[0]


def test_a_licence_that_the_hub_does_not_know_is_named() -> None:
    assert hub_licence("MIT") == ("mit", "")
    assert hub_licence("The Ward's Own Terms 1.0") == ("other", "the-ward-s-own-terms-1.0")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["{drug}", "drug"], 2, "namespace/name"),
        (["{drug}", NAME, "--revision", "a b"], 2, "cannot be the name of a branch"),
        (["{drug}/nothing", NAME], 2, "is no run directory"),
    ],
)
def test_the_command_prints_one_message(
    arguments: list[str], code: int, words: str, hub: LoopbackHub, drug: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = contrafact(capsys, "push", *(each.replace("{drug}", str(drug)) for each in arguments))
    assert done.code == code
    assert words in done.text
    assert "Traceback" not in done.text
    assert hub.calls == []


def test_an_endpoint_that_is_no_address_is_not_tried_again(
    hub: LoopbackHub, drug: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "nonsense")
    monkeypatch.setenv("HF_ENDPOINT", "nonsense")
    assert "'nonsense' is no address of a hub" in refused(HubError, lambda: push(drug, NAME))
    assert hub.calls == []
