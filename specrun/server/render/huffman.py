"""Canonical Huffman codes and bit strings as deflate (RFC 1951) writes them."""

from collections.abc import Mapping


def canonical_codes(lengths: Mapping[int, int]) -> dict[int, str]:
    """Return each symbol's code as a text of 0 and 1, most significant bit first (RFC 1951, 3.2.2)."""
    codes: dict[int, str] = {}
    code = previous = 0
    for length, symbol in sorted((length, symbol) for symbol, length in lengths.items()):
        code <<= length - previous
        codes[symbol] = f"{code:0{length}b}"
        code, previous = code + 1, length
    return codes


def number(value: int, bits: int) -> str:
    """Return a plain number's bits in the order of the stream: least significant first."""
    return f"{value:0{bits}b}"[::-1] if bits else ""


def pack(bits: str) -> bytes:
    """Return whole bytes from bits in the order of the stream; their count must be a multiple of 8."""
    if len(bits) % 8:
        raise ValueError(f"{len(bits)} bits do not fill whole bytes")
    return int(bits[::-1], 2).to_bytes(len(bits) // 8, "little") if bits else b""


def complete(lengths: Mapping[int, int], spare: list[int]) -> dict[int, int]:
    """Return `lengths` with codes for unused `spare` symbols, so that no bit pattern is left without a meaning."""
    filled = dict(lengths)
    largest = 15
    missing = (1 << largest) - sum(1 << (largest - length) for length in lengths.values())
    for length in range(1, largest + 1):
        if missing >> (largest - length) & 1:
            filled[spare.pop()] = length
    return filled
