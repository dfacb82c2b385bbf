"""How many images were billed."""


class Meter:
    """Counts images since the server started."""

    def __init__(self) -> None:
        self.billed = 0

    def bill(self, images: int) -> None:
        """Count images that were made and handed out."""
        self.billed += images
