"""Enrolment over HTTPS: `GET /ca` gives the authority's certificate, `POST /enrol` redeems an invite.

It shares the event loop with the alerts, so what a stranger can make it do is bounded: connections at once and how
long each may last, the length of a request, refusals an address and minute, and one enrolment at a time. Whoever
floods it keeps technicians out; alerts go on.
"""

import asyncio
import json
import logging
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from alertbox.errors import UserError
from alertbox.receiver.log import JsonLog

MAX_REQUEST_BYTES = 4096
_CONNECTIONS = 64
# From the first byte to the last. The longest honest wait is for the database's lock, 10 s.
_CONNECTION_S = 20
_HANDSHAKE_S = 10
# Refused requests that an address has in so many seconds. A token is 128 random bits: this saves work, not secrets.
_REFUSALS = 10
_WINDOW_S = 60
_ADDRESSES = 10_000

_TOKEN = re.compile("[0-9a-f]{32}")
_FIELDS = {"token", "public", "name"}
# What a technician did wrong, and the HTTP status that says so. Any other UserError is trouble of our own.
_STATUS = {
    "enrolment-bad-request": 400,
    "bad-public-key": 400,
    "bad-box-name": 400,
    "enrolment-token-unknown": 403,
    "enrolment-token-used": 403,
    "enrolment-token-expired": 403,
    "enrolment-other-shop": 403,
    "key-revoked": 403,
}

# token, public key, name: the answer
Redeem = Callable[[bytes, bytes, str | None], Awaitable[dict[str, Any]]]
OnRefused = Callable[[str, str | None, int, str], None]  # reason, box, size, detail


@dataclass(slots=True)
class _Window:
    ends: float
    refusals: int = 0


class Patience:
    """How many refusals an address has left. Pure: the caller gives the time in seconds."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def wait(self, address: str, now: float) -> int:
        """Seconds until this address is listened to again; 0: now."""
        window = self._windows.get(_whose(address))
        if window is None or window.refusals < _REFUSALS or window.ends <= now:
            return 0
        return int(window.ends - now) + 1

    def refused(self, address: str, now: float) -> None:
        key = _whose(address)
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._windows.pop(key, None)
            if len(self._windows) >= _ADDRESSES:
                del self._windows[next(iter(self._windows))]  # the oldest: windows are all of a length
            window = self._windows[key] = _Window(now + _WINDOW_S)
        window.refusals += 1


_STRANGERS = (HttpProcessingError, web.RequestPayloadError, ConnectionError)


class _OwnFaults(logging.Filter):
    """What a stranger sends is no fault of ours, and not worth a line of the log each time."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], _STRANGERS))


_log = logging.getLogger("aiohttp.enrolment")  # goes where the library's own goes
_log.addFilter(_OwnFaults())


class _Connection(web.RequestHandler):
    """Ends after its time whatever it does, and does not begin when there are too many."""

    _end: asyncio.TimerHandle | None = None

    def __init__(self, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._others = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        if len(self._others.connections) > _CONNECTIONS:
            transport.abort()
        self._end = asyncio.get_running_loop().call_later(_CONNECTION_S, transport.abort)

    def connection_lost(self, error: BaseException | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(error)


class EnrolmentService:
    """`redeem` enrols a box, or raises a UserError; `on_refused` counts. `ca`: the authority's certificate, DER."""

    def __init__(
        self,
        listen: str,
        port: int,
        *,
        tls: ssl.SSLContext,
        ca: bytes,
        redeem: Redeem,
        on_refused: OnRefused,
        log: JsonLog,
    ) -> None:
        self._listen = listen
        self._port = port
        self._tls = tls
        self._ca = ca
        self._redeem = redeem
        self._on_refused = on_refused
        self._log = log
        self._patience = Patience()
        self._one_at_a_time = asyncio.Lock()
        self._runner: web.AppRunner | None = None
        self._sockets: asyncio.Server | None = None

    async def open(self) -> int:
        """Listen; the port in use. UserError if that is impossible."""
        application = web.Application(client_max_size=MAX_REQUEST_BYTES)
        application.add_routes([web.get("/ca", self._give_ca), web.post("/enrol", self._enrol)])
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._sockets = await loop.create_server(
                self._connection,
                self._listen,
                self._port,
                ssl=self._tls,
                ssl_handshake_timeout=_HANDSHAKE_S,
                ssl_shutdown_timeout=1,
            )
        except (OSError, OverflowError) as error:
            address = f"{self._listen}:{self._port}"
            detail = getattr(error, "strerror", None) or str(error)
            raise UserError("enrolment-cannot-listen", address=address, detail=detail) from error
        return int(self._sockets.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._sockets is not None:
            self._sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _connection(self) -> _Connection:
        assert self._runner is not None
        server = self._runner.server
        assert server is not None
        return _Connection(
            server,
            loop=asyncio.get_running_loop(),
            logger=_log,
            access_log=None,
            keepalive_timeout=_CONNECTION_S,
            lingering_time=1,
            max_line_size=1024,
            max_field_size=1024,
            # A small request must not become a large one.
            auto_decompress=False,
        )

    async def _give_ca(self, _: web.Request) -> web.Response:
        return web.Response(body=self._ca, content_type="application/pkix-cert")

    async def _enrol(self, request: web.Request) -> web.Response:
        address = request.remote or ""
        wait = self._patience.wait(address, time.monotonic())
        if wait:
            return _refusal("enrolment-too-many", 429, seconds=wait)
        body = await request.read()
        try:
            token, public, name = _read_request(body)
            async with self._one_at_a_time:
                return _json(await self._redeem(token, public, name), 200)
        except UserError as error:
            status = _STATUS.get(error.key)
            if status is None:
                self._log.error("enrolment-failed", reason=str(error))
                return _refusal("unavailable", 503)
            self._patience.refused(address, time.monotonic())
            self._on_refused("enrolment", None, len(body), f"{error.key}, from {address}")
            return _refusal(error.key, status, **error.fields)


def _read_request(body: bytes) -> tuple[bytes, bytes, str | None]:
    """Token, public key and name; UserError if it has another form. What they are worth is not decided here."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UserError("enrolment-bad-request") from error
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise UserError("enrolment-bad-request")
    token, public, name = fields["token"], fields["public"], fields["name"]
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not isinstance(name, str | None):
        raise UserError("enrolment-bad-request")
    try:
        return bytes.fromhex(token), bytes.fromhex(public), name
    except (ValueError, TypeError) as error:
        raise UserError("bad-public-key") from error


def _refusal(key: str, status: int, **fields: object) -> web.Response:
    return _json({"error": key, **fields}, status)


def _json(answer: dict[str, Any], status: int) -> web.Response:
    # Secrets are in it: nobody on the way is to keep a copy.
    return web.json_response(answer, status=status, headers={"Cache-Control": "no-store"})


def _whose(address: str) -> str:
    """One owner has a whole /64 of IPv6 addresses."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or parsed.packed[:8].hex())
    return str(parsed)
