"""A town: one folder with everything that is secret about it.

The certificate authority, the broker's certificate, the key that signs technicians' certificates and the receiver's
database (which holds the boxes' secrets) lie side by side, readable by their owner only. That suits one machine. The
database is the receiver's own matter: here only its place is known.
"""

import contextlib
import json
import os
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from alertbox.contract.hosts import check_host
from alertbox.errors import UserError
from alertbox.town import technicians
from alertbox.town.authority import ALWAYS, Authority, key_pem
from alertbox.town.technicians import Certificate

_VERSION = 1
_RENEW_BEFORE = timedelta(days=60)


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

    @classmethod
    def create(cls, path: Path | str, names: list[str] | tuple[str, ...] = ("localhost",)) -> "Town":
        """Make keys and certificates; UserError if the folder holds anything."""
        path = Path(path)
        for name in names:
            check_host(name)
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
        return town

    @classmethod
    def open(cls, path: Path | str) -> "Town":
        """A town made earlier; its certificate is renewed in time."""
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
        return town

    def technician(self, name: str, public_key: bytes, days: int, rights: Iterable[str]) -> bytes:
        """A technician's certificate. No box can be told of its revocation: it holds until it expires."""
        expires = datetime.now(UTC) + timedelta(days=days)
        return Certificate(name, public_key, expires, frozenset(rights)).issue(self._load_technicians_key())

    def technicians_public(self) -> bytes:
        """The key by which boxes of this town know their technicians: 65 bytes."""
        return technicians.public_bytes(self._load_technicians_key())

    @property
    def certified_names(self) -> list[str]:
        """All that the broker's certificate carries, the loopback's names too."""
        return list(dict.fromkeys([*self.names, *ALWAYS]))

    def ca_der(self) -> bytes:
        """The authority's certificate in the form that the box's TLS takes."""
        return x509.load_pem_x509_certificate(self.ca_certificate.read_bytes()).public_bytes(Encoding.DER)

    def server_context(self) -> ssl.SSLContext:
        """TLS of the embedded broker. Boxes show a password, not a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._server_certificate, self._server_key)
        return context

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
