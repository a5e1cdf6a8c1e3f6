"""TUF metadata as exact bytes: serialised once, signed, and countersigned without touching the signed part.

One spelling only: `{"signatures":[...],"signed":{...}}`, keys sorted, no spaces, ASCII. A second spelling of
a body, or a duplicate key in it, is refused, so that two readers cannot see two contents in one file.
"""

import json
from typing import Any, TypeVar

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from sampan.offline_packages.trust_errors import BodyMalformed, NotSigned
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey, PublicKey
from sampan.platform.crypto.tuf_keys import key_id, to_tuf_key, tuf_signer

Body = TypeVar("Body", Root, Targets, Snapshot, Timestamp)


def sign_body(body: Root | Targets | Snapshot | Timestamp, *keys: PrivateKey) -> bytes:
    """Return the metadata file of a new body with one signature per key, in this order."""
    data = Metadata[Any](body).to_bytes()
    for key in keys:
        data = countersign(data, key)
    return data


def countersign(data: bytes, key: PrivateKey) -> bytes:
    """Return `data` with this key's signature added; the signed part keeps its bytes."""
    return attach(data, sign_part(data, key))


def sign_part(data: bytes, key: PrivateKey) -> Signature:
    """Return this key's signature over the signed part, to be carried to wherever the file waits."""
    return tuf_signer(key).sign(read_metadata(data).signed_bytes)


def attach(data: bytes, signature: Signature) -> bytes:
    """Return `data` with the signature appended, or in place of an earlier one of the same key.

    The signature is not verified here: only whoever knows the delegation can.
    """
    envelope = _envelope(data)
    kept = [each for each in envelope["signatures"] if each["keyid"] != signature.keyid]
    return _spelled({"signatures": [*kept, signature.to_dict()], "signed": envelope["signed"]})


def read_metadata(data: bytes) -> Metadata[Any]:
    """Parse a metadata file; raise `BodyMalformed` for anything but its one spelling."""
    _envelope(data)
    try:
        return Metadata.from_bytes(data)
    except DeserializationError as problem:
        raise BodyMalformed("The bytes are JSON, but no TUF metadata.") from problem


def read_body(data: bytes, kind: type[Body]) -> Body:
    """Return the signed part as a body of this type, unverified; raise `BodyMalformed`."""
    body = read_metadata(data).signed
    if not isinstance(body, kind):
        raise BodyMalformed(f"The metadata is of type {body.type}, not {kind.type}.")
    return body


def signed_part(data: bytes) -> bytes:
    """Return the canonical bytes that the signatures are over."""
    return read_metadata(data).signed_bytes


def body_digest(data: bytes) -> str:
    """Return the digest of the signed part: what an approval binds, whoever has signed so far."""
    return digest(signed_part(data))


def signers(data: bytes) -> list[str]:
    """Return the key ids of all signatures in the file, verified or not."""
    return list(read_metadata(data).signatures)


def check_signed_by(data: bytes, key: PublicKey) -> None:
    """Raise `NotSigned` unless the file carries a good signature of this key."""
    metadata = read_metadata(data)
    signature = metadata.signatures.get(key_id(key))
    if signature is None:
        raise NotSigned("The body carries no signature of the expected key.", key=key_id(key))
    try:
        to_tuf_key(key).verify_signature(signature, metadata.signed_bytes)
    except UnverifiedSignatureError as problem:
        raise NotSigned("The signature of the expected key does not verify.", key=key_id(key)) from problem


def check_delegated(delegator: Root | Targets, role: str, data: bytes) -> Signed:
    """Verify a role file against whoever delegates it, threshold and all; raise `NotSigned`."""
    metadata = read_metadata(data)
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except Exception as problem:  # a check that ends in any other way than well is a refusal
        raise NotSigned(f"{role} does not carry the signatures that its delegation demands.") from problem
    signed = metadata.signed
    if not isinstance(signed, Signed):
        raise BodyMalformed(f"{role} holds no signed body.")
    return signed


def _envelope(data: bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(data)
        known = set(envelope) == {"signatures", "signed"} and _spelled(envelope) == data
    except (ValueError, TypeError, RecursionError) as problem:
        raise BodyMalformed("The bytes are no metadata in JSON.") from problem
    if not known or not all(isinstance(each, dict) and "keyid" in each for each in envelope["signatures"]):
        raise BodyMalformed("The metadata is not in its one spelling: sorted keys, no spaces, nothing else.")
    return dict(envelope)


def _spelled(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope, separators=(",", ":"), sort_keys=True).encode()
