"""Whole builds of ``mutation`` from a git history, and from methods of classes."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.validation import validate
from generators.code.mutation.functions import functions_of
from generators.code.mutation.hints import signature_of
from generators.code.mutation.methods import method_of

pytestmark = pytest.mark.system("bubblewrap")

CLASSES = '''\
from dataclasses import dataclass
from collections.abc import Sized

STEP = 2


class Account:
    """Money, in whole units."""

    def __init__(self, balance: int, limit: int = 5) -> None:
        self.balance, self.limit = balance, limit

    def withdraw(self, amount: int) -> bool:
        if amount > self.balance + self.limit:
            return False
        self.balance -= amount
        return True

    def deposit(self, amount: int) -> None:
        if amount < 0:
            raise ValueError("negative")
        self.balance += amount * STEP

    @staticmethod
    def fee(amount: int) -> int:
        return amount // 10 + 1

    @classmethod
    def half(cls, amount: int) -> int:
        return amount // 2

    @property
    def rich(self) -> bool:
        return self.balance > 100


@dataclass
class Box:
    width: int
    height: int = 1

    def area(self, times: int = 1) -> int:
        return self.width * self.height + times


class Bag(Sized):
    def __len__(self) -> int:
        return 0

    def twice(self, x: int) -> int:
        return 2 * x
'''


def built(out: Path, corpus: dict[str, Any], **options: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    recipe = parse_recipe({
        "name": "built", "rows": 40, "seed": 3,
        "generator": {"use": "mutation", "corpus": corpus, "per_unit": 4, **options},
        "filters": {"execution": {}, "label_flip": {"want": "flip"}}, "splits": {"train": 0.5, "test": 0.5},
    })  # fmt: skip
    manifest = run_local(recipe, None, out)
    paths = sorted([*(out / "data").glob("*.parquet"), *(out / "rejected").glob("*.parquet")])
    return manifest, [row for path in paths for row in pq.read_table(path).to_pylist()]


def git(folder: Path, *words: str) -> None:
    person = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *person, *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("repository")
    git(made, "init", "-q")
    bodies = ("return a < b", "return a <= b", "return a <= b + 1")
    for number, body in enumerate(bodies):
        (made / "m.py").write_text(f"def within(a: int, b: int) -> bool:\n    {body}\n", encoding="utf-8")
        (made / f"n{number}.py").write_text(
            f"def more(x: int) -> int:\n    return x + {number + 1}\n", encoding="utf-8"
        )
        git(made, "add", ".")
        git(made, "commit", "-q", "-m", body)
    return made


def test_a_history_is_built_with_a_file_in_one_split_whatever_the_commit(repository: Path, tmp_path: Path) -> None:
    manifest, rows = built(tmp_path / "out", {"folder": str(repository), "history": 10})
    accepted = [row for row in rows if row["accepted"]]
    within = [row for row in accepted if row["factual"]["name"] == "within"]
    assert len({row["factual"]["code"] for row in within}) == 3
    assert {row["group_id"] for row in within} == {"m.py"}
    assert all("@m.py" in row["factual"]["path"] for row in within)
    split = {row["group_id"]: path.name for path in sorted((tmp_path / "out" / "data").glob("*.parquet"))
             for row in pq.read_table(path).to_pylist()}  # fmt: skip
    assert len(split) == len({row["group_id"] for row in accepted})
    assert manifest["accepted"] == len(accepted)
    found = validate(tmp_path / "out")
    assert found.problems == []
    assert found.recomputed >= manifest["accepted"]


def test_methods_are_called_on_an_object_that_is_made_first(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "bank.py").write_text(CLASSES, encoding="utf-8")
    manifest, rows = built(tmp_path / "out", {"folder": str(folder)})
    accepted = [row for row in rows if row["accepted"]]
    names = {row["factual"]["name"] for row in accepted}
    assert names >= {"Account.withdraw", "Account.deposit", "Account.fee", "Account.half", "Box.area"}
    assert not names & {"Account.rich", "Bag.__len__"}
    for row in accepted:
        code = row["factual"]["code"]
        assert code in CLASSES
        ast.parse(row["counterfactual"]["code"])
        method = method_of(code, row["factual"]["name"])
        assert method is not None
        start = int(row["intervention"][0]["where"].removeprefix("bytes ").partition(":")[0])
        assert method.start <= start < method.stop
    call = next(row["factual"]["call"] for row in accepted if row["factual"]["name"] == "Account.withdraw")
    assert call.startswith("Account(")
    assert ").withdraw(" in call
    state = [row for row in accepted if row["factual"]["ended"] == row["counterfactual"]["ended"] == "ok"]
    told = [(row["factual"], row["counterfactual"]) for row in state if row["control_of"] is None]
    assert any(one["value"] == other["value"] and one["after"] != other["after"] for one, other in told)
    said = {row["unit_id"]: row["reasons"] for row in rows if not row["accepted"]}
    assert said["bank:Bag.twice"] == ["mutation: its class is made by another class"]
    found = validate(tmp_path / "out")
    assert found.problems == []
    assert found.recomputed >= manifest["accepted"]


def test_a_method_takes_its_class_s_needs_along_and_has_both_s_parameters() -> None:
    found = {each.name: each for each in functions_of(CLASSES.encode(), most=2000)}
    assert found["Account.deposit"].prelude == "STEP = 2"
    assert found["Account.deposit"].code.startswith("class Account:")
    assert found["Box.area"].code.startswith("@dataclass\nclass Box:")
    names = [each.name for each in signature_of(found["Account.withdraw"].code, "Account.withdraw").parameters]
    assert names == ["balance", "amount"]
    assert [each.name for each in signature_of(found["Account.fee"].code, "Account.fee").parameters] == ["amount"]
    assert [each.name for each in signature_of(found["Account.half"].code, "Account.half").parameters] == ["amount"]
    area = signature_of(found["Box.area"].code, "Box.area").parameters
    assert [(each.name, each.optional) for each in area] == [("width", False), ("times", True)]
