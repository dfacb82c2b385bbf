"""Colours: a ramp from dark to light that all tones of a picture are taken from."""

from collections.abc import Sequence
from itertools import pairwise

from specrun.server.render.dice import Dice
from specrun.server.render.png import Colour

TONES = 160
"""Tones of a picture, 0 the darkest."""

_RAMPS = {
    "coral": ("0e1230", "3a2a63", "96407a", "ee7b6c", "ffe3c2"),
    "red": ("1c0a10", "5a1020", "b0222c", "ec6a4d", "fde6d3"),
    "orange": ("201010", "6b2413", "c8501c", "f39b3d", "fff0cf"),
    "gold": ("1d160c", "5c3d12", "b07d1e", "e9bf4f", "fff6d8"),
    "lime": ("0f1a12", "2f4a1c", "6f8f2a", "bccf5a", "f8f7d6"),
    "green": ("0b1a16", "14443a", "3a7d55", "9cc58a", "f4f4da"),
    "teal": ("07191f", "0d4650", "1f8a8a", "86cfbd", "f3f4df"),
    "blue": ("081226", "12346b", "2b6cb8", "86b9e6", "f0f4f5"),
    "indigo": ("0d0c2a", "2b2372", "5a50c4", "a9a4ee", "f4f0fb"),
    "purple": ("160a26", "44206b", "8747b0", "c99be0", "f9effb"),
    "pink": ("240c1e", "6c1d4f", "c84b86", "f59ab5", "fff0ee"),
    "brown": ("17100c", "45291a", "8a5a36", "cda377", "f7ecdb"),
    "slate": ("10151b", "2f3c48", "64788a", "adbcc6", "f2f4f3"),
    "dusk": ("101a33", "31406f", "8a6a92", "e8a48c", "fbeccd"),
    "lagoon": ("0a1c33", "10526e", "2fa39a", "f0c989", "fff3dd"),
    "plum": ("150d22", "4a1d4d", "a23a5f", "eb8f62", "fdeccb"),
    "moss": ("12170f", "38432a", "7a7f48", "c9b777", "f7efd8"),
    "ice": ("0e1a2b", "264a66", "5f93ac", "b3d7df", "f6fafa"),
    "mono": ("0c0c0e", "343438", "77777c", "b9b9bb", "f7f6f2"),
    "white": ("4a4a50", "8f9096", "c3c3c6", "e6e5e3", "ffffff"),
    "night": ("05070f", "0d1833", "1f3a66", "5d7fae", "e9e3c4"),
}

_WORDS = {
    "coral": ("coral", "salmon", "peach", "sunset", "sunrise"),
    "red": ("red", "crimson", "scarlet", "ruby", "tomato", "cherry"),
    "orange": ("orange", "amber", "pumpkin", "fire", "autumn"),
    "gold": ("gold", "golden", "yellow", "mustard", "honey", "lemon", "sunny"),
    "lime": ("lime", "olive", "chartreuse"),
    "green": ("green", "emerald", "mint", "jade", "forest"),
    "teal": ("teal", "turquoise", "cyan", "aqua"),
    "blue": ("blue", "navy", "azure", "cobalt", "denim"),
    "indigo": ("indigo",),
    "purple": ("purple", "violet", "lavender", "lilac", "magenta"),
    "pink": ("pink", "rose", "blush", "fuchsia"),
    "brown": ("brown", "wooden", "wood", "oak", "walnut", "sepia", "bronze", "leather", "chocolate", "coffee"),
    "slate": ("slate", "grey", "gray", "concrete", "steel", "silver", "stone", "rain", "rainy", "foggy"),
    "ice": ("ice", "icy", "snow", "snowy", "winter", "frozen"),
    "mono": ("monochrome", "charcoal", "ink", "pencil", "black"),
    "white": ("white", "ivory", "cream", "marble"),
    "night": ("night", "midnight", "dark", "starry", "noir"),
}
_ONLY_BY_WORD = ("mono", "white", "slate")
_BY_WORD = {word: name for name, words in _WORDS.items() for word in words}


def choose_ramp(words: Sequence[str], prompt_dice: Dice, seed_dice: Dice) -> str:
    """Return a ramp's name: the first colour that the prompt names, else one of the prompt's three, by seed."""
    for word in words:
        if word in _BY_WORD:
            return _BY_WORD[word]
    names = [name for name in _RAMPS if name not in _ONLY_BY_WORD]
    return seed_dice.pick([prompt_dice.pick(names) for _ in range(3)])


def tones(ramp: str, vividness: int) -> list[Colour]:
    """Return `TONES` colours from dark to light; `vividness` 100 leaves the colours of the ramp as they are."""
    stops = [_vivid(_colour(stop), vividness) for stop in _RAMPS[ramp]]
    colours: list[Colour] = []
    per_span = (TONES - 1) / (len(stops) - 1)
    spans = [(round(i * per_span), round((i + 1) * per_span)) for i in range(len(stops) - 1)]
    for (first, last), (a, b) in zip(spans, pairwise(stops), strict=True):
        colours.extend(blend(a, b, i - first, last - first) for i in range(first, last))
    return [*colours, stops[-1]]


def blend(a: Colour, b: Colour, part: int, whole: int) -> Colour:
    """Return the colour `part` of `whole` on the way from `a` to `b`."""
    red, green, blue = ((x * (whole - part) + y * part) // whole for x, y in zip(a, b, strict=True))
    return red, green, blue


def _colour(text: str) -> Colour:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


def _vivid(colour: Colour, percent: int) -> Colour:
    grey = (colour[0] * 299 + colour[1] * 587 + colour[2] * 114) // 1000
    red, green, blue = (max(0, min(255, grey + (channel - grey) * percent // 100)) for channel in colour)
    return red, green, blue
