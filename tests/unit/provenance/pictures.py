"""Images of every kind that services send, small."""

import io
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin

from specrun.canonical import digest
from specrun.provenance.facts import Provenance

XMP = (
    b"<?xpacket begin='\xef\xbb\xbf' id='W5M0MpCehiHzreSzNTczkc9d'?>"
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Service 3"/>'
    b"</rdf:RDF></x:xmpmeta>   \n<?xpacket end='w'?>"
)


def picture(mode: str = "RGB") -> Image.Image:
    image = Image.linear_gradient("L").resize((48, 32))
    return Image.merge("RGB", (image, image.rotate(90), image.rotate(180))).convert(mode)


def encoded(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or picture()).save(buffer, kind, **options)
    return buffer.getvalue()


def animation(kind: str) -> bytes:
    frames = [Image.new("RGBA", (31, 17), (60 * i, 0, 0, 255 - i)) for i in range(4)]
    return encoded(
        kind, frames[0], save_all=True, append_images=frames[1:], duration=[10, 20, 30, 40], loop=3, lossless=True
    )


def _png_text() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "Service 3")
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    info.add_text("Comment", "after")
    return info


def exif() -> Image.Exif:
    found = Image.Exif()
    found[0x0131] = "Service 3"
    return found


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

SAMPLES: dict[str, Callable[[], bytes]] = {
    "png": lambda: encoded("PNG"),
    "png-grey-16": lambda: encoded("PNG", Image.new("I;16", (5, 3), 40000)),
    "png-palette-transparent": lambda: encoded("PNG", picture("P"), transparency=3),
    "png-icc-exif": lambda: encoded("PNG", icc_profile=PROFILE, exif=exif(), dpi=(300, 300)),
    "png-xmp": lambda: encoded("PNG", pnginfo=_png_text()),
    "png-animated": lambda: animation("PNG"),
    "jpeg": lambda: encoded("JPEG"),
    "jpeg-progressive-grey": lambda: encoded("JPEG", picture("L"), progressive=True),
    "jpeg-icc-exif": lambda: encoded("JPEG", icc_profile=PROFILE, exif=exif()),
    "jpeg-xmp": lambda: encoded("JPEG", xmp=XMP, comment="after"),
    "webp-lossy": lambda: encoded("WEBP"),
    "webp-lossless-alpha": lambda: encoded("WEBP", picture("RGBA"), lossless=True),
    "webp-icc-exif": lambda: encoded("WEBP", icc_profile=PROFILE, exif=exif()),
    "webp-xmp": lambda: encoded("WEBP", xmp=XMP),
    "webp-animated": lambda: animation("WEBP"),
}


def facts(data: bytes, **changes: Any) -> Provenance:
    said: dict[str, Any] = {
        "version": 1,
        "blob": digest(data),
        "spec": "shots",
        "specrun": "0.1.0",
        "provider": "modelverse",
        "model": "black-forest-labs/FLUX.1-dev",
        "key": "sha256:" + "a" * 64,
        "request_digest": "sha256:" + "a" * 64,
        "revision": 1,
        "take": 1,
        "seed": 7,
        "params": {"prompt": "ein Käse", "seed": 7, "steps": 28},
    }
    return Provenance(**said | changes)
