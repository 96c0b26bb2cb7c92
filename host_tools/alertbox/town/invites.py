"""The laptop's side of enrolment over the network: an invite is redeemed, and the box's secrets come back.

An invite is one line that the receiver printed and somebody passed on: where the receiver is, the fingerprint of its
authority, and a token that works once. So the laptop needs to trust nobody beforehand, and keeps nothing after.
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import re
import ssl
from dataclasses import dataclass, field
from typing import Any

from alertbox.contract import formats
from alertbox.errors import UserError

DEFAULT_PORT = 8884

_PREFIX = "ab1."
_LONGEST_LINE = 2000
_FINGERPRINT_BYTES = 16
_LONGEST_ANSWER = 16_384
# A receiver under load may make us wait for its database (10 s).
_TIMEOUT_S = 20
_HEX_16_BYTES = re.compile("[0-9a-f]{32}")
_HOST = re.compile(r"[0-9A-Za-z.:_-]{1,253}")
# What a receiver refuses, as a sentence of ours: nothing that comes over the network is shown as it is.
_REFUSALS = {
    "enrolment-token-unknown": (),
    "enrolment-token-used": (),
    "enrolment-token-expired": (),
    "enrolment-other-shop": ("name",),
    "enrolment-too-many": ("seconds",),
    "bad-public-key": (),
    "bad-box-name": (),
    "key-revoked": ("when",),
}


@dataclass(frozen=True)
class Enrolled:
    """`enrolment`: the document for the box; `receiver`: host, port and server_name for its settings.

    `fingerprint`: the box's id, which the receiver shows too. The enrolment holds secrets: it goes to the box and
    nowhere else.
    """

    enrolment: dict[str, Any] = field(repr=False)
    receiver: dict[str, Any]
    fingerprint: str


@dataclass(frozen=True)
class Invite:
    """`fingerprint`: of the authority's certificate, 32 hexadecimal digits; `name`: the only shop, or None."""

    host: str
    port: int
    fingerprint: str
    token: str = field(repr=False)
    name: str | None = None

    @classmethod
    def make(cls, host: str, port: int, ca: bytes, token: bytes, name: str | None = None) -> "Invite":
        """`ca`: the authority's certificate, DER."""
        return cls(host, port, _fingerprint(ca), token.hex(), name)

    @classmethod
    def parse(cls, text: str) -> "Invite":
        """UserError if it is not an invite, whole."""
        line = text.strip()
        try:
            if not line.startswith(_PREFIX) or len(line) > _LONGEST_LINE:
                raise ValueError("no invite")
            coded = line.removeprefix(_PREFIX)
            fields = json.loads(base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True))
            invite = cls(*(fields.pop(key) for key in "hpftn"))
        except (ValueError, binascii.Error, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise UserError("enrolment-bad-invite") from error
        if fields or not invite._plausible():
            raise UserError("enrolment-bad-invite")
        return invite

    @property
    def line(self) -> str:
        """To be handed to the technician, and to nobody else."""
        fields = {"h": self.host, "p": self.port, "f": self.fingerprint, "t": self.token, "n": self.name}
        text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
        return _PREFIX + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def redeem(self, public: str, name: str | None = None) -> Enrolled:
        """Enrol the box whose public key is `public` (130 hexadecimal digits, as it shows it).

        `name`: the shop's; None is the invite's. UserError, one sentence, whatever goes wrong.
        """
        try:
            box = formats.box_id(bytes.fromhex(public)).hex()
        except ValueError as error:
            raise UserError("bad-public-key") from error
        context = ssl.create_default_context(cadata=self._authority())
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        body = json.dumps({"token": self.token, "public": public, "name": name or self.name})
        status, answer = self._exchange(context, "POST", "/enrol", body)
        if status != 200:
            raise self._refusal(answer)
        enrolled = _read_enrolled(answer)
        if enrolled is None or enrolled.fingerprint != box:
            raise UserError("enrolment-not-a-receiver", address=self.address)
        return enrolled

    def _authority(self) -> bytes:
        """The receiver's CA, fetched from anybody who answers: the invite's fingerprint decides. Nothing is sent."""
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname = False
        anybody.verify_mode = ssl.CERT_NONE
        status, ca = self._exchange(anybody, "GET", "/ca")
        if status != 200:
            raise UserError("enrolment-not-a-receiver", address=self.address)
        if not hmac.compare_digest(_fingerprint(ca), self.fingerprint):
            raise UserError("enrolment-wrong-authority", address=self.address)
        return ca

    def _exchange(self, context: ssl.SSLContext, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=_TIMEOUT_S, context=context)
        try:
            try:
                connection.connect()
            except ssl.SSLCertVerificationError as error:
                raise UserError("enrolment-not-trusted", address=self.address, detail=error.verify_message) from error
            except OSError as error:
                raise UserError(
                    "enrolment-unreachable", address=self.address, detail=error.strerror or str(error)
                ) from error
            try:
                connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
                response = connection.getresponse()
                return response.status, response.read(_LONGEST_ANSWER)
            except (OSError, http.client.HTTPException) as error:
                # A token that was sent may be used up.
                key = "enrolment-answer-lost" if body else "enrolment-not-a-receiver"
                raise UserError(key, address=self.address) from error
        finally:
            connection.close()

    def _refusal(self, answer: bytes) -> UserError:
        try:
            refusal = json.loads(answer)
            key = refusal["error"]
            return UserError(key, **{name: str(refusal[name])[:100] for name in _REFUSALS[key]})
        except (ValueError, KeyError, TypeError, RecursionError):
            return UserError("enrolment-receiver-trouble", address=self.address)

    def _plausible(self) -> bool:
        return (
            isinstance(self.host, str)
            and _HOST.fullmatch(self.host) is not None
            and type(self.port) is int
            and 1 <= self.port <= 65535
            and all(
                isinstance(text, str) and _HEX_16_BYTES.fullmatch(text) is not None
                for text in (self.fingerprint, self.token)
            )
            and (self.name is None or isinstance(self.name, str) and self.name.isprintable())
        )


def _fingerprint(ca: bytes) -> str:
    return hashlib.sha256(ca).digest()[:_FINGERPRINT_BYTES].hex()


def _read_enrolled(answer: bytes) -> Enrolled | None:
    try:
        fields = json.loads(answer)
        enrolled = Enrolled(fields["enrolment"], fields["receiver"], fields["fingerprint"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return enrolled if isinstance(enrolled.enrolment, dict) and isinstance(enrolled.receiver, dict) else None
