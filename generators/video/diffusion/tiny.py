"""A diffusion pipeline with random weights, made from its configuration: what it paints means nothing.

It loads, takes a mask and answers as a real one of its class does, in a second and without a download, so that a recipe
can be tried, and tested, before the pipeline that is meant is there.
"""

from __future__ import annotations

import string
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["TEXT", "random_pipeline", "text_config", "tokenizer", "untyped", "write_pipeline"]

TEXT = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 4}
"""Of a text encoder that is as small as one can be."""


@cache
def random_pipeline() -> Path:
    """A folder with an inpainting pipeline, the same weights in every process; gone with the process."""
    folder = tempfile.TemporaryDirectory(prefix="contrafact-random-")
    _kept.append(folder)
    path = Path(folder.name) / "random"
    write_pipeline(path, "StableDiffusionInpaintPipeline")
    return path


_kept: list[tempfile.TemporaryDirectory[str]] = []


def write_pipeline(folder: Path, kind: str) -> None:
    """A pipeline of diffusers by the name of its class: instructions, inpainting or few-step image-to-image."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _made(kind).save_pretrained(folder)


def _made(kind: str) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    words, diffusers = tokenizer(), untyped("diffusers")
    channels = {"StableDiffusionInstructPix2PixPipeline": 8, "StableDiffusionInpaintPipeline": 9}.get(kind, 4)
    few_steps = "LatentConsistency" in kind
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=16,
        in_channels=channels,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        norm_num_groups=32,
        time_cond_proj_dim=32 if few_steps else None,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=[32, 32],
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        latent_channels=4,
        norm_num_groups=8,
    )
    scheduler = diffusers.LCMScheduler if few_steps else diffusers.DDIMScheduler
    return getattr(diffusers, kind)(
        unet=unet,
        vae=vae,
        text_encoder=CLIPTextModel(CLIPTextConfig(**text_config(len(words)))),
        tokenizer=words,
        scheduler=scheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        **({} if kind == "StableDiffusionInstructPix2PixPipeline" else {"requires_safety_checker": False}),
    )


def tokenizer() -> Any:
    """A tokenizer of single letters."""
    from transformers import CLIPTokenizer

    letters = [*string.ascii_lowercase, *string.digits, *".,?-'"]
    words = ["!", "<|startoftext|>", "<|endoftext|>", *letters, *(f"{each}</w>" for each in letters)]
    return CLIPTokenizer({each: at for at, each in enumerate(words)}, [], model_max_length=77)


def untyped(name: str) -> Any:
    """A module some of whose classes take arguments without types."""
    return import_module(name)


def text_config(size: int) -> dict[str, Any]:
    """The configuration of a text encoder for so many tokens."""
    return {**TEXT, "vocab_size": size, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
