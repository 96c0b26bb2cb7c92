"""Who may come in: logins at the embedded broker, boxes that redeem an invite, and boxes that may no more."""

import asyncio
from collections.abc import Callable
from typing import Any

from alertbox.receiver.accounts import Accounts
from alertbox.receiver.intake import Intake
from alertbox.receiver.log import JsonLog
from alertbox.receiver.store.registry import check_password
from alertbox.receiver.store.store import Store, StoreFailed
from alertbox.receiver.telling import Tell


class Admission:
    """`drop(box)` ends a connection of the embedded broker, if there is one."""

    def __init__(
        self, accounts: Accounts, *, store: Store, intake: Intake, drop: Callable[[str], None], tell: Tell, log: JsonLog
    ) -> None:
        self.address: dict[str, Any] = {}  # where a new box finds the receiver: port, server_name, perhaps host
        self._accounts = accounts
        self._store = store
        self._intake = intake
        self._drop = drop
        self._tell = tell
        self._log = log

    async def check_login(self, user: str, password: str) -> str | None:
        """Why this user is refused; None: it is a box in service."""
        try:
            row = await self._store.box_row(user)
        except StoreFailed as error:
            self._log.error("store-failed", box=user, reason=str(error))
            return "overload"
        if row is None:
            return "unknown-box"
        if not check_password(password, row.password_hash):
            return "login"
        # It may have been enrolled anew since its last visit.
        self._intake.forget(user)
        return "revoked" if row.revoked_at is not None else None

    async def redeem(self, token: bytes, public_key: bytes, name: str | None) -> dict[str, Any]:
        """Enrol a box by its invite. The database is another thread's: alerts do not wait for it."""
        new = await asyncio.to_thread(self._accounts.redeem, token, public_key, name)
        self._log.info("enrolled", box=new.box, revoked=list(new.revoked))
        self._intake.forget(new.box)
        for box in new.revoked:
            self.revoked(box)
        self._tell("enrolled", new.box, revoked=list(new.revoked))
        receiver = {"host": new.host, **self.address}
        return {"enrolment": new.document, "receiver": receiver, "fingerprint": new.box}

    def revoked(self, box: str) -> None:
        """Nothing of this box is taken any more: it need not stay connected."""
        self._intake.forget(box)
        self._drop(box)
