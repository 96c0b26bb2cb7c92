"""Write console.json, the vectors of the locked console, with the host's libraries alone: cryptography and cbor2.

Nothing here imports firmware/. Keys are fixed and signatures deterministic, so every run writes the same bytes.
Run: python tests/vectors/make_console_vectors.py
"""

import hashlib
import json
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from make_vectors import BOX, ES256, ORDER, encode, public_bytes

AAD = b"alertbox/technician/1"
UNLOCK = b"alertbox/unlock/1"
NOW = 1_800_000_000
CHALLENGE = hashlib.sha256(b"alertbox test vectors: a challenge").digest()


def private_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"alertbox test vectors: {name}".encode()).digest(), "big") % ORDER


TOWN, OTHER_TOWN, TECHNICIAN, STRANGER = map(private_of, ("the town", "another town", "a technician", "a stranger"))
PUBLIC = public_bytes(TECHNICIAN)
PLAIN = {1: 1, 2: "Zoé Martin", 3: PUBLIC, 4: NOW + 86_400, 5: 63}
GOOD: dict[str, dict] = {
    "all rights": {},
    "no rights": {5: 0},
    "in its last second": {4: NOW},
    "a long name": {2: "é" * 40},
}
# What a changed claim, signed by the right town, is refused with.
BAD_CLAIMS: dict[str, tuple[dict, str]] = {
    "expired a second ago": ({4: NOW - 1}, "expired"),
    "version 2": ({1: 2}, "certificate"),
    "no name": ({2: ""}, "certificate"),
    "a name of 41 characters": ({2: "x" * 41}, "certificate"),
    "a name in bytes": ({2: b"Zoe"}, "certificate"),
    "a key off the curve": ({3: PUBLIC[:-1] + bytes([PUBLIC[-1] ^ 1])}, "certificate"),
    "a key in short form": ({3: b"\x02" + PUBLIC[1:33]}, "certificate"),
    "rights missing": ({5: None}, "certificate"),
    "rights true": ({5: True}, "certificate"),
    "negative rights": ({5: -1}, "certificate"),
    "a claim too many": ({6: 0}, "certificate"),
    "an end beyond 32 bits": ({4: 1 << 32}, "certificate"),
}


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def numbers(private: int, message: bytes) -> tuple[int, int]:
    key = ec.derive_private_key(private, ec.SECP256R1())
    return decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))


def sign(private: int, message: bytes) -> bytes:
    return raw(*numbers(private, message))


def certificate(changes: dict, town: int = TOWN, aad: bytes = AAD, protected: object = ES256, tag: int = 18) -> bytes:
    body = encode({key: value for key, value in {**PLAIN, **changes}.items() if value is not None})
    signature = sign(town, encode(["Signature1", encode(protected), aad, body]))
    return encode(cbor2.CBORTag(tag, [encode(protected), {}, body, signature]))


