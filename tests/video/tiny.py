"""Tiny models with random weights, made from configurations and saved as their makers save theirs.

What they answer means nothing. That real loading code loads, calls and reads them is what tests show with them.
"""

from __future__ import annotations

import string
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["write_clip_model", "write_detector", "write_pipeline", "write_video_pipeline"]

_TEXT = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 4}


def tokenizer() -> Any:
    """A tokenizer of single letters."""
    from transformers import CLIPTokenizer

    letters = [*string.ascii_lowercase, *string.digits, *".,?-'"]
    words = ["!", "<|startoftext|>", "<|endoftext|>", *letters, *(f"{each}</w>" for each in letters)]
    return CLIPTokenizer({each: at for at, each in enumerate(words)}, [], model_max_length=77)


def _seeded() -> None:
    import torch

    torch.manual_seed(0)


def _untyped(name: str) -> Any:
    """A module some of whose classes take arguments without types."""
    return import_module(name)


def _text_config(size: int) -> dict[str, Any]:
    return {**_TEXT, "vocab_size": size, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}


def write_detector(folder: Path) -> None:
    """An OWL-ViT for 64×64 pixels."""
    from transformers import OwlViTConfig, OwlViTForObjectDetection, OwlViTImageProcessorPil

    _seeded()
    words = tokenizer()
    words.model_max_length = 16
    config = OwlViTConfig(
        text_config={**_text_config(len(words)), "max_position_embeddings": 16},
        vision_config={**_TEXT, "image_size": 64, "patch_size": 16},
        projection_dim=32,
    )
    OwlViTForObjectDetection(config).save_pretrained(folder)
    images = OwlViTImageProcessorPil(size={"height": 64, "width": 64}, crop_size={"height": 64, "width": 64})
    _untyped("transformers").OwlViTProcessor(images, words).save_pretrained(folder)


def write_clip_model(folder: Path) -> None:
    """A CLIP of sentence-transformers for 32×32 pixels."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import CLIPModel as Module
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    _seeded()
    words = tokenizer()
    config = CLIPConfig(
        text_config=_text_config(len(words)),
        vision_config={**_TEXT, "image_size": 32, "patch_size": 8},
        projection_dim=32,
    )
    inner = folder / "clip"
    CLIPModel(config).save_pretrained(inner)
    size = {"height": 32, "width": 32}
    images = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size)
    _untyped("transformers").CLIPProcessor(images, words).save_pretrained(inner)
    SentenceTransformer(modules=[Module(str(inner))], device="cpu").save(str(folder / "model"))


def write_pipeline(folder: Path, kind: str) -> None:
    """A pipeline of diffusers by the name of its class: instructions, inpainting or few-step image-to-image."""
    from transformers import CLIPTextConfig, CLIPTextModel

    _seeded()
    words, diffusers = tokenizer(), _untyped("diffusers")
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
    made = getattr(diffusers, kind)(
        unet=unet,
        vae=vae,
        text_encoder=CLIPTextModel(CLIPTextConfig(**_text_config(len(words)))),
        tokenizer=words,
        scheduler=scheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        **({} if kind == "StableDiffusionInstructPix2PixPipeline" else {"requires_safety_checker": False}),
    )
    made.save_pretrained(folder)


def write_video_pipeline(folder: Path) -> None:
    """A Wan VACE: a clip, a mask and words in, a clip out, four frames as one."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import UMT5Config, UMT5EncoderModel

    _seeded()
    diffusers = _untyped("diffusers")
    letters = ["<pad>", "</s>", "<unk>", *string.ascii_lowercase, " "]
    special = {"pad_token": letters[0], "eos_token": letters[1], "unk_token": letters[2]}
    words = Tokenizer(models.WordLevel({each: at for at, each in enumerate(letters)}, unk_token=letters[2]))
    words.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    text = UMT5Config(vocab_size=len(letters), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
    transformer = diffusers.WanVACETransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=16,
        out_channels=16,
        text_dim=32,
        freq_dim=16,
        ffn_dim=32,
        num_layers=2,
        rope_max_seq_len=32,
        vace_layers=[0],
        vace_in_channels=96,
    )
    vae = diffusers.AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    diffusers.WanVACEPipeline(
        tokenizer=_untyped("transformers").PreTrainedTokenizerFast(tokenizer_object=words, **special),
        text_encoder=UMT5EncoderModel(text),
        transformer=transformer,
        vae=vae,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
    ).save_pretrained(folder)
