"""What Step1X-Edit's pipeline is to diffusers, in little: the classes that a released diffusers lacks.

The server runs this file because a weights file names it. Calls, parts and arguments are those of the real pipelines;
the transformer is a handful of random weights.
"""

from typing import Any

import torch
from diffusers import DiffusionPipeline, ModelMixin
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.image_processor import VaeImageProcessor
from PIL import Image


class Step1XEditTransformer2DModel(ModelMixin, ConfigMixin):  # type: ignore[misc] # unknown to mypy
    """Mixes noise, the image that is edited and the words."""

    @register_to_config  # type: ignore[untyped-decorator] # unknown to mypy
    def __init__(self, channels: int = 1, words: int = 32) -> None:
        super().__init__()
        self.mix = torch.nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.say = torch.nn.Linear(words, channels)

    def forward(self, noisy: torch.Tensor, edited: torch.Tensor, words: torch.Tensor, time: torch.Tensor) -> Any:
        return self.mix(torch.cat([noisy, edited], 1)) + self.say(words)[..., None, None] + time / 1000


class Step1XEditPipeline(DiffusionPipeline):  # type: ignore[misc] # unknown to mypy
    """Edits an image: two directions at each step, one for the prompt and one for what must not be."""

    model_cpu_offload_seq = "text_encoder->transformer->vae"

    def __init__(self, scheduler: Any, vae: Any, text_encoder: Any, tokenizer: Any, transformer: Any) -> None:
        super().__init__()
        self.register_modules(
            scheduler=scheduler, vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, transformer=transformer
        )
        self.image_processor = VaeImageProcessor(vae_scale_factor=16)

    def __call__(
        self,
        image: Image.Image,
        prompt: str,
        negative_prompt: str = "",
        num_inference_steps: int = 28,
        guidance_scale: float = 6.0,
        size_level: int = 512,
        generator: torch.Generator | None = None,
    ) -> Any:
        with torch.no_grad():
            decoded = self._decoded(
                image, prompt, negative_prompt, num_inference_steps, guidance_scale, size_level, generator
            )

        class Output:
            images = self.image_processor.postprocess(decoded)

        return Output()

    def _decoded(
        self,
        image: Image.Image,
        prompt: str,
        negative_prompt: str,
        steps: int,
        guidance_scale: float,
        size_level: int,
        generator: torch.Generator | None,
    ) -> Any:
        ratio = image.width / image.height
        height, width = (round(size_level * factor / 16) * 16 for factor in (ratio**-0.5, ratio**0.5))
        pixels = self.image_processor.preprocess(image, height=height, width=width)
        edited = self.vae.encode(pixels).latent_dist.mode()
        latents = torch.randn(edited.shape, generator=generator)
        self.scheduler.set_timesteps(steps)
        wanted, unwanted = self._words(prompt), self._words(negative_prompt)
        for time in self.scheduler.timesteps:
            towards, away = (self.transformer(latents, edited, words, time) for words in (wanted, unwanted))
            latents = self.scheduler.step(away + guidance_scale * (towards - away), time, latents).prev_sample
        return self.vae.decode(latents).sample

    def _words(self, text: str) -> torch.Tensor:
        tokens = self.tokenizer(text, padding="max_length", truncation=True, return_tensors="pt")
        pooled: torch.Tensor = self.text_encoder(tokens.input_ids).pooler_output
        return pooled


class Step1XEditPipelineV1P2(Step1XEditPipeline):
    """The later edition, which calls guidance otherwise and thinks unless it is told not to."""

    def __call__(  # type: ignore[override] # as the real one
        self,
        image: Image.Image,
        prompt: str,
        negative_prompt: str = "",
        true_cfg_scale: float = 6.0,
        size_level: int = 1024,
        num_inference_steps: int = 28,
        guidance_scale: float = 6.0,
        generator: torch.Generator | None = None,
        callback_on_step_end: Any = None,
        *,
        enable_thinking_mode: bool = True,
    ) -> Any:
        if enable_thinking_mode:
            raise RuntimeError("a server has no time to think")
        made = super().__call__(
            image, prompt, negative_prompt, num_inference_steps, true_cfg_scale, size_level, generator
        )
        callback_on_step_end(self, 0, 0, {})
        return made
