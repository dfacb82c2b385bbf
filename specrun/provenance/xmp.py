"""XMP packets as bytes: the facts go in as one block that can be taken out again without a trace.

Nothing else in a packet is parsed or written anew, so what another program said stays as it said it.
"""

import html
import re
from collections.abc import Callable, Mapping
from xml.parsers import expat

from specrun.provenance.facts import Provenance, ProvenanceError, facts_text, read_facts
from specrun.provenance.labels import PREFIXES, SPECRUN, Label, labels


class CannotEmbedError(Exception):
    """An image that has no place for the facts; the message says why and takes "it" before it."""


_OPEN = "<rdf:Description rdf:about='' xmlns:specrun='"
_CLOSE = "</rdf:Description>\n"
_TOLD = re.compile(rb"<specrun:Provenance>([^<]*)</specrun:Provenance>")
_END = b"</rdf:RDF>"

# The packet is marked read-only, as it has no padding to be edited in place.
_HEAD = (
    "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\n"
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n"
).encode()
_TAIL = b"</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end='r'?>"

# What XML 1.0 cannot hold, not even escaped; its readers turn carriage returns into line feeds.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def add_facts(packet: bytes | None, facts: Provenance) -> bytes:
    """Return the packet with the facts in it, a new one where there is none; raise `CannotEmbedError`.

    A property that the packet already has is left as the image's maker wrote it.
    """
    write = _WRITERS.get(facts.version)
    if write is None:
        raise CannotEmbedError(f"would need version {facts.version} of the embedding, which this specrun does not know")
    if packet is None:
        return _HEAD + write(facts, b"") + _TAIL
    if SPECRUN.encode() in packet:
        raise CannotEmbedError("already carries facts of an earlier delivery")
    before, end, after = packet.rpartition(_END)
    if not end:
        raise CannotEmbedError("has XMP metadata of a form that nothing can be added to")
    return before + write(facts, packet) + end + after


def without_facts(packet: bytes) -> bytes | None:
    """Return the packet as it was before `add_facts`: None where there was none."""
    start = packet.find(_OPEN.encode())
    end = packet.find(_CLOSE.encode(), start)
    if start < 0 or end < 0:
        return packet
    rest = packet[:start] + packet[end + len(_CLOSE) :]
    return None if rest == _HEAD + _TAIL else rest


def facts_in(packet: bytes) -> Provenance | None:
    """Return the facts in a packet, also where another program wrote it anew; raise `ProvenanceError` if damaged."""
    exact = _TOLD.search(packet)
    if exact is not None:
        return read_facts(html.unescape(exact[1].decode(errors="replace")))
    if SPECRUN.encode() not in packet:
        return None
    return read_facts(_property(packet, f"{SPECRUN} Provenance"))


def _write_1(facts: Provenance, packet: bytes) -> bytes:
    told = [label for label in labels(facts) if f":{label.name}".encode() not in packet]
    told.append(Label("specrun", "Provenance", facts_text(facts)))
    others = dict.fromkeys(label.prefix for label in told if label.prefix != "specrun")
    spaces = "".join(f" xmlns:{prefix}='{PREFIXES[prefix]}'" for prefix in others)
    lines = [f"<{label.prefix}:{label.name}>{_text(label.text)}</{label.prefix}:{label.name}>\n" for label in told]
    return f"{_OPEN}{SPECRUN}'{spaces}>\n{''.join(lines)}{_CLOSE}".encode()


# A version that has once been released stays here as it is: files are restored byte for byte.
_WRITERS: Mapping[int, Callable[[Provenance, bytes], bytes]] = {1: _write_1}
LATEST = max(_WRITERS)


def _text(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _NOT_XML.sub("\ufffd", html.escape(lines, quote=False))


def _property(packet: bytes, name: str) -> str:
    """Return the text of a property, be it an element or an attribute; raise `ProvenanceError`."""
    reader = _PropertyReader(name)
    try:
        reader.parser.Parse(packet, True)
    except expat.ExpatError as error:
        raise ProvenanceError(f"is damaged: {error}") from error
    if not reader.text:
        raise ProvenanceError("is damaged: its facts are gone")
    return "".join(reader.text)


class _PropertyReader:
    def __init__(self, name: str) -> None:
        self.text: list[str] = []
        self._name = name
        self._inside = False
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._inside = name == self._name
        if self._name in attributes:
            self.text.append(attributes[self._name])

    def _end(self, _: str) -> None:
        self._inside = False

    def _characters(self, text: str) -> None:
        if self._inside:
            self.text.append(text)

    def _doctype(self, *_: object) -> None:
        raise ProvenanceError("is damaged: XMP has no document type")
