"""A technician: a key on the laptop, and the town's certificate for it, which opens a locked box.

A certificate is a COSE_Sign1 (RFC 9052, ES256) under the town's technicians' key; its payload names the technician,
the public key, the last moment and the rights. A box knows the town's public key since its enrolment and asks nobody
else, so **nothing can revoke a certificate on a box before it expires**: they are short-lived.
"""

import base64
import binascii
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from alertbox.contract import formats
from alertbox.errors import UserError

RIGHTS = {"read": 1, "settings": 2, "test": 4, "restart": 8, "enrol": 16, "develop": 32}
PASSPHRASE_VARIABLE = "ALERTBOX_TECHNICIAN_PASSPHRASE"

_LINE_PREFIX = "atc1."  # of a certificate as a line of text
_TAG = 18  # COSE_Sign1
_ES256 = bytes.fromhex("a10126")
_AAD = b"alertbox/technician/1"
_FORMAT = 1
_VERSION, _NAME, _PUBLIC, _EXPIRES, _RIGHTS = range(1, 6)
_FIELDS = {_VERSION: int, _NAME: str, _PUBLIC: bytes, _EXPIRES: int, _RIGHTS: int}


@dataclass(frozen=True)
class Certificate:
    """What a certificate says. `public`: 65 bytes; `rights`: names of RIGHTS."""

    name: str
    public: bytes
    expires: datetime
    rights: frozenset[str]

    def issue(self, town_key: ec.EllipticCurvePrivateKey) -> bytes:
        """Signed by the town; UserError if the name, the key or a right cannot stand in a certificate."""
        if not (1 <= len(self.name) <= 40 and self.name.isprintable() and self.name.strip() == self.name):
            raise UserError("enrolment-technician-bad-name")
        try:
            formats.load_public_key(self.public)
        except ValueError as error:
            raise UserError("enrolment-technician-bad-public") from error
        body = {_VERSION: _FORMAT, _NAME: self.name, _PUBLIC: self.public}
        payload = cbor2.dumps(body | {_EXPIRES: int(self.expires.timestamp()), _RIGHTS: rights_to_bits(self.rights)})
        return cbor2.dumps(cbor2.CBORTag(_TAG, [_ES256, {}, payload, sign(town_key, _signed(payload))]))

    @classmethod
    def read(cls, data: bytes, town_public: bytes | None = None) -> "Certificate":
        """ValueError if it is no certificate, or not the one town's whose public key is given.

        A laptop does not know the town's key and reads without: the box decides in any case.
        """
        try:
            message = cbor2.loads(data)
            protected, unprotected, payload, signature = message.value
            body = cbor2.loads(payload)
            wrong = message.tag != _TAG or protected != _ES256 or unprotected != {} or len(signature) != 64
        except (cbor2.CBORError, AttributeError, TypeError, ValueError, RecursionError) as error:
            raise ValueError("not a technician's certificate") from error
        if wrong or not _is_body(body):
            raise ValueError("not a technician's certificate of this version")
        if town_public is not None:
            _verify(town_public, signature, _signed(payload))
        expires = datetime.fromtimestamp(body[_EXPIRES], UTC)
        rights = frozenset(name for name, bit in RIGHTS.items() if body[_RIGHTS] & bit)
        return cls(body[_NAME], body[_PUBLIC], expires, rights)


