"""A deflate encoder for pictures that needs no zlib, so that its bytes are the same everywhere.

Every code is chosen so that literals, and matches together with their extra and distance bits, fill whole bytes:
encoding then is replacing bytes by bytes, which the interpreter does fast. There are two kinds of matches: a pixel
repeated (distance 1), and a stretch repeated from the row above.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec
from PIL import Image, ImageChops

from specrun.server.render.huffman import canonical_codes, complete, number, pack

LITERALS = 232
"""Only values below this can be encoded."""

WIDEST = 32767
"""Pixels in a row, beyond which the row above is out of deflate's reach."""

_REPEAT, _ABOVE = 254, 255  # values that never occur mark the pixels that matches will bring back
_UNUSED = range(LITERALS, _REPEAT)
_END = 256
_LITERAL_BITS, _LONGEST_CODE = 8, 15
_LONGEST = 258
_ABOVE_UNIT = 16  # stretches from the row above are looked for in aligned blocks of so many pixels
_EXACT = range(3, 11)  # lengths that have a symbol without extra bits
_LONG = {
    _LONGEST: 7,
    128: 11,
    64: 12,
    32: 13,
    16: 14,
}  # bits of their symbols' codes: with extras, one less than whole bytes


def deflate_rows(image: Image.Image) -> bytes:
    """Return raw deflate (RFC 1951) of an L image's rows, a zero byte before each."""
    code = _code(image.width + 1)
    stream = with_zero_column(_marked(image)).translate(code.table)
    parts = code.runs.split(stream)
    parts[1::2] = map(code.tokens.__getitem__, parts[1::2])
    return b"".join((code.header, *parts, code.end))


def with_zero_column(image: Image.Image) -> bytes:
    """Return an L image's rows, a zero byte before each: what PNG calls unfiltered."""
    wider = Image.new("L", (image.width + 1, image.height))
    wider.paste(image, (1, 0))
    return wider.tobytes()


def _marked(image: Image.Image) -> Image.Image:
    """Replace each pixel that a match will bring back by the marker of its kind."""
    above = _whole_blocks(_equal(image, 0, 1))
    repeat = _runs_of_three(ImageChops.subtract(_equal(image, 1, 0), above))
    marked = image.copy()
    marked.paste(_REPEAT, mask=repeat)
    marked.paste(_ABOVE, mask=above)
    return marked


def _equal(image: Image.Image, x: int, y: int) -> Image.Image:
    """Return 255 for each pixel that equals the one `x` to the left and `y` above; 0 where there is none."""
    same = ImageChops.difference(image, ImageChops.offset(image, x, y)).point(_WHERE_ZERO)
    same.paste(0, (0, 0, x or image.width, y or image.height))
    return same


