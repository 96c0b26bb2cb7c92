"""Locking the console, and unlocking it with a technician's signature.

A verification takes the chip half a second, so it runs in steps and stands back while a gesture is open.
"""

import asyncio

from box.core import rpc
from box.core.access import CHALLENGE_SIZE
from box.errors import StorageError
from box.log import Log

_PATIENCE_S = 0.02
_UNLOCK_SIZE = 64

_log = Log("console")


async def patiently(steps, status):
    """Run a generator to its end and return its value; around its steps everything else has its turn.

    None begins while a gesture is open. After each that was long the box does not know for 10 ms whether one is.
    """
    try:
        while True:
            await asyncio.sleep(0)
            while status.busy:
                await asyncio.sleep(_PATIENCE_S)
            next(steps)
    except StopIteration as stop:
        return stop.value


class Lock:
    """Locking and unlocking. `mark_file` exists while the box is locked; `random(n)`: n bytes of the hardware's."""

    ROWS = {
        "challenge": (0, ""),
        "unlock": (0, "s"),
        "lock": (0, ""),
    }

    def __init__(self, box, access, mark_file: str, random):
        self._access = access
        self._mark_file = mark_file
        self._clock = box.clock
        self._random = random
        self._status = box.status

    def challenge(self) -> dict:
        return {"challenge": self._access.challenge(self._random(CHALLENGE_SIZE), self._clock.now()).hex()}

    async def show(self, certificate: bytes) -> dict:
        """Take a certificate that was put and committed."""
        steps = self._access.show(certificate, self._clock.utc(), self._clock.now())
        technician = await patiently(steps, self._status)
        return {"name": technician.name, "expires": technician.expires, "rights": technician.rights}

    async def unlock(self, signature: str) -> dict:
        try:
            raw = bytes.fromhex(signature)
        except ValueError:
            raw = b""
        if len(raw) != _UNLOCK_SIZE:
            raise rpc.RpcError(rpc.PARAMS, "wrong parameters")
        steps = self._access.unlock(raw, self._clock.utc(), self._clock.now())
        try:
            technician = await patiently(steps, self._status)
        except rpc.Refused:
            _log.warning("unlocking failed")
            raise
        _log.info("unlocked", rights=technician.rights)
        return {"name": technician.name, "expires": technician.expires}

    def lock(self) -> dict:
        self._access.lock()
        try:
            with open(self._mark_file, "w") as file:
                file.write("locked")
        except OSError as error:
            raise StorageError("locked until the next start only, for flash fails: %s" % error)
        _log.info("locked")
        return {}
