"""The boxes of a town: who may send, with which key, secret and password.

Blocking: enrolment is a technician's act, done beside a running receiver, which
sees it because both look into the same database.
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Row, insert, select, update

from alertbox import formats
from alertbox.errors import UserError
from alertbox.receiver import database
from alertbox.receiver.models import boxes

_PURPOSE = "routing alerts of an enrolled shop"
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
    password: str
    secret: bytes


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
        try:
            formats.load_public_key(public_key)
        except ValueError as error:
            raise UserError("bad-public-key") from error
        if not (1 <= len(name) <= 100 and name.isprintable() and name.strip() == name):
            raise UserError("bad-box-name")
        credentials = Credentials(formats.box_id(public_key).hex(), secrets.token_urlsafe(24), os.urandom(32))
        now = datetime.now(UTC)
        with self._transaction() as connection:
            _revoke(connection, name, now, keep=credentials.box)
            _write(connection, credentials, public_key, name, now)
        return credentials

    def revoke(self, name: str) -> None:
        """Refuse the box of this name from now on."""
        with self._transaction() as connection:
            if not _revoke(connection, name, datetime.now(UTC)):
                raise UserError("no-such-box", name=name, path=self._path.parent)

    def boxes(self) -> list[Box]:
        """All boxes, revoked ones too, by name."""
        columns = boxes.c.id, boxes.c.name, boxes.c.enrolled_at, boxes.c.revoked_at
        with self._transaction() as connection:
            rows = connection.execute(select(*columns).order_by(boxes.c.name, boxes.c.enrolled_at))
            return [Box(*row) for row in rows]

    def password_file(self) -> str:
        """The boxes in service as lines of mosquitto's password file."""
        with self._transaction() as connection:
            query = select(boxes.c.id, boxes.c.password_hash).where(boxes.c.revoked_at.is_(None))
            return "".join(f"{row.id}:{row.password_hash}\n" for row in connection.execute(query))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with database.user_errors(self._path):
            engine = database.open_engine(self._path)
            try:
                with engine.begin() as connection:
                    yield connection
            finally:
                engine.dispose()


def _revoke(connection: Connection, name: str, now: datetime, keep: str = "") -> bool:
    in_service = boxes.c.name == name, boxes.c.revoked_at.is_(None), boxes.c.id != keep
    return connection.execute(update(boxes).where(*in_service).values(revoked_at=now)).rowcount > 0


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
