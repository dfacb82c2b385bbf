"""What rules and standards want a generated image's metadata to say; the README beside this names each source."""

from collections.abc import Iterator

import msgspec

from specrun.provenance.facts import Provenance

SPECRUN = "urn:specrun:provenance/"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"
XMP = "http://ns.adobe.com/xap/1.0/"

PREFIXES = {"Iptc4xmpExt": IPTC, "TC260": TC260, "xmp": XMP}

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


class Label(msgspec.Struct, frozen=True):
    """One XMP property with a text for its value."""

    prefix: str
    name: str
    text: str


def labels(facts: Provenance) -> Iterator[Label]:
    """Return the standard properties for an image with these facts."""
    yield Label("Iptc4xmpExt", "DigitalSourceType", TRAINED)
    if facts.model is not None:
        yield Label("Iptc4xmpExt", "AISystemUsed", facts.model)
    if facts.prompt is not None:
        yield Label("Iptc4xmpExt", "AIPromptInformation", facts.prompt)
    yield Label("TC260", "AIGC", _aigc(facts))
    yield Label("xmp", "CreatorTool", "specrun" if facts.specrun is None else f"specrun {facts.specrun}")


def _aigc(facts: Provenance) -> str:
    """Return the seven fields of GB 45438-2025, annex E; "1" says that the content is generated, not only likely so."""
    fields = {
        "Label": "1",
        "ContentProducer": facts.provider or "",
        "ProduceID": facts.blob,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }
    return msgspec.json.encode(fields).decode()
