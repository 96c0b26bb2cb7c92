"""A town: one folder with everything that is secret about it.

For the demo, the tests and a first service on one machine: the certificate
authority, the broker's certificate and the receiver's database (which holds the
boxes' secrets) lie side by side, readable by their owner only.
"""

import contextlib
import json
import os
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from alertbox.errors import UserError
from alertbox.receiver.store import database
from alertbox.receiver.store.false_alarms import FalseAlarms
from alertbox.receiver.store.registry import Box, Credentials, Registry
from alertbox.town import invites, technicians
from alertbox.town.authority import ALWAYS, Authority, key_pem
from alertbox.town.invites import Invite
from alertbox.town.technicians import Certificate

_VERSION = 1
_ENROLMENT_VERSION = 2
_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)*{_LABEL}")
_RENEW_BEFORE = timedelta(days=60)


@dataclass(frozen=True)
class NewBox:
    """A box that redeemed an invite. `document`: its enrolment, secret; `host`: where it finds this machine."""

    document: dict[str, Any] = field(repr=False)
    box: str
    revoked: tuple[str, ...]
    host: str


class Town:
    """The folder at `path`. Get one from `Town.create` or `Town.open`.

    `names` are the DNS names and IP addresses that the broker's certificate carries; the first
    is the one that boxes check.
    """

    def __init__(self, path: Path, names: list[str]) -> None:
        self.path = path
        self.names = names
        self.database = path / "receiver.db"
        self.ca_certificate = path / "ca.pem"
        self._ca_key = path / "ca.key"
        self._server_certificate = path / "server.pem"
        self._server_key = path / "server.key"
        self._technicians_key = path / "technicians.key"
        self.registry = Registry(self.database)
        self.false_alarms = FalseAlarms(self.database)

    @classmethod
    def create(cls, path: Path | str, names: list[str] | tuple[str, ...] = ("localhost",)) -> "Town":
        """Make keys, certificates and an empty database; UserError if the folder holds anything."""
        path = Path(path)
        for name in names:
            _check_name(name)
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise UserError("town-exists", path=path)
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            town = cls(path, list(names))
            authority = Authority.create()
            _write(town._ca_key, key_pem(authority.key))
            _write(town.ca_certificate, authority.certificate.public_bytes(Encoding.PEM))
            town._issue(authority)
            town._make_technicians_key()
            _write(path / "town.json", json.dumps({"version": _VERSION, "names": town.names}).encode())
        except OSError as error:
            raise UserError("cannot-write", path=path, detail=error.strerror) from error
        database.migrate(town.database)
        return town

    @classmethod
    def open(cls, path: Path | str) -> "Town":
        """A town made earlier; its tables are brought to this version, its certificate renewed in time."""
        path = Path(path)
        about = path / "town.json"
        if not about.is_file():
            raise UserError("not-a-town", path=path)
        try:
            town = cls(path, list(json.loads(about.read_bytes())["names"]))
            town._renew_certificate()
            town._make_technicians_key()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UserError("town-damaged", path=path, detail=error) from error
        database.migrate(town.database)
        return town

    def enrolment(self, public_key: bytes, name: str) -> dict[str, Any]:
        """Take a box into service and return its enrolment document, version 2.

        `public_key`: 65 bytes from the box. The document holds secrets: it is given to the box, shown to nobody and
        not kept. The registry keeps the password only hashed; it keeps the per-box secret itself, which the
        acknowledgements' HMAC needs, and with which no alert can be forged. Re-enrolment under the same name revokes
        the old key. Where the receiver is stands in the box's settings.
        """
        town = self._about()
        return _document(town, self.registry.enrol(public_key, name))

    def enrol(
        self, public_key: bytes, name: str, host: str, port: int, *, server_name: str | None = None
    ) -> dict[str, Any]:
        """The same beside the receiver: the enrolment document with `host`, `port` and `server_name` in it.

        `host`, `port`: where the box finds the broker; `server_name`: the name that it demands in the certificate
        (default: the town's first).
        """
        if not 1 <= port <= 65535:
            raise UserError("bad-port", port=port)
        _check_name(host)
        receiver = {"host": host, "port": port, "server_name": server_name or self.names[0]}
        return self.enrolment(public_key, name) | receiver

    def invite(
        self,
        name: str | None = None,
        *,
        host: str | None = None,
        port: int = invites.DEFAULT_PORT,
        hours: float = 24,
    ) -> Invite:
        """Let one box enrol itself over the network, once, within `hours`.

        `name`: the only shop that it is for. None lets it take any name, also one in service, whose box is then
        revoked. `host`, `port`: where the receiver's enrolment service is reached; the host (default: the town's
        first name) must stand in the certificate, and is where the box will look for the receiver.
        """
        host = host or self.names[0]
        names = list(dict.fromkeys([*self.names, *ALWAYS]))
        if host not in names:
            raise UserError("enrolment-host-not-named", host=host, names=", ".join(names))
        if not 1 <= port <= 65535:
            raise UserError("bad-port", port=port)
        token = self.registry.invite(name, host, timedelta(hours=hours))
        return Invite.make(host, port, self.ca_der(), token, name)

    def redeem(self, token: bytes, public_key: bytes, name: str | None) -> NewBox:
        """Enrol a box by an invite's token; UserError if the token, the key or the name is not taken."""
        town = self._about()  # first: what cannot be read here must not use up the token
        credentials, host = self.registry.redeem(token, public_key, name)
        return NewBox(_document(town, credentials), credentials.box, credentials.revoked, host)

    def technician(self, name: str, public_key: bytes, days: int, rights: Iterable[str]) -> bytes:
        """A technician's certificate. No box can be told of its revocation: it holds until it expires."""
        expires = datetime.now(UTC) + timedelta(days=days)
        return Certificate(name, public_key, expires, frozenset(rights)).issue(self._load_technicians_key())

    def technicians_public(self) -> bytes:
        """The key by which boxes of this town know their technicians: 65 bytes."""
        return technicians.public_bytes(self._load_technicians_key())

    def revoke(self, name: str) -> None:
        """Refuse the box of this name from now on."""
        self.registry.revoke(name)

    def boxes(self) -> list[Box]:
        return self.registry.boxes()

    def ca_der(self) -> bytes:
        """The authority's certificate in the form that the box's TLS takes."""
        return x509.load_pem_x509_certificate(self.ca_certificate.read_bytes()).public_bytes(Encoding.DER)

    def server_context(self) -> ssl.SSLContext:
        """TLS of the embedded broker. Boxes show a password, not a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._server_certificate, self._server_key)
        return context

    def _about(self) -> dict[str, str]:
        """What every box of this town is told."""
        return {"ca": self.ca_der().hex(), "town": self.technicians_public().hex()}

    def _make_technicians_key(self) -> None:
        """If there is none: a town made by an earlier version gets one when it is opened."""
        if not self._technicians_key.exists():
            _write_new(self._technicians_key, key_pem(ec.generate_private_key(ec.SECP256R1())))

    def _load_technicians_key(self) -> ec.EllipticCurvePrivateKey:
        # Only when it is needed: a damaged one does not keep a receiver from receiving.
        try:
            return technicians.load_key(self._technicians_key.read_bytes())
        except (OSError, ValueError) as error:
            raise UserError("town-damaged", path=self._technicians_key, detail=error) from error

    def _issue(self, authority: Authority) -> None:
        key, certificate = authority.issue(self.names)
        _write(self._server_key, key)
        _write(self._server_certificate, certificate)

    def _renew_certificate(self) -> None:
        certificate = x509.load_pem_x509_certificate(self._server_certificate.read_bytes())
        if certificate.not_valid_after_utc - datetime.now(UTC) < _RENEW_BEFORE:
            self._issue(Authority.load(self._ca_key.read_bytes(), self.ca_certificate.read_bytes()))


def _document(town: dict[str, str], credentials: Credentials) -> dict[str, Any]:
    return {
        "version": _ENROLMENT_VERSION,
        "issued": int(datetime.now(UTC).timestamp()),
        "user": credentials.box,
        "password": credentials.password,
        "secret": credentials.secret.hex(),
        **town,
    }


def _check_name(name: str) -> None:
    try:
        ip_address(name)
    except ValueError:
        if not _DNS_NAME.fullmatch(name):
            raise UserError("bad-name", name=name) from None


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; an old one is replaced in one step."""
    _draft(path, content).replace(path)


def _write_new(path: Path, content: bytes) -> None:
    """As `_write`, but of several processes that do it at once the first one's file stays."""
    draft = _draft(path, content)
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    return draft
