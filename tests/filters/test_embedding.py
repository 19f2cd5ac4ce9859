from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.engines import Engines
from contrafact.errors import RecipeError
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from filters.embedding import Embedding
from tests.filters.texts import Texts, bound, edit, judged, redecided, table, verdicts
from tests.filters.toys import Toy

GOOD, BAD = "The food was good.", "The food was terrible."
APART, ALIKE, ASTRAY = "the texts are too far apart", "the texts are too much alike", "the edit goes another way"


def cosine(engines: Engines, one: str, other: str) -> float:
    left, right = engines.embedder.encode([one, other]).astype(np.float64)
    return float(left @ right)


def test_the_score_is_the_cosine_of_the_two_texts(engines: Engines) -> None:
    rows = [edit(GOOD, BAD), edit(GOOD, GOOD), edit(GOOD, "Quantum chromodynamics on a lattice")]
    answer = judged(Embedding(min=0.3), rows, engines=engines)
    similarity = answer.scores["embedding_similarity"]
    assert similarity[0] == pytest.approx(cosine(engines, GOOD, BAD), abs=1e-6)
    assert similarity[1] == 1
    assert similarity[2] < 0.3 < similarity[0]
    assert verdicts(answer) == ["", "", APART]
    narrow = Embedding(min=0.3, max=0.99)
    assert verdicts(judged(narrow, rows, engines=engines)) == ["", ALIKE, APART]
    again = redecided(narrow, rows, {"embedding_similarity": similarity.tolist()})
    assert verdicts(again) == ["", ALIKE, APART]


def test_a_narrower_band_never_keeps_more(engines: Engines) -> None:
    rows = [edit(GOOD, GOOD.replace("good", word)) for word in ("great", "bad", "on fire", "2 dollars", "an opera")]
    kept = [int(judged(Embedding(min=least / 10), rows, engines=engines).passed.sum()) for least in range(-10, 11)]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == 5 > kept[-1]


def test_a_pairs_score_does_not_depend_on_its_company(engines: Engines) -> None:
    words = ("great", "bad", "not what we had hoped for after all that we had read", "2 dollars", "an opera", "ok")
    rows = [edit(GOOD, GOOD.replace("good", word)) for word in words]
    judge = Embedding(toward="Wonderful!")
    together = judged(judge, rows, engines=engines).scores
    for place, row in enumerate(rows):
        alone = judged(judge, [row], engines=engines).scores
        assert {name: values[place] for name, values in together.items()} == {k: v[0] for k, v in alone.items()}


def test_edited_fields_count_alone_and_all_fields_together(engines: Engines) -> None:
    both = Texts("premise", "hypothesis")
    row = {
        "factual": {"premise": "A man plays the guitar.", "hypothesis": GOOD},
        "counterfactual": {"premise": "A man plays the guitar.", "hypothesis": BAD},
    }
    twice = {**row, "counterfactual": {"premise": "A woman plays golf.", "hypothesis": BAD}}
    lone = judged(Embedding(), [row, twice], both, engines).scores["embedding_similarity"]
    premises = cosine(engines, "A man plays the guitar.", "A woman plays golf.")
    assert lone[0] == pytest.approx(cosine(engines, GOOD, BAD), abs=1e-6)
    assert lone[1] == pytest.approx(min(premises, lone[0]), abs=1e-6)
    joined = judged(Embedding(over="all"), [row], both, engines).scores["embedding_similarity"]
    texts = [f"A man plays the guitar.\n{text}" for text in (GOOD, BAD)]
    assert joined[0] == pytest.approx(cosine(engines, *texts), abs=1e-6)
    assert judged(Embedding(fields=["premise"]), [row], both, engines).scores["embedding_similarity"].tolist() == [1]


def test_direction_toward_a_text_and_back_are_opposite(engines: Engines) -> None:
    rows = [edit(BAD, GOOD), edit(GOOD, BAD), edit(GOOD, GOOD)]
    answer = judged(Embedding(toward="Delicious, we loved it."), rows, engines=engines)
    way = answer.scores["embedding_direction"]
    assert way[0] > 0 == way[2]
    assert way[0] == -way[1]
    assert verdicts(answer) == ["", ASTRAY, ""]


def test_direction_by_label_follows_the_pairs_own_labels(engines: Engines, tmp_path: Path) -> None:
    texts = {"negative": ["It was awful.", "Terrible food."], "positive": "Delicious, we loved it."}
    rows = [
        edit(BAD, GOOD),
        edit(GOOD, BAD, label=1, counterfactual_label=0),
        edit(GOOD, BAD),
        edit(GOOD, BAD, label=1, counterfactual_label=1),
        edit(GOOD, BAD, label=None),
    ]
    answer = judged(Embedding(toward=texts), rows, engines=engines)
    assert verdicts(answer) == ["", "", ASTRAY, "", "a label is missing"]
    way = answer.scores["embedding_direction"]
    assert way[0] == way[1] == -way[2]
    assert way[3] == 0
    (tmp_path / "aims.yaml").write_text(
        "negative: [It was awful., Terrible food.]\npositive: Delicious, we loved it.\n"
    )
    filed = Embedding(toward="aims.yaml", folder=tmp_path)
    assert judged(filed, rows, engines=engines).scores["embedding_direction"][:4].tolist() == way[:4].tolist()
    before = filed.identity()
    (tmp_path / "aims.yaml").write_text("negative: Bad.\npositive: Delicious, we loved it.\n")
    assert bound(Embedding(toward="aims.yaml", folder=tmp_path)).identity() != before


