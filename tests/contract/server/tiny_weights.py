"""Pipelines of a few thousand random weights, saved as real ones are."""

import json
from pathlib import Path
from typing import Any

import tiny_step1x
import torch
from diffusers import (
    AutoencoderKL,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    FluxKontextPipeline,
    FluxPipeline,
    FluxTransformer2DModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel, T5Tokenizer

LETTERS = [chr(code) for code in range(33, 127)]


def save_flux(folder: Path) -> None:
    FluxPipeline(**_parts()).save_pretrained(folder)


def save_kontext(folder: Path) -> None:
    FluxKontextPipeline(**_parts()).save_pretrained(folder)


def save_step1x(folder: Path, edition: str) -> None:
    """Save as Step1X-Edit's published folders are: classes that its diffusers has count as diffusers' own."""
    torch.manual_seed(0)
    pipeline: type[DiffusionPipeline] = getattr(tiny_step1x, edition)
    pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_autoencoder(),
        text_encoder=_clip(),
        tokenizer=_clip_tokenizer(),
        transformer=tiny_step1x.Step1XEditTransformer2DModel(),
    ).save_pretrained(folder)
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    index["transformer"] = ["diffusers", "Step1XEditTransformer2DModel"]
    (folder / "model_index.json").write_text(json.dumps(index), "utf-8")


def _parts() -> dict[str, Any]:
    torch.manual_seed(0)
    return {
        "scheduler": FlowMatchEulerDiscreteScheduler(),
        "vae": _autoencoder(),
        "text_encoder": _clip(),
        "tokenizer": _clip_tokenizer(),
        "text_encoder_2": _t5(),
        "tokenizer_2": _t5_tokenizer(),
        "transformer": _transformer(),
    }


def _autoencoder() -> AutoencoderKL:
    """Return one that shrinks each side by 8, as FLUX's does."""
    return AutoencoderKL(
        sample_size=32,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4,) * 4,
        latent_channels=1,
        norm_num_groups=1,
        use_quant_conv=False,
        use_post_quant_conv=False,
        shift_factor=0.06,
        scaling_factor=1.5,
    )


def _clip() -> CLIPTextModel:
    sizes = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 2}
    return CLIPTextModel(CLIPTextConfig(vocab_size=256, projection_dim=32, bos_token_id=0, eos_token_id=2, **sizes))


def _clip_tokenizer() -> CLIPTokenizer:
    tokens = ["<|startoftext|>", "<|pad|>", "<|endoftext|>", *LETTERS, *(letter + "</w>" for letter in LETTERS)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def _t5() -> T5EncoderModel:
    return T5EncoderModel(T5Config(vocab_size=256, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4))


def _t5_tokenizer() -> T5Tokenizer:
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -1.0), *((each, -2.0) for each in LETTERS)]
    return T5Tokenizer(vocab=vocabulary, extra_ids=0, model_max_length=64)


def _transformer() -> FluxTransformer2DModel:
    return FluxTransformer2DModel(
        patch_size=1,
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        guidance_embeds=True,
        axes_dims_rope=(4, 4, 8),
    )
