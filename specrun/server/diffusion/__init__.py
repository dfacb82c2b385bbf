"""Images from weights of one's own, through diffusers; imported only where `--engine diffusers` asks for it."""