def test_missing_and_odd_texts_are_judged_all_the_same(engines: Engines) -> None:
    rows = [edit(None, None), edit(None, GOOD), edit("😀", "😀😀😀"), edit("שלום", "עולם"), edit("x " * 50_000, GOOD)]
    similarity = judged(Embedding(min=-1), rows, engines=engines).scores["embedding_similarity"]
    assert similarity[0] == 1
    assert np.isfinite(similarity).all()


def test_no_pairs_give_no_scores(engines: Engines) -> None:
    judge = bound(Embedding(toward=GOOD), engines=engines)
    answer = judge.judge(table([], Texts()))
    assert [len(each) for each in (answer.passed, *answer.scores.values())] == [0, 0, 0]


def test_wrong_options_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no cosine"):
        Embedding(min=0.9, max=0.5)
    with pytest.raises(RecipeError, match="over cannot be 'both'"):
        Embedding(over="both")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match=r"names 'positve', which is no label.*did you mean 'positive'"):
        bound(Embedding(toward={"positve": "x", "negative": "y"}))
    with pytest.raises(RecipeError, match="no text for negative"):
        bound(Embedding(toward={"positive": "x"}))
    with pytest.raises(RecipeError, match=r"toward\.negative cannot be"):
        bound(Embedding(toward={"positive": "x", "negative": []}))
    with pytest.raises(RecipeError, match=r"no file 'aims\.yaml'"):
        bound(Embedding(toward="aims.yaml", folder=tmp_path))
    (tmp_path / "aims.yaml").write_text("- a\n")
    with pytest.raises(RecipeError, match="holds no mapping"):
        bound(Embedding(toward="aims.yaml", folder=tmp_path))
    with pytest.raises(RecipeError, match=r"no setting 'modle'.*did you mean 'model'"):
        bound(Embedding(), engines=Engines({"embeddings": {"modle": "x"}}))
    with pytest.raises(RecipeError, match="is a text of these pairs"):
        bound(Embedding(fields=["x"]), Toy())


OPPOSITES = '''
"""Reviews with one word exchanged."""

import pyarrow as pa

from contrafact.record import PairShape, class_label
from contrafact.stages import RowGenerator


class Exchange(RowGenerator):
    name = "exchange"

    def shape(self):
        return PairShape([pa.field("text", pa.string())], class_label("label", ["negative", "positive"]))

    def make(self, unit, rng):
        for word in ("bad", "not so good", unit["other"]):
            yield {
                "factual": {"text": unit["text"]},
                "counterfactual": {"text": unit["text"].replace("good", word)},
                "intervention": [],
                "label": 1,
                "counterfactual_label": 0,
            }
'''


def test_a_build_gives_the_same_scores_whatever_the_shards_and_workers(tmp_path: Path) -> None:
    (tmp_path / "exchange.py").write_text(OPPOSITES)
    places = ("The food", "Our room in the old town", "Nearly everything about it", "It")
    rows = [f"{place} was good{'!' * (number % 3)},{number} dollars" for number in range(4) for place in places]
    (tmp_path / "reviews.csv").write_text("text,other\n" + "\n".join(rows) + "\n")
    found = []
    for shard_rows, workers in ((16, 1), (3, 2)):
        recipe = {
            "name": "exchange",
            "rows": 16,
            "shard_rows": shard_rows,
            "workers": workers,
            "source": "reviews.csv",
            "generator": {"use": "exchange.py:Exchange"},
            "filters": {
                "embedding": {"min": 0.4, "toward": "Awful."},
                "minimality": None,
                "fluency": None,
                "language": {"identify": True},
                "near_duplicates": {"threshold": 0.98},
                "diversity": {"keep": 2},
            },
        }
        manifest = run_local(parse_recipe(recipe), tmp_path / "recipe.yaml", tmp_path / f"out{shard_rows}")
        assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"] == 48
        files = [tmp_path / f"out{shard_rows}" / each["path"] for each in manifest["files"]]
        pairs = pa.concat_tables([pq.read_table(each) for each in files]).sort_by("pair_id")
        found.append(pairs.select(["pair_id", "scores", "accepted", "reasons"]).to_pylist())
    assert found[0] == found[1]
    assert {True, False} == {each["accepted"] for each in found[0]}
