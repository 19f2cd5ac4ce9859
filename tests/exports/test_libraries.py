"""Every view, trained on for one step by the library that it is for. Models here are tiny, random and know nothing."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest

from contrafact.exports import Options, export, reward
from tests.exports.toys import dataset
from tests.filters.test_teacher_kinds import save_tiny

# Libraries that warn of one another's future are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

_CHAT = "{% for each in messages %}<{{ each['role'] }}>{{ each['content'] }}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"  # fmt: skip  # noqa: E501


def trl() -> Any:
    """The library, whose lazy imports no type checker follows."""
    return importlib.import_module("trl")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("libraries") / "sources", "Sources", count=40)


@pytest.fixture(scope="module")
def phrases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("libraries") / "phrases", count=40)


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model that reads bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "speaker"
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: place for place, token in enumerate(["<pad>", "</s>", *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    make: Any = PreTrainedTokenizerFast
    fast = make(tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>")  # noqa: S106  # tokens of text
    fast.chat_template = _CHAT
    fast.save_pretrained(folder)
    size = len(vocabulary)
    config = GPT2Config(
        vocab_size=size, n_positions=512, n_embd=16, n_layer=1, n_head=2, eos_token_id=1, pad_token_id=0
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def settings(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {
        "output_dir": str(tmp_path / "trained"),
        "max_steps": 1,
        "per_device_train_batch_size": 2,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "disable_tqdm": True,
        **more,
    }


@pytest.mark.parametrize("chat", [False, True])
def test_trl_trains_on_preferences(made: Path, speaker: Path, tmp_path: Path, chat: bool) -> None:
    export(made, "preference", options=Options(chat=chat))
    rows = datasets.load_dataset(str(made), "preference", split="train")
    arguments = trl().DPOConfig(**settings(tmp_path, max_length=256, bf16=False, gradient_checkpointing=False))
    trainer = trl().DPOTrainer(str(speaker), args=arguments, train_dataset=rows)
    prepared = trainer.train_dataset[0]
    said = trainer.processing_class.decode(prepared["chosen_ids"])
    chosen = rows[0]["chosen"][0]["content"] if chat else rows[0]["chosen"]
    assert said.startswith(chosen)
    assert trainer.train().training_loss > 0


@pytest.mark.parametrize("chat", [False, True])
def test_trl_trains_on_prompts_and_completions(phrases: Path, speaker: Path, tmp_path: Path, chat: bool) -> None:
    export(phrases, "sft", options=Options(chat=chat))
    rows = datasets.load_dataset(str(phrases), "sft", split="train")
    arguments = trl().SFTConfig(**settings(tmp_path, max_length=256, bf16=False, gradient_checkpointing=False))
    trainer = trl().SFTTrainer(str(speaker), args=arguments, train_dataset=rows)
    first = trainer.train_dataset[0]
    learned = [token for token in first["labels"] if token >= 0]
    completion = rows[0]["completion"][0]["content"] if chat else rows[0]["completion"]
    assert completion in trainer.processing_class.decode(learned)
    assert len(trainer.processing_class.decode(learned)) < len(completion) + 20
    assert trainer.train().training_loss > 0


def test_trl_rewards_answers_to_questions(made: Path, speaker: Path, tmp_path: Path) -> None:
    export(made, "rlvr")
    rows = datasets.load_dataset(str(made), "rlvr", split="train").rename_column("question", "prompt")
    asked: list[list[float]] = []

    def watched(completions: list[str], **columns: Any) -> list[float]:
        asked.append(reward(completions, **columns))
        return asked[-1]

    arguments = trl().GRPOConfig(
        **settings(
            tmp_path, num_generations=2, max_completion_length=4, bf16=False, gradient_checkpointing=False, beta=0.0
        )
    )
    trl().GRPOTrainer(str(speaker), reward_funcs=watched, args=arguments, train_dataset=rows).train()
    assert asked
    assert all(each == 0.0 for each in asked[0])  # it knows nothing
    assert reward([rows[0]["reference"]], [rows[0]["verifier"]], [rows[0]["reference"]]) == [1.0]


def test_sentence_transformers_trains_on_triplets(phrases: Path, tmp_path: Path) -> None:
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import TripletLoss
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    export(phrases, "triplet")
    rows = datasets.load_dataset(str(phrases), "triplet", split="train")
    transformer = Transformer(str(save_tiny(tmp_path / "encoder", ("a", "b"))))
    model = SentenceTransformer(modules=[transformer, Pooling(transformer.get_embedding_dimension())], device="cpu")
    arguments = SentenceTransformerTrainingArguments(**settings(tmp_path))
    trainer = SentenceTransformerTrainer(model=model, args=arguments, train_dataset=rows, loss=TripletLoss(model))
    assert trainer.train().training_loss > 0


def test_scikit_learn_fits_flat_rows(phrases: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    export(phrases, "flat")
    frame = datasets.load_dataset(str(phrases), "flat", split="train").to_pandas()
    model = LogisticRegression().fit(TfidfVectorizer().fit_transform(frame["text"]), frame["label"])
    assert set(model.classes_) == {0, 1}
