"""Write the test vectors of the formats with the host's libraries alone: cryptography and cbor2.

Nothing here imports firmware/, so that a mistake in the box's code cannot enter the vectors. Keys are fixed and
signatures deterministic (RFC 6979), so every run writes the same bytes. Run: python tests/vectors/make_vectors.py
"""

import hashlib
import json
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
UINT8, UINT16, UINT32 = 0xFF, 0xFFFF, 0xFFFFFFFF

PRIVATE = int.from_bytes(hashlib.sha256(b"alertbox test vectors: the box's key").digest(), "big")
SECRET = hashlib.sha256(b"alertbox test vectors: the per-box secret").digest()

ES256 = {1: -7}
HMAC_256 = {1: 5}
ALERT_AAD = b"alertbox/alert/1"
ACK_AAD = b"alertbox/ack/1"

KEYS = {"boot": 3, "sequence": 4, "kind": 5, "source": 6, "pressed": 7, "uptime": 8, "back": 9, "flags": 10}
PLAIN = {
    "boot": 7,
    "sequence": 1234,
    "kind": 1,
    "source": 1,
    "pressed": 1_790_000_000,
    "uptime": 86_400,
    "back": 0,
    "flags": 0,
}
ALERTS: dict[str, dict] = {
    "one press informs": {},
    "two presses call for help": {"kind": 2, "sequence": 1235, "back": 1},
    "a held press raises the alarm": {"kind": 3, "sequence": 1236, "back": 2, "flags": 1},
    "the clock is unset": {"pressed": None, "flags": 128},
    "the first message of a key": {"boot": 0, "sequence": 1, "kind": 6, "source": 0, "pressed": None, "uptime": 0},
    "a fault": {"kind": 21, "source": 0},
    "every field at its largest": {
        "boot": UINT32,
        "sequence": UINT32,
        "kind": 21,
        "source": UINT8,
        "pressed": UINT32,
        "uptime": UINT32,
        "back": UINT16,
        "flags": UINT8,
    },
}
# Bodies that a newer box could send: an older reader takes what it knows.
NEWER: dict[str, dict] = {"an unknown kind": {5: 200}, "an unknown key": {11: "new", 300: [1, {2: None}]}}
# Bodies that no reader takes for an alert: a key's new value, or None to leave the key out.
BROKEN_BODIES: dict[str, dict] = {
    "format version 2": {1: 2},
    "no sequence": {4: None},
    "sequence 0": {4: 0},
    "sequence of 33 bits": {4: UINT32 + 1},
    "a short box id": {2: b"1234567"},
    "kind as text": {5: "help"},
    "kind true": {5: True},
    "a negative time": {7: -1},
    "flags of 9 bits": {10: 256},
}

ACK = {1: 1, 4: 1234, 7: 1_790_000_003, 11: 1}
ACKS: dict[str, dict] = {"received": {}, "in charge": {11: 2}, "largest": {4: UINT32, 7: UINT32, 11: 2}}
BROKEN_ACKS: dict[str, dict] = {
    "state 0": {11: 0},
    "state 3": {11: 3},
    "format version 2": {1: 2},
    "no time": {7: None},
    "time null": {7: cbor2.undefined},
    "sequence 0": {4: 0},
    "a key too many": {12: 0},
}

SCALARS = {
    "1": 1,
    "2": 2,
    "3": 3,
    "a power of two": 1 << 255,
    "all teeth": sum(1 << 52 * tooth for tooth in range(5)),
    "half the order": ORDER // 2,
    "order - 2": ORDER - 2,
    "order - 1": ORDER - 1,
    **{
        f"hash {index}": int.from_bytes(hashlib.sha256(b"scalar %d" % index).digest(), "big") % ORDER
        for index in range(32)
    },
}