def altered(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def certificate_vectors() -> dict:
    good = certificate({})
    refused = {name: (certificate(changes), code) for name, (changes, code) in BAD_CLAIMS.items()}
    refused.update(
        {
            "signed by another town": (certificate({}, town=OTHER_TOWN), "certificate"),
            "signed by the technician": (certificate({}, town=TECHNICIAN), "certificate"),
            "an alert's context": (certificate({}, aad=b"alertbox/alert/1"), "certificate"),
            "algorithm ES384": (certificate({}, protected={1: -35}), "certificate"),
            "tag 17": (certificate({}, tag=17), "certificate"),
            "another name, the old signature": (altered(good, good.index(b"Martin")), "certificate"),
            "a changed signature": (altered(good, len(good) - 1), "certificate"),
            "a signature of zeros": (good[:-64] + bytes(64), "certificate"),
            "cut short": (good[:-1], "certificate"),
            "nothing": (b"", "certificate"),
        }
    )
    return {
        "good": [
            {
                "name": name,
                "message": certificate(changes).hex(),
                "technician": {**PLAIN, **changes}[2],
                "expires": {**PLAIN, **changes}[4],
                "rights": {**PLAIN, **changes}[5],
            }
            for name, changes in GOOD.items()
        ],
        "refused": [{"name": n, "message": data.hex(), "code": code} for n, (data, code) in refused.items()],
    }


def unlock_vectors() -> dict:
    refused = {
        "another challenge": sign(TECHNICIAN, UNLOCK + BOX + bytes(32)),
        "another box": sign(TECHNICIAN, UNLOCK + bytes(8) + CHALLENGE),
        "another purpose": sign(TECHNICIAN, b"alertbox/unlock/2" + BOX + CHALLENGE),
        "the challenge alone": sign(TECHNICIAN, CHALLENGE),
        "a stranger's key": sign(STRANGER, UNLOCK + BOX + CHALLENGE),
        "the town's key": sign(TOWN, UNLOCK + BOX + CHALLENGE),
        "zeros": bytes(64),
    }
    return {
        "signature": sign(TECHNICIAN, UNLOCK + BOX + CHALLENGE).hex(),
        "refused": {name: signature.hex() for name, signature in refused.items()},
    }


def signature_vectors() -> dict:
    """Signatures as such: what a verifier takes and what it refuses."""
    message = b"message"
    r, s = numbers(TECHNICIAN, message)
    good = [
        {"public": public_bytes(private).hex(), "message": text.hex(), "signature": sign(private, text).hex()}
        for private in (TECHNICIAN, STRANGER, 5, ORDER - 7, 1 << 200)
        for text in (b"", message, bytes(200), b"\xff" * 64)
    ]
    # Mathematics knows no sign: s and order - s are both right, and COSE asks for neither in particular.
    good.append({"public": PUBLIC.hex(), "message": message.hex(), "signature": raw(r, ORDER - s).hex()})
    off_curve = b"\x04" + PUBLIC[1:64] + bytes([PUBLIC[64] ^ 1])
    refused = {
        "another message": (PUBLIC, b"massage", raw(r, s)),
        "another key": (public_bytes(STRANGER), message, raw(r, s)),
        "r changed": (PUBLIC, message, raw(r ^ 1, s)),
        "s changed": (PUBLIC, message, raw(r, s ^ 1)),
        "r and s changed over": (PUBLIC, message, raw(s, r)),
        "r 0": (PUBLIC, message, raw(0, s)),
        "s 0": (PUBLIC, message, raw(r, 0)),
        "both 0": (PUBLIC, message, bytes(64)),
        "r the order": (PUBLIC, message, raw(ORDER, s)),
        "s the order": (PUBLIC, message, raw(r, ORDER)),
        "both at their largest": (PUBLIC, message, b"\xff" * 64),
        "s + order": (PUBLIC, message, raw(r, s + ORDER if s + ORDER < 1 << 256 else ORDER + 1)),
        "r 1": (PUBLIC, message, raw(1, s)),
        "63 bytes": (PUBLIC, message, raw(r, s)[:-1]),
        "65 bytes": (PUBLIC, message, raw(r, s) + b"\x00"),
        "a point off the curve": (off_curve, message, raw(r, s)),
        "the point 0, 0": (b"\x04" + bytes(64), message, raw(r, s)),
        "x beyond the field": (b"\x04" + b"\xff" * 32 + PUBLIC[33:], message, raw(r, s)),
        "y beyond the field": (PUBLIC[:33] + b"\xff" * 32, message, raw(r, s)),
        "a compressed key": (b"\x02" + PUBLIC[1:33], message, raw(r, s)),
        "another first byte": (b"\x05" + PUBLIC[1:], message, raw(r, s)),
        "a key of 64 bytes": (PUBLIC[:64], message, raw(r, s)),
    }
    return {
        "good": good,
        "refused": [
            {"name": name, "public": public.hex(), "message": text.hex(), "signature": signature.hex()}
            for name, (public, text, signature) in refused.items()
        ],
    }


def vectors() -> dict:
    return {
        "now": NOW,
        "box": BOX.hex(),
        "town": public_bytes(TOWN).hex(),
        "technician": PUBLIC.hex(),
        "challenge": CHALLENGE.hex(),
        "certificates": certificate_vectors(),
        "unlock": unlock_vectors(),
        "signatures": signature_vectors(),
    }


def text_of(name: str = "console.json") -> str:
    """Return the text of the vector file, as it is checked in."""
    return json.dumps(vectors(), indent=1) + "\n"


def main() -> None:
    (Path(__file__).parent / "console.json").write_text(text_of(), encoding="utf-8")


if __name__ == "__main__":
    main()
