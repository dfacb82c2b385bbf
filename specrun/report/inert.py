"""Text from prompts, files and servers, made harmless for whatever shows it."""

import re

# C0 and C1 controls, bidi marks, invisible format characters, tags, line separators, half surrogates. They are
# listed, not asked of unicodedata, whose tables change from Python to Python; joiners stay, since emoji and
# Persian need them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_BACKTICKS = re.compile("`+")


def line(text: str) -> str:
    """Return `text` as one line for a terminal: what could steer it or hide in it shows as an escape."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def json_text(text: str) -> str:
    """Return a JSON document with the same escapes inside its strings; line breaks between tokens stay."""
    if text.isascii() and "\x7f" not in text:
        # JSON itself has no other control characters within strings.
        return text
    return _UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else _json_escape(match[0]), text)


def code_span(text: str) -> str:
    """Return `text` as Markdown code, where nothing in it is markup or a mention."""
    inner = line(text) or " "
    fence = "`" * (_longest_backticks(inner) + 1)
    # Markdown takes one space off each end; without it a backtick at the edge would join the fence.
    return f"{fence} {inner} {fence}" if inner[0] in "` " or inner[-1] in "` " else f"{fence}{inner}{fence}"


def cell(text: str) -> str:
    """Return `text` as code in a Markdown table; engines disagree on escaped bars, so it holds none."""
    return code_span(line(text).replace("|", r"\x7c"))


def code_block(lines: list[str], language: str = "") -> str:
    """Return lines as a fenced Markdown block that none of them can close."""
    body = [line(text) for text in lines]
    fence = "`" * max([3, *(_longest_backticks(text) + 1 for text in body)])
    return "\n".join([f"{fence}{language}", *body, fence])


def markup(text: str) -> str:
    """Return `text` for HTML, in an element or a quoted attribute."""
    # With it comes a table of all entities, which texts for terminals have no use for.
    from html import escape  # noqa: PLC0415

    return escape(line(text))


def github_message(text: str) -> str:
    """Return `text` as the message of a GitHub workflow command; its line breaks are kept."""
    lines = [line(part) for part in text.split("\n")]
    return "%0A".join(part.replace("%", "%25") for part in lines)


def github_property(text: str) -> str:
    """Return `text` as a property (`file=…`, `title=…`) of a GitHub workflow command."""
    return line(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _longest_backticks(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
