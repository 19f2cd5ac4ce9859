"""Tiny models with random weights, made from configurations and saved as their makers save theirs.

What they answer means nothing. That real loading code loads, calls and reads them is what tests show with them.
"""

from __future__ import annotations

import string
from pathlib import Path

from generators.video.diffusion.tiny import TEXT, text_config, tokenizer, untyped

__all__ = ["write_clip_model", "write_detector", "write_video_pipeline"]


def _seeded() -> None:
    import torch

    torch.manual_seed(0)


def write_detector(folder: Path) -> None:
    """An OWL-ViT for 64×64 pixels."""
    from transformers import OwlViTConfig, OwlViTForObjectDetection, OwlViTImageProcessorPil

    _seeded()
    words = tokenizer()
    words.model_max_length = 16
    config = OwlViTConfig(
        text_config={**text_config(len(words)), "max_position_embeddings": 16},
        vision_config={**TEXT, "image_size": 64, "patch_size": 16},
        projection_dim=32,
    )
    OwlViTForObjectDetection(config).save_pretrained(folder)
    images = OwlViTImageProcessorPil(size={"height": 64, "width": 64}, crop_size={"height": 64, "width": 64})
    untyped("transformers").OwlViTProcessor(images, words).save_pretrained(folder)


def write_clip_model(folder: Path) -> None:
    """A CLIP of sentence-transformers for 32×32 pixels."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import CLIPModel as Module
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    _seeded()
    words = tokenizer()
    config = CLIPConfig(
        text_config=text_config(len(words)),
        vision_config={**TEXT, "image_size": 32, "patch_size": 8},
        projection_dim=32,
    )
    inner = folder / "clip"
    CLIPModel(config).save_pretrained(inner)
    size = {"height": 32, "width": 32}
    images = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size)
    untyped("transformers").CLIPProcessor(images, words).save_pretrained(inner)
    SentenceTransformer(modules=[Module(str(inner))], device="cpu").save(str(folder / "model"))


def write_video_pipeline(folder: Path) -> None:
    """A Wan VACE: a clip, a mask and words in, a clip out, four frames as one."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import UMT5Config, UMT5EncoderModel

    _seeded()
    diffusers = untyped("diffusers")
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
        tokenizer=untyped("transformers").PreTrainedTokenizerFast(tokenizer_object=words, **special),
        text_encoder=UMT5EncoderModel(text),
        transformer=transformer,
        vae=vae,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
    ).save_pretrained(folder)
