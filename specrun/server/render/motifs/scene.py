"""What every motif is given to draw with."""

import msgspec

from specrun.server.render.dice import Dice


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A plate to fill: its size in pixels, the choices to make, and how much detail (0 to 4) there is time for."""

    width: int
    height: int
    dice: Dice
    detail: int

    @property
    def unit(self) -> int:
        """The shorter side in 256ths, at least 1: what sizes are measured in."""
        return max(1, min(self.width, self.height) // 256)

    @property
    def side(self) -> int:
        """The shorter side."""
        return min(self.width, self.height)
