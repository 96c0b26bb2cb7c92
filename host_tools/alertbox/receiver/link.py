"""The receiver's one way in and out: an MQTT connection that is kept up.

The same for the embedded broker and for any other. Messages are confirmed to
the broker (PUBACK) by the caller, after they are stored: so a slow disk slows
the broker down instead of filling memory, and a broker that keeps sessions
delivers again what a killed receiver had not stored. Nothing depends on that:
a box sends until it holds the receiver's own acknowledgement.
"""

import asyncio
import random
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt

from alertbox.errors import UserError
from alertbox.receiver.log import JsonLog

SUBSCRIPTIONS = ("alertbox/+/alert", "alertbox/+/state")
_KEEPALIVE_S = 30
_TIMEOUT_S = 10
_BACK_OFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
# Acknowledgements on their way to the broker at once. More wait in the client's queue.
_IN_FLIGHT = 1000
# Without it an acknowledgement that follows a PUBACK waits 40 ms for the other side's TCP.
_SOCKET_OPTIONS = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


class ServerNameContext(ssl.SSLContext):
    """TLS that checks the certificate for `server_name`, whatever address was dialled."""

    server_name: str

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        kwargs["server_hostname"] = self.server_name
        return super().wrap_socket(*args, **kwargs)


@dataclass(frozen=True)
class Address:
    """Where the broker is and who we are there. Its text never shows the password."""

    host: str
    port: int
    user: str
    password: str
    server_name: str
    ca: Path

    @classmethod
    def parse(cls, url: str, ca: Path) -> "Address":
        """From mqtts://USER:PASSWORD@HOST:PORT; `ca` is a file of certificates (PEM) that may sign the broker's."""
        try:
            parts = urlsplit(url)
            user, password, host = parts.username, parts.password, parts.hostname
            port = parts.port or 8883
        except ValueError:
            user = None
        if not user or not password or not host or parts.scheme != "mqtts" or parts.path.strip("/") or parts.query:
            raise UserError("bad-broker-url", url=_without_password(url))
        return cls(host, port, unquote(user), unquote(password), host, ca)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def tls(self) -> ssl.SSLContext:
        context = ServerNameContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.server_name = self.server_name
        context.load_verify_locations(self.ca)
        return context


def _without_password(url: str) -> str:
    before, _, after = url.rpartition("@")
    return f"...@{after}" if before else url


@dataclass(frozen=True, slots=True)
class Incoming:
    """What came in. `ticket` is for `Link.settle`."""

    topic: str
    payload: bytes
    ticket: tuple[aiomqtt.Client, int, int]


class Link:
    """Keeps one connection to `address`.

    In the event loop, `on_message` is called for each message, and `on_link` when the connection is up (before
    anything else of it is heard) and when it is lost.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        on_message: Callable[[Incoming], None],
        on_link: Callable[[bool], None],
        log: JsonLog,
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._on_message = on_message
        self._on_link = on_link
        self._log = log
        self._client: _Client | None = None
        self._failures = 0
        self._task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None]

    async def open(self) -> None:
        """Connect and subscribe; UserError if the broker cannot be used at all."""
        self._first = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_up())
        await self._first

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send with QoS 1. False while there is no connection: the box will ask again."""
        if self._client is None:
            return False
        self._client.send(topic, payload)
        return True

    def settle(self, message: Incoming) -> None:
        """Tell the broker that `message` is dealt with. Tickets of an earlier connection are void."""
        client, mid, qos = message.ticket
        if self._client is not None and client is self._client:
            self._client.settle(mid, qos)

    async def _keep_up(self) -> None:
        while True:
            try:
                await self._connected()
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                if not self._first.done():
                    self._first.set_exception(UserError("broker-unreachable", address=self._address, detail=error))
                    return
                self._log.warning("link-down", broker=str(self._address), reason=str(error))
            delay = _BACK_OFF_S[min(self._failures, len(_BACK_OFF_S) - 1)]
            self._failures += 1
            await asyncio.sleep(delay * random.uniform(0.75, 1.25))

    async def _connected(self) -> None:
        """One connection, from its beginning to its end."""
        async with _Client(self._address, self._client_id, self._on_message) as client:
            # Retained messages may come before the subscription returns, and want to be settled.
            self._client = client
            self._on_link(True)
            try:
                await client.subscribe([(topic, 1) for topic in SUBSCRIPTIONS])
                self._log.info("link-up", broker=str(self._address))
                self._failures = 0
                if not self._first.done():
                    self._first.set_result(None)
                # Nothing comes out of this iterator (see _on_message); it ends with the connection.
                async for _ in client.messages:
                    pass
            finally:
                self._client = None
                self._on_link(False)


class _Client(aiomqtt.Client):
    """aiomqtt with the PUBACK in our hands, and without a task for each message (it costs more than a verification)."""

    def __init__(self, address: Address, client_id: str, on_message: Callable[[Incoming], None]) -> None:
        super().__init__(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            identifier=client_id,
            clean_session=False,
            keepalive=_KEEPALIVE_S,
            timeout=_TIMEOUT_S,
            max_inflight_messages=_IN_FLIGHT,
            tls_context=address.tls(),
            socket_options=_SOCKET_OPTIONS,
        )
        self._deliver = on_message
        self._client.manual_ack_set(True)

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        ticket = (self, message.mid, message.qos)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            # A broker should not pass this on; raising here would end the connection again and again.
            self.settle(message.mid, message.qos)
            return
        self._deliver(Incoming(topic, message.payload, ticket))

    def send(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def settle(self, mid: int, qos: int) -> None:
        self._client.ack(mid, qos)
