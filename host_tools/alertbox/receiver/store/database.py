"""Open the receiver's database: SQLite settings, migrations, errors in a sentence."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from alertbox.errors import UserError

_MIGRATIONS = Path(__file__).parent / "migrations"
# Alembic keeps what it works on in global variables.
_MIGRATING = threading.Lock()
# FULL: a committed alert survives a power cut, so that it may be acknowledged.
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")


def open_engine(path: Path) -> Engine:
    """A blocking engine, for enrolment and migrations. Transactions write: they lock at once."""
    engine = create_engine(f"sqlite:///{path}")
    _settle_sqlite(engine)
    return engine.execution_options(begin="IMMEDIATE")


def open_async_engine(path: Path) -> AsyncEngine:
    """The receiver's engine. Its transactions read; `execution_options(begin="IMMEDIATE")` gives those that write."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    _settle_sqlite(engine.sync_engine)
    return engine


def _settle_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # Python's driver would begin transactions late and of the wrong kind: it is told to leave that to us.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A transaction that reads and then writes must take the lock first, or SQLite may refuse it half way.
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', '')}")


def migrate(path: Path, revision: str = "") -> None:
    """Make the database, or bring it to this version's tables. Safe to run by several at once.

    `revision`: go back to an earlier one instead.
    """
    with user_errors(path):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        engine = open_engine(path)
        try:
            with _MIGRATING, engine.begin() as connection:
                config = Config()
                config.set_main_option("script_location", str(_MIGRATIONS))
                config.attributes["connection"] = connection
                if revision:
                    command.downgrade(config, revision)
                else:
                    command.upgrade(config, "head")
        finally:
            engine.dispose()


@contextmanager
def transaction(path: Path, begin: str = "IMMEDIATE") -> Iterator[Connection]:
    """A blocking transaction on an engine of its own. `DEFERRED` is one that only reads: it holds up no writer."""
    with user_errors(path):
        engine = open_engine(path).execution_options(begin=begin)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def user_errors(path: Path) -> Iterator[None]:
    """Turn a damaged file, a full disk or missing rights into a sentence."""
    try:
        yield
    except OSError as error:
        raise UserError("database-unusable", path=path, detail=error.strerror) from error
    except DatabaseError as error:
        if isinstance(error.orig, sqlite3.OperationalError):
            raise UserError("database-unusable", path=path, detail=error.orig) from error
        raise UserError("database-damaged", path=path) from error