def encode(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


def public_bytes(private: int) -> bytes:
    key = ec.derive_private_key(private, ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


PUBLIC = public_bytes(PRIVATE)
BOX = hashlib.sha256(PUBLIC).digest()[:8]


def signature_of(message: bytes) -> bytes:
    key = ec.derive_private_key(PRIVATE, ec.SECP256R1())
    der = key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sign1(body: bytes, tag: int = 18, protected: object = ES256, unprotected: object = None, cut: int = 64) -> bytes:
    signed = encode(["Signature1", encode(protected), ALERT_AAD, body])
    return encode(cbor2.CBORTag(tag, [encode(protected), unprotected or {}, body, signature_of(signed)[:cut]]))


def mac_of(key: bytes, message: bytes) -> bytes:
    context = hmac.HMAC(key, hashes.SHA256())
    context.update(message)
    return context.finalize()


def derive(secret: bytes, info: bytes, length: int = 32) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(secret)


ACK_KEY = derive(SECRET, b"ack")


def mac0(
    body: bytes,
    key: bytes = ACK_KEY,
    aad: bytes = ACK_AAD,
    tag: int = 17,
    protected: object = HMAC_256,
    unprotected: object = None,
    cut: int = 32,
) -> bytes:
    seal = mac_of(key, encode(["MAC0", encode(protected), aad, body]))[:cut]
    return encode(cbor2.CBORTag(tag, [encode(protected), unprotected or {}, body, seal]))


def changed(body: dict, changes: dict) -> bytes:
    """Encode the body with keys replaced; None leaves a key out, `undefined` makes it null."""
    merged = {**body, **changes}
    return encode({k: None if v is cbor2.undefined else v for k, v in merged.items() if v is not None})


def alert_body(changes: dict) -> dict:
    fields = {**PLAIN, **changes}
    return {1: 1, 2: BOX, **{KEYS[name]: value for name, value in fields.items()}}


def alert_vectors() -> dict:
    plain = encode(alert_body({}))
    message = sign1(plain)
    refused = {
        "no tag": message[1:],
        "tag 17": sign1(plain, tag=17),
        "algorithm ES384": sign1(plain, protected={1: -35}),
        "no algorithm": sign1(plain, protected={}),
        "an unprotected header": sign1(plain, unprotected={4: b"key"}),
        "a signature of 63 bytes": sign1(plain, cut=63),
        "three parts": encode(cbor2.CBORTag(18, [encode(ES256), {}, plain])),
        "a body that is no byte string": encode(cbor2.CBORTag(18, [encode(ES256), {}, {1: 1}, bytes(64)])),
        "a byte after the end": message + b"\x00",
        "nothing": b"",
        "a list of indefinite length": b"\xd2\x9f" + message[2:] + b"\xff",
        "the tag's number in two bytes": b"\xd8\x12" + message[1:],
    }
    return {
        "private": PRIVATE.to_bytes(32, "big").hex(),
        "public": PUBLIC.hex(),
        "box": BOX.hex(),
        "alerts": [
            {
                "name": name,
                "fields": {**PLAIN, **changes},
                "body": encode(alert_body(changes)).hex(),
                "signed_part": encode(["Signature1", encode(ES256), ALERT_AAD, encode(alert_body(changes))]).hex(),
                "message": sign1(encode(alert_body(changes))).hex(),
            }
            for name, changes in ALERTS.items()
        ],
        "newer_bodies": {name: changed(alert_body({}), changes).hex() for name, changes in NEWER.items()},
        "broken_bodies": {name: changed(alert_body({}), changes).hex() for name, changes in BROKEN_BODIES.items()},
        "refused": {name: data.hex() for name, data in refused.items()},
    }


def ack_vectors() -> dict:
    base = {**ACK, 2: BOX}
    plain = encode(base)
    message = mac0(plain)
    refused = {
        "another box's secret": mac0(plain, key=derive(b"another secret", b"ack")),
        "the key of commands": mac0(plain, key=derive(SECRET, b"command")),
        "the context of alerts": mac0(plain, aad=ALERT_AAD),
        "tag 18": mac0(plain, tag=18),
        "algorithm HMAC 256/64": mac0(plain, protected={1: 4}),
        "an unprotected header": mac0(plain, unprotected={4: b"key"}),
        "a tag of 31 bytes": mac0(plain, cut=31),
        "no tag": mac0(plain, cut=0),
        "a byte after the end": message + b"\x00",
        "no COSE tag": message[1:],
    }
    return {
        "secret": SECRET.hex(),
        "key": ACK_KEY.hex(),
        "box": BOX.hex(),
        "acks": [
            {
                "name": name,
                "sequence": {**ACK, **changes}[4],
                "time": {**ACK, **changes}[7],
                "state": {**ACK, **changes}[11],
                "body": changed(base, changes).hex(),
                "message": mac0(changed(base, changes)).hex(),
            }
            for name, changes in ACKS.items()
        ],
        "broken_bodies": {name: changed(base, changes).hex() for name, changes in BROKEN_ACKS.items()},
        "refused": {name: data.hex() for name, data in refused.items()},
        "derived": [
            {"info": info, "length": length, "key": derive(SECRET, info.encode(), length).hex()}
            for info, length in (("ack", 32), ("command", 32), ("warning", 32), ("", 1), ("long", 100))
        ],
        "macs": [
            {"key": key.hex(), "message": text.hex(), "mac": mac_of(key, text).hex()}
            for key in (b"k", bytes(range(63)), bytes(range(64)), bytes(range(65)), bytes(200))
            for text in (b"", b"alert", bytes(100))
        ],
    }


def p256_vectors() -> dict:
    """A scalar as private key has a public key; the same scalar as nonce has an inverse and an r."""
    return {
        "points": [
            {
                "name": name,
                "scalar": scalar.to_bytes(32, "big").hex(),
                "public": public_bytes(scalar).hex(),
                "inverse": pow(scalar, -1, ORDER).to_bytes(32, "big").hex(),
                "r": (int.from_bytes(public_bytes(scalar)[1:33], "big") % ORDER).to_bytes(32, "big").hex(),
            }
            for name, scalar in SCALARS.items()
        ]
    }


FILES = {"alerts.json": alert_vectors, "acks.json": ack_vectors, "p256.json": p256_vectors}


def text_of(name: str) -> str:
    """Return the text of one vector file, as it is checked in."""
    return json.dumps(FILES[name](), indent=1) + "\n"


def main() -> None:
    for name in FILES:
        (Path(__file__).parent / name).write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
