"""The two COSE envelopes (RFC 9052) the box speaks.

COSE_Sign1 for alerts and for the technician's certificate, COSE_Mac0 for what comes from the receiver. The
algorithms are fixed, so both envelopes are constant around body and signature or tag. Tags are checked here;
a signature, which takes half a second on the chip, by p256_verify, over `signed_part`.
"""

from box.core import cbor, mac

ALERT_AAD = b"alertbox/alert/1"
ACK_AAD = b"alertbox/ack/1"
TECHNICIAN_AAD = b"alertbox/technician/1"
ACK_INFO = b"ack"  # the HKDF label of the acknowledgements' key

SIGNATURE_SIZE = 64

_TAG_SIGN1 = 18
_TAG_MAC0 = 17
_PROTECTED_ES256 = b"\xa1\x01\x26"  # {1: -7}
_PROTECTED_HMAC_256 = b"\xa1\x01\x05"  # {1: 5}
_TAG_SIZE = 32


class CoseError(ValueError):
    """Not an envelope of ours, or its tag is wrong."""


def signed_part(body: bytes, aad: bytes = ALERT_AAD) -> bytes:
    """Return the bytes that the signature of an alert, or of what `aad` names, covers (Sig_structure)."""
    return cbor.encode(["Signature1", _PROTECTED_ES256, aad, body])


def sign1(body: bytes, signature: bytes) -> bytes:
    """Join a body and its 64-byte signature r || s to a COSE_Sign1 message."""
    if len(signature) != SIGNATURE_SIZE:
        raise CoseError("an ES256 signature has 64 bytes")
    return cbor.encode(cbor.Tag(_TAG_SIGN1, [_PROTECTED_ES256, {}, body, signature]))


def open_sign1(data: bytes) -> tuple[bytes, bytes]:
    """Return (body, signature) of a COSE_Sign1 message. Checks the form only, not the signature."""
    return _open(data, _TAG_SIGN1, _PROTECTED_ES256, SIGNATURE_SIZE)


def open_mac0(data: bytes, key: bytes, aad: bytes) -> bytes:
    """Return the body of a COSE_Mac0 message whose tag is right under `key` and `aad`."""
    body, tag = _open(data, _TAG_MAC0, _PROTECTED_HMAC_256, _TAG_SIZE)
    covered = cbor.encode(["MAC0", _PROTECTED_HMAC_256, aad, body])
    if not mac.equal(mac.hmac_sha256(key, covered), tag):
        raise CoseError("wrong tag")
    return body


def _open(data: bytes, number: int, protected: bytes, seal_size: int) -> tuple[bytes, bytes]:
    """Take an envelope apart; nothing but ours is accepted: same headers, same algorithm, same sizes."""
    try:
        message = cbor.decode(data)
    except cbor.CborError as error:
        raise CoseError(str(error)) from None
    if not isinstance(message, cbor.Tag) or message.number != number:
        raise CoseError("wrong tag number")
    parts = message.value
    if not isinstance(parts, list) or len(parts) != 4 or parts[0] != protected or parts[1] != {}:
        raise CoseError("wrong headers")
    body, seal = parts[2:]
    if not isinstance(body, bytes) or not isinstance(seal, bytes) or len(seal) != seal_size:
        raise CoseError("wrong body, signature or tag")
    return body, seal
