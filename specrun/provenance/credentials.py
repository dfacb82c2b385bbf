"""Content Credentials (C2PA): an image signed with the user's own certificate; needs the extra `specrun[c2pa]`.

A signature holds random and timely parts, so signed images are copies for publication: what the lock knows is the
image before it was signed.
"""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import c2pa

from specrun import __version__
from specrun.media_type import media_type
from specrun.provenance.facts import Provenance, facts_text
from specrun.provenance.labels import TRAINED

# The label of our own assertion; it holds the facts as they stand in a sidecar.
ASSERTION = "specrun.provenance"
ALGORITHMS = tuple(algorithm.name.lower() for algorithm in c2pa.C2paSigningAlg)
# No thumbnail of the image inside the image.
_SETTINGS = {"builder": {"thumbnail": {"enabled": False}}}


class CredentialsError(Exception):
    """An image that cannot be signed; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """Who signs: a chain of PEM certificates, the signer's first, and its private key.

    `timestamps` is the URL of a time-stamping authority, None to ask none; asking one is the only network call.
    """

    certificates: bytes
    private_key: bytes = field(repr=False)
    algorithm: str = "es256"
    timestamps: str | None = None


def sign(data: bytes, facts: Provenance, signature: Signature) -> bytes:
    """Return the image with credentials that say it is generated, by what, and the facts; raises `CredentialsError`.

    Credentials that it has already become its parent's: nothing its maker said is lost.
    """
    kind = media_type(data)
    if kind is None:
        raise CredentialsError("it is no image of a known kind")
    signed = io.BytesIO()
    try:
        with (
            c2pa.Context.from_dict(_SETTINGS) as context,
            c2pa.Builder(_manifest(facts), context) as builder,
            c2pa.Signer.from_info(_info(signature)) as signer,
        ):
            if _has_credentials(kind, data):
                builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            else:
                builder.add_action(_created(facts))
            builder.sign(signer, kind, io.BytesIO(data), signed)
    except c2pa.C2paError as error:
        raise CredentialsError(str(error)) from error
    return signed.getvalue()


def _has_credentials(kind: str, data: bytes) -> bool:
    found = c2pa.Reader.try_create(kind, io.BytesIO(data))
    if found is None:
        return False
    found.close()
    return True


def _manifest(facts: Provenance) -> dict[str, Any]:
    return {
        "claim_generator_info": [{"name": "specrun", "version": facts.specrun or __version__}],
        "title": facts.blob,
        "assertions": [{"label": ASSERTION, "data": json.loads(facts_text(facts)), "kind": "Json"}],
    }


def _created(facts: Provenance) -> dict[str, Any]:
    agent = {"softwareAgent": {"name": facts.model}} if facts.model is not None else {}
    return {"action": "c2pa.created", "digitalSourceType": TRAINED, **agent}


def _info(signature: Signature) -> c2pa.C2paSignerInfo:
    return c2pa.C2paSignerInfo(
        c2pa.C2paSigningAlg[signature.algorithm.upper()],
        signature.certificates,
        signature.private_key,
        None if signature.timestamps is None else signature.timestamps.encode(),
    )
