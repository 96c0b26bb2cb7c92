"""The boxes of a town: who may send, with which key, secret and password; and who is invited to join them.

Blocking: enrolment is a technician's act, done beside a running receiver, which
sees it because both look into the same database.
"""

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Row, delete, insert, select, update

from alertbox.contract import formats
from alertbox.errors import UserError
from alertbox.receiver.store import database
from alertbox.receiver.store.models import boxes, invites

_PURPOSE = "routing alerts of an enrolled shop"
_INVITE_PURPOSE = "who was let in, and by which invite"
_KEEP_INVITES = timedelta(days=90)
_TOKEN_BYTES = 16
# Passwords are 192 random bits: stretching adds nothing against guessing, so the count is mosquitto's small default.
_ITERATIONS = 101


@dataclass(frozen=True)
class Box:
    """A box as the registry knows it; `id` in 16 hexadecimal digits."""

    id: str
    name: str
    enrolled_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class Credentials:
    """What the box needs and the technician carries over: shown once, never logged."""

    box: str
    password: str = field(repr=False)
    secret: bytes = field(repr=False)
    revoked: tuple[str, ...] = ()  # boxes that this one takes the name over from


def hash_password(password: str, salt: bytes | None = None) -> str:
    """PBKDF2-SHA512 in the form of mosquitto's password file, so that either broker can check it."""
    salt = salt or os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def check_password(password: str, hashed: str) -> bool:
    salt = base64.b64decode(hashed.split("$")[3])
    return hmac.compare_digest(hash_password(password, salt), hashed)


class Registry:
    """The table of boxes in the database at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def enrol(self, public_key: bytes, name: str) -> Credentials:
        """Take a box into service. A box in service under the same name, with another key, is revoked.

        The same key again gets a new secret and password, and may change its name.
        """
        with database.transaction(self._path) as connection:
            return _enrol(connection, public_key, name, datetime.now(UTC))

    def invite(self, name: str | None, host: str, life: timedelta) -> bytes:
        """A token with which one box can enrol itself within `life`. It is kept hashed: shown once, never logged.

        `name`: the only shop that it is for, or None. `host`: where that box will find this machine.
        """
        if name is not None:
            _check_box_name(name)
        token, now = os.urandom(_TOKEN_BYTES), datetime.now(UTC)
        row = {"token_hash": _token_hash(token), "name": name, "host": host, "created_at": now}
        row |= {"expires_at": now + life, "purpose": _INVITE_PURPOSE, "delete_after": now + life + _KEEP_INVITES}
        with database.transaction(self._path) as connection:
            connection.execute(delete(invites).where(invites.c.delete_after < now))
            connection.execute(insert(invites).values(row))
        return token

    def redeem(self, token: bytes, public_key: bytes, name: str | None) -> tuple[Credentials, str]:
        """Enrol by an invite: the credentials, and the invite's host. `name` None is the invite's.

        The token is used up and the box enrolled in one transaction: neither happens without the other.
        """
        now, token_hash = datetime.now(UTC), _token_hash(token)
        this = invites.c.token_hash == token_hash
        with database.transaction(self._path) as connection:
            invite = connection.execute(select(invites).where(this)).one_or_none()
            if invite is None:
                raise UserError("enrolment-token-unknown")
            usable = this, invites.c.used_at.is_(None), invites.c.expires_at > now
            # The condition stands in the update itself: of two who come at once, one gets the row.
            if connection.execute(update(invites).where(*usable).values(used_at=now)).rowcount == 0:
                raise UserError("enrolment-token-used" if invite.used_at else "enrolment-token-expired")
            if invite.name is not None and name not in (None, invite.name):
                raise UserError("enrolment-other-shop", name=invite.name)
            credentials = _enrol(connection, public_key, name or invite.name or "", now)
            connection.execute(update(invites).where(this).values(used_by=credentials.box))
        return credentials, invite.host

    def revoke(self, name: str) -> None:
        """Refuse the box of this name from now on."""
        with database.transaction(self._path) as connection:
            if not _revoke(connection, name, datetime.now(UTC)):
                raise UserError("no-such-box", name=name, path=self._path.parent)

    def boxes(self) -> list[Box]:
        """All boxes, revoked ones too, by name."""
        columns = boxes.c.id, boxes.c.name, boxes.c.enrolled_at, boxes.c.revoked_at
        with database.transaction(self._path) as connection:
            rows = connection.execute(select(*columns).order_by(boxes.c.name, boxes.c.enrolled_at))
            return [Box(*row) for row in rows]

    def password_file(self) -> str:
        """The boxes in service as lines of mosquitto's password file."""
        with database.transaction(self._path) as connection:
            query = select(boxes.c.id, boxes.c.password_hash).where(boxes.c.revoked_at.is_(None))
            return "".join(f"{row.id}:{row.password_hash}\n" for row in connection.execute(query))


def _token_hash(token: bytes) -> bytes:
    """The token is 128 random bits: a plain hash cannot be turned back, and looking it up tells nothing of it."""
    return hashlib.sha256(token).digest()


def _check_box_name(name: str) -> None:
    if not (1 <= len(name) <= 100 and name.isprintable() and name.strip() == name):
        raise UserError("bad-box-name")


def _enrol(connection: Connection, public_key: bytes, name: str, now: datetime) -> Credentials:
    try:
        formats.load_public_key(public_key)
    except ValueError as error:
        raise UserError("bad-public-key") from error
    _check_box_name(name)
    box = formats.box_id(public_key).hex()
    revoked = _revoke(connection, name, now, keep=box)
    credentials = Credentials(box, secrets.token_urlsafe(24), os.urandom(32), revoked)
    _write(connection, credentials, public_key, name, now)
    return credentials


def _revoke(connection: Connection, name: str, now: datetime, keep: str = "") -> tuple[str, ...]:
    """The ids of the boxes that were in service under this name, and are not any more."""
    in_service = boxes.c.name == name, boxes.c.revoked_at.is_(None), boxes.c.id != keep
    revoking = update(boxes).where(*in_service).values(revoked_at=now).returning(boxes.c.id)
    return tuple(connection.execute(revoking).scalars())


def _write(connection: Connection, credentials: Credentials, public_key: bytes, name: str, now: datetime) -> None:
    known: Row[tuple[datetime | None]] | None = connection.execute(
        select(boxes.c.revoked_at).where(boxes.c.id == credentials.box)
    ).one_or_none()
    if known is not None and known.revoked_at is not None:
        raise UserError("key-revoked", when=f"{known.revoked_at:%Y-%m-%d}")
    changing = {
        "name": name,
        "secret": credentials.secret,
        "password_hash": hash_password(credentials.password),
    }
    if known is None:
        connection.execute(
            insert(boxes).values(
                id=credentials.box, public_key=public_key, enrolled_at=now, purpose=_PURPOSE, **changing
            )
        )
    else:
        connection.execute(update(boxes).where(boxes.c.id == credentials.box).values(**changing))
