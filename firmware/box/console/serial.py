"""The technician's console: requests on the serial line, beside the log.

Each part says what it can be asked: `ROWS`, its methods' names -> (right, form of the parameters). This finds the
lines, asks whether the sender may, and answers each with one write, so that no log line tears it. Methods may be async.

Standard input is waited for as asyncio waits for a socket, then read byte by byte as long as it has some: a
StreamReader would stop the whole loop over half a line, or lose most bytes, for the chip holds only 260.
"""

import asyncio

from box.core import rpc
from box.core.config import ConfigError
from box.errors import AlertBoxError, StorageError
from box.log import Log

_AT_ONCE = 260  # bytes before the rest of the box has its turn
_WINDOW_MS = 2000
_CLOSED_S = 1
_TURN_MS = 30_000

_log = Log("console")


class Console:
    """`line`: standard input, with `readinto`; its select.poll, registered; a function that writes a line."""

    def __init__(self, parts: tuple, access, clock, line: tuple):
        self.turns = 0
        self._parts = parts
        self._access = access
        self._clock = clock
        self._stdin, self._poller, self._write = line
        self._reader = rpc.Reader()
        self._byte = bytearray(1)

    async def run(self) -> None:
        while True:
            self.turns += 1
            try:
                await asyncio.wait_for_ms(_readable(self._stdin), _TURN_MS)
            except asyncio.TimeoutError:
                continue
            if not await self.drain():
                await asyncio.sleep(_CLOSED_S)  # nobody holds the other end: on a pty, never on the chip

    async def drain(self) -> bool:
        """Read what has come, and answer. False if the input is closed."""
        for _ in range(_AT_ONCE):
            if not self._is_waiting():
                break
            try:
                if not self._stdin.readinto(self._byte):
                    return False
            except OSError:
                return False
            text = self._reader.feed(self._byte[0])
            if text is not None:
                self._write(await self.answer(text))
        return True

    def _is_waiting(self) -> bool:
        waiting = False
        for _ in self._poller.ipoll(0):  # to its end, as it asks: it makes no garbage
            waiting = True
        return waiting

    async def answer(self, text: bytes) -> bytes:
        """The line that answers a request's text; whatever happens, there is one."""
        number = method = None
        refusal: rpc.RpcError
        try:
            number, method, params = rpc.parse(text)
            result = self._call(method, params)
            if hasattr(result, "send"):
                result = await result
            return rpc.result_line(number, result)
        except rpc.RpcError as error:
            return rpc.error_line(error, error.id if number is None else number)
        except ConfigError as error:
            refusal = rpc.Refused("setting", str(error), path=error.path)
        except AlertBoxError as error:
            refusal = rpc.Refused("storage" if isinstance(error, StorageError) else "network", str(error))
        except Exception as error:  # noqa: BLE001 - our own mistake must not end the console
            # Its text may quote a setting, which has no place in the log.
            _log.error("a method failed", method=method, reason=type(error).__name__)
            refusal = rpc.RpcError(rpc.INTERNAL, "a mistake in the box, see its log")
        return rpc.error_line(refusal, number)

    def _call(self, method: str, params: list):
        for part in self._parts:
            if method in part.ROWS:
                break
        else:
            raise rpc.RpcError(rpc.UNKNOWN, "no such method")
        right, form = part.ROWS[method]
        rpc.check(params, form)
        if isinstance(right, dict):  # by what the first parameter names
            right = right.get(params[0])
            if right is None:
                raise rpc.RpcError(rpc.PARAMS, "no such name")
        self._access.demand(right, self._clock.now())
        return getattr(part, method)(*params)


def _readable(stream):
    """Wait until there is something to read; a generator, which MicroPython can await."""
    yield asyncio.core._io_queue.queue_read(stream)  # type: ignore[attr-defined]  # the stubs lack it


async def close_window(kbd_intr, clock) -> None:
    """Leave Ctrl-C on for 2 s from the start, for mpremote; in service it is then a byte like any other."""
    await asyncio.sleep(max(0, _WINDOW_MS - clock.now()) / 1000)
    kbd_intr(-1)
