"""The accounts of a town's boxes: taken into service, invited, revoked; and the document that each box gets.

Blocking, beside a running receiver as well: both look into the same database.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alertbox.contract.hosts import check_host
from alertbox.errors import UserError
from alertbox.receiver.store import database
from alertbox.receiver.store.false_alarms import FalseAlarms
from alertbox.receiver.store.registry import Box, Credentials, Registry
from alertbox.receiver.town import Town
from alertbox.town.invites import DEFAULT_PORT, Invite

_DOCUMENT_VERSION = 2


@dataclass(frozen=True)
class NewBox:
    """A box that redeemed an invite. `document`: its enrolment, secret; `host`: where it finds this machine."""

    document: dict[str, Any] = field(repr=False)
    box: str
    revoked: tuple[str, ...]
    host: str


class Accounts:
    """In the database of `town`, whose tables exist. `Accounts.open` makes them, or brings them to this version."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._registry = Registry(town.database)
        self.false_alarms = FalseAlarms(town.database)

    @classmethod
    def open(cls, town: Town) -> "Accounts":
        database.migrate(town.database)
        return cls(town)

    def enrolment(self, public_key: bytes, name: str) -> dict[str, Any]:
        """Take a box into service and return its enrolment document, version 2.

        `public_key`: 65 bytes from the box. The document holds secrets: it is given to the box, shown to nobody and
        not kept. The registry keeps the password only hashed; it keeps the per-box secret itself, which the
        acknowledgements' HMAC needs, and with which no alert can be forged. Re-enrolment under the same name revokes
        the old key. Where the receiver is stands in the box's settings.
        """
        town = self._about_town()
        return _document(town, self._registry.enrol(public_key, name))

    def enrol(
        self, public_key: bytes, name: str, host: str, port: int, *, server_name: str | None = None
    ) -> dict[str, Any]:
        """The enrolment document with the receiver's `host`, `port` and `server_name` in it.

        `host`, `port`: where the box finds the broker; `server_name`: the name that it demands in the certificate
        (default: the town's first).
        """
        _check_port(port)
        check_host(host)
        receiver = {"host": host, "port": port, "server_name": server_name or self._town.names[0]}
        return self.enrolment(public_key, name) | receiver

    def invite(
        self,
        name: str | None = None,
        *,
        host: str | None = None,
        port: int = DEFAULT_PORT,
        hours: float = 24,
    ) -> Invite:
        """Let one box enrol itself over the network, once, within `hours`.

        `name`: the only shop that it is for. None lets it take any name, also one in service, whose box is then
        revoked. `host`, `port`: where the receiver's enrolment service is reached; the host (default: the town's
        first name) must stand in the certificate, and is where the box will look for the receiver.
        """
        host = host or self._town.names[0]
        names = self._town.certified_names
        if host not in names:
            raise UserError("enrolment-host-not-named", host=host, names=", ".join(names))
        _check_port(port)
        token = self._registry.invite(name, host, timedelta(hours=hours))
        return Invite.make(host, port, self._town.ca_der(), token, name)

    def redeem(self, token: bytes, public_key: bytes, name: str | None) -> NewBox:
        """Enrol a box by an invite's token; UserError if the token, the key or the name is not taken."""
        town = self._about_town()  # first: what cannot be read here must not use up the token
        credentials, host = self._registry.redeem(token, public_key, name)
        return NewBox(_document(town, credentials), credentials.box, credentials.revoked, host)

    def revoke(self, name: str) -> None:
        """Refuse the box of this name from now on."""
        self._registry.revoke(name)

    def boxes(self) -> list[Box]:
        """All boxes, revoked ones too, by name."""
        return self._registry.boxes()

    def password_file(self) -> str:
        """The boxes in service as lines of mosquitto's password file."""
        return self._registry.password_file()

    def _about_town(self) -> dict[str, str]:
        """What every box of this town is told."""
        return {"ca": self._town.ca_der().hex(), "town": self._town.technicians_public().hex()}


def _document(town: dict[str, str], credentials: Credentials) -> dict[str, Any]:
    return {
        "version": _DOCUMENT_VERSION,
        "issued": int(datetime.now(UTC).timestamp()),
        "user": credentials.box,
        "password": credentials.password,
        "secret": credentials.secret.hex(),
        **town,
    }


def _check_port(port: int) -> None:
    if not 1 <= port <= 65535:
        raise UserError("bad-port", port=port)