def _whole_blocks(flags: Image.Image) -> Image.Image:
    blocks = flags.reduce((_ABOVE_UNIT, 1)).point(_WHERE_FULL)
    blocks = blocks.crop((0, 0, flags.width // _ABOVE_UNIT, flags.height))  # what is left at the right is no block
    whole = Image.new("L", flags.size)
    if blocks.width:
        whole.paste(blocks.resize((blocks.width * _ABOVE_UNIT, blocks.height), Image.Resampling.NEAREST))
    return whole


def _runs_of_three(flags: Image.Image) -> Image.Image:
    """Keep only flags that stand in a row of at least three; the first column, never flagged, ends all runs."""
    starts = flags
    for _ in range(2):
        starts = ImageChops.darker(flags, ImageChops.offset(starts, -1, 0))
    kept = starts
    for _ in range(2):
        kept = ImageChops.lighter(starts, ImageChops.offset(kept, 1, 0))
    return kept


_WHERE_ZERO = [255] + [0] * 255
_WHERE_FULL = [0] * 255 + [255]


class _Code(msgspec.Struct, frozen=True, kw_only=True):
    """All that depends on the stride alone: how far back the row above lies."""

    header: bytes
    table: bytes
    runs: re.Pattern[bytes]
    tokens: "_Tokens"
    end: bytes


class _Tokens(dict[bytes, bytes]):
    """What stands for a run of markers, worked out when first met."""

    def __init__(self, matches: Mapping[int, Mapping[int, bytes]]) -> None:
        super().__init__()
        self._matches = matches

    def __missing__(self, run: bytes) -> bytes:
        matches, left = self._matches[run[0]], len(run)
        token = b""
        while left:
            # What a match leaves over must itself be long enough for one.
            length = next(length for length in matches if left - length >= _EXACT[0] or left == length)
            token += matches[length]
            left -= length
        self[run] = token
        return token


@lru_cache(maxsize=64)
def _code(stride: int) -> _Code:
    symbol, base, extra = _distance(stride)
    # One bit of distance completes a repeat, so what the row above takes must be one bit more than whole bytes too.
    bits = (1 - extra) % 8 or 8
    distances = complete({0: 1, symbol: bits if bits > 1 else 9}, [s for s in range(30) if s not in (0, symbol)])
    lengths = dict.fromkeys((*range(LITERALS), _REPEAT, _ABOVE, _END), _LITERAL_BITS)
    lengths |= {_length(run)[0]: bits for run, bits in _LONG.items()} | {_length(run)[0]: 7 for run in _EXACT}
    lengths = complete(lengths, list(_UNUSED))
    codes, distance_codes = canonical_codes(lengths), canonical_codes(distances)
    table = bytes(pack(codes[byte])[0] if lengths.get(byte) == _LITERAL_BITS else 0 for byte in range(256))
    repeat, above = table[_REPEAT], table[_ABOVE]
    near, far = distance_codes[0], distance_codes[symbol] + number(stride - base, extra)
    return _Code(
        header=_header(lengths, distances),
        table=table,
        runs=_either(re.escape(bytes([repeat])), re.escape(bytes([above]))),
        tokens=_Tokens({repeat: _matches(codes, near), above: _matches(codes, far)}),
        end=pack(codes[_END]),
    )


def _either(one: bytes, other: bytes) -> re.Pattern[bytes]:
    """Return the pattern of a run of one byte or of another, each first byte written out: so `re` skips the rest."""
    return re.compile(b"(%b%b*|%b%b*)" % (one, one, other, other))


def _matches(codes: Mapping[int, str], distance: str) -> dict[int, bytes]:
    """Return whole bytes for each length of match in use, longest first."""
    matches = {}
    for run in (*_LONG, *reversed(_EXACT)):
        symbol, base, extra = _length(run)
        matches[run] = pack(codes[symbol] + number(run - base, extra) + distance)
    return matches


def _length(run: int) -> tuple[int, int, int]:
    """Return symbol, base and count of extra bits for a match of `run` bytes (RFC 1951, 3.2.5)."""
    if run == _LONGEST:
        return 285, _LONGEST, 0
    symbol, base, extra = 257, 3, 0
    while base + (1 << extra) <= run:
        base += 1 << extra
        symbol += 1
        extra = max(0, (symbol - 261) // 4)
    return symbol, base, extra


def _distance(stride: int) -> tuple[int, int, int]:
    """Return symbol, base and count of extra bits for a match `stride` bytes back (RFC 1951, 3.2.5)."""
    symbol, base, extra = 0, 1, 0
    while base + (1 << extra) <= stride:
        base += 1 << extra
        symbol += 1
        extra = max(0, symbol // 2 - 1)
    return symbol, base, extra


def _header(lengths: Mapping[int, int], distances: Mapping[int, int]) -> bytes:
    """Return the head of the one dynamic block, after empty blocks that make it end on a whole byte."""
    counts = [lengths.get(symbol, 0) for symbol in range(286)] + [distances.get(symbol, 0) for symbol in range(30)]
    order = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
    bits = "1" + number(2, 2) + number(286 - 257, 5) + number(30 - 1, 5) + number(len(order) - 4, 4)
    bits += "".join(
        number(4 if symbol <= _LONGEST_CODE else 0, 3) for symbol in order
    )  # each length in 4 bits, as itself
    bits += "".join(f"{count:04b}" for count in counts)
    empty_block = "0" + number(1, 2) + "0" * 7
    while len(bits) % 8:
        bits = empty_block + bits
    return pack(bits)
