"""Fine-tuning a small encoder with a classification head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.teachers.base import Texts
from contrafact.engines.teachers.transformer import quiet
from contrafact.errors import DataError
from contrafact.streams import Streams

if TYPE_CHECKING:
    from contrafact.engines.teachers.training import FineTuning

__all__ = ["finetuned", "logits_by"]

_WARM_UP = 0.1
_DECAY = 0.01
_LONGEST_GRADIENT = 1.0


def finetuned(
    texts: Sequence[Texts], codes: NDArray[np.int64], labels: Sequence[str], how: FineTuning, seed: int
) -> tuple[Any, Any]:
    """Model and tokenizer after training. Randomness follows from ``seed``, and the global generator is left alone."""
    import torch

    order = Streams(seed, "teacher").generator("batches")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model, tokenizer = _opened(how.base, labels)
        optimiser = torch.optim.AdamW(model.parameters(), lr=how.rate, weight_decay=_DECAY)
        steps = how.epochs * -(-len(texts) // how.batch)
        warm = max(1, int(steps * _WARM_UP))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
        )
        model.train()
        for _ in range(how.epochs):
            shuffled = order.permutation(len(texts))
            for start in range(0, len(texts), how.batch):
                rows = shuffled[start : start + how.batch]
                encoded = _encoded(tokenizer, [texts[row] for row in rows], how.length).to(model.device)
                loss = model(**encoded, labels=torch.tensor(codes[rows], device=model.device)).loss
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), _LONGEST_GRADIENT)
                optimiser.step()
                schedule.step()
                optimiser.zero_grad()
        return model.eval(), tokenizer


def logits_by(model: Any, tokenizer: Any, texts: Sequence[Texts], length: int) -> NDArray[np.float64]:
    """Logits of each text by itself, shape (len(texts), k), as the teacher will give them."""
    import torch

    with torch.inference_mode():
        rows = [model(**_encoded(tokenizer, [text], length).to(model.device)).logits[0] for text in texts]
        return np.asarray(torch.stack(rows).double().cpu().numpy(), dtype=np.float64)


def _opened(base: str, labels: Sequence[str]) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    names = dict(enumerate(labels))
    codes = {name: place for place, name in names.items()}
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(base)
            config = AutoConfig.from_pretrained(base, id2label=names, label2id=codes)
            # A head that the base has already, for other labels, is not kept.
            model = AutoModelForSequenceClassification.from_pretrained(
                base, config=config, ignore_mismatched_sizes=True
            )
    except (OSError, ValueError) as error:
        first = str(error).strip().partition("\n")[0]
        raise DataError(
            f"{base} cannot be fine-tuned: {first}",
            allowed="a folder with a Hugging Face encoder and its tokenizer, or a hub id",
            fix="--base path/to/encoder",
        ) from None
    return model, tokenizer


def _encoded(tokenizer: Any, texts: Sequence[Texts], length: int) -> Any:
    sides = [[each[field] for each in texts] for field in range(len(texts[0]))]
    return tokenizer(*sides, padding=True, truncation=True, max_length=length, return_tensors="pt")