class Technician:
    """The folder of one technician on the laptop. Get one from `Technician.create` or `Technician.open`."""

    def __init__(self, path: Path, key: ec.EllipticCurvePrivateKey) -> None:
        self.path = path
        self._key = key
        self.public = public_bytes(key)
        self._certificate_file = path / "technician.cert"

    @classmethod
    def create(cls, path: Path | str, passphrase: str = "") -> "Technician":
        """Make a key, which never leaves the folder. An empty passphrase leaves it unencrypted, for its owner only."""
        path = Path(path)
        key = ec.generate_private_key(ec.SECP256R1())
        encryption = (
            serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
        )
        pem = key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(path / "technician.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise UserError("enrolment-technician-exists", path=path) from error
        except OSError as error:
            raise UserError("cannot-write", path=path, detail=error.strerror) from error
        with os.fdopen(file, "wb") as stream:
            stream.write(pem)
        return cls(path, key)

    @classmethod
    def open(cls, path: Path | str, ask: Callable[[], str] | None = None) -> "Technician":
        """`ask` gets the passphrase from a person, if the key has one and the environment does not say it."""
        path = Path(path)
        try:
            pem = (path / "technician.key").read_bytes()
        except FileNotFoundError as error:
            raise UserError("enrolment-technician-none", path=path) from error
        except OSError as error:
            raise UserError("enrolment-technician-damaged", path=path, detail=error.strerror) from error
        passphrase: str | None = None
        if b"ENCRYPTED" in pem:
            passphrase = os.environ.get(PASSPHRASE_VARIABLE) or (ask() if ask else None)
            if not passphrase:
                raise UserError("enrolment-technician-passphrase", path=path, variable=PASSPHRASE_VARIABLE)
        try:
            key = load_key(pem, passphrase)
        except ValueError as error:
            wrong = "enrolment-technician-wrong-passphrase" if passphrase else "enrolment-technician-damaged"
            raise UserError(wrong, path=path, detail="no P-256 key") from error
        return cls(path, key)

    def install(self, certificate: bytes) -> Certificate:
        """Keep the town's certificate for this key; an older one is replaced."""
        try:
            about = Certificate.read(certificate)
        except ValueError as error:
            raise UserError("enrolment-technician-bad-certificate") from error
        if about.public != self.public:
            raise UserError("enrolment-technician-other-key", name=about.name, path=self.path)
        if about.expires <= datetime.now(UTC):
            raise UserError("enrolment-technician-expired", name=about.name, when=f"{about.expires:%Y-%m-%d}")
        try:
            draft = self._certificate_file.with_suffix(".new")
            draft.write_bytes(certificate)
            draft.replace(self._certificate_file)
        except OSError as error:
            raise UserError("cannot-write", path=self.path, detail=error.strerror) from error
        return about

    @property
    def certificate(self) -> bytes:
        """As the box takes it; UserError if there is none, or it has expired."""
        about = self.about
        if about.expires <= datetime.now(UTC):
            raise UserError("enrolment-technician-expired", name=about.name, when=f"{about.expires:%Y-%m-%d}")
        return self._certificate_file.read_bytes()

    @property
    def about(self) -> Certificate:
        """What the certificate says; UserError if there is none."""
        try:
            return Certificate.read(self._certificate_file.read_bytes())
        except FileNotFoundError as error:
            raise UserError("enrolment-technician-no-certificate", path=self.path, public=self.public.hex()) from error
        except (OSError, ValueError) as error:
            raise UserError("enrolment-technician-damaged", path=self.path, detail=error) from error

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def expires(self) -> datetime:
        return self.about.expires

    def sign(self, data: bytes) -> bytes:
        """ES256: r || s, 64 bytes."""
        return sign(self._key, data)


# ---- keys, signatures, and certificates as text


def load_key(pem: bytes, passphrase: str | None = None) -> ec.EllipticCurvePrivateKey:
    """A P-256 key from PEM; ValueError for anything else, a wrong passphrase included."""
    try:
        key = serialization.load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except TypeError as error:
        raise ValueError("the key is encrypted, or is not and should be") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("not a P-256 key")
    return key


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """65 bytes, 0x04 || x || y."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """ES256: r || s, 64 bytes."""
    parts = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return b"".join(part.to_bytes(32, "big") for part in parts)


def rights_to_bits(rights: Iterable[str]) -> int:
    """UserError for a right that there is not, or for none at all."""
    wanted = set(rights)
    if not wanted or wanted - RIGHTS.keys():
        raise UserError("enrolment-technician-bad-rights", known=", ".join(RIGHTS))
    return sum(RIGHTS[name] for name in wanted)


def certificate_to_line(certificate: bytes) -> str:
    """One line of text, to be sent by mail: it holds nothing secret."""
    return _LINE_PREFIX + base64.urlsafe_b64encode(certificate).decode().rstrip("=")


def certificate_from_line(line: str) -> bytes:
    """UserError if it is not such a line."""
    text = line.strip()
    try:
        if not text.startswith(_LINE_PREFIX):
            raise ValueError("no such line")
        coded = text.removeprefix(_LINE_PREFIX)
        return base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise UserError("enrolment-technician-bad-certificate") from error


def _signed(payload: bytes) -> bytes:
    return cbor2.dumps(["Signature1", _ES256, _AAD, payload])


def _is_body(body: Any) -> bool:
    if not isinstance(body, dict) or body.keys() != _FIELDS.keys():
        return False
    typed = all(type(body[key]) is kind for key, kind in _FIELDS.items())
    return typed and body[_VERSION] == _FORMAT and 0 <= body[_EXPIRES] < 1 << 32 and 0 <= body[_RIGHTS] < 1 << 32


def _verify(public: bytes, signature: bytes, data: bytes) -> None:
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        formats.load_public_key(public).verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise ValueError("not signed by this town") from error
