"""The embedded MQTT broker: amqtt over TLS, for one town on one machine.

A box logs in with its id and password, publishes only its own `alert` and
`state`, and hears only its own `ack` and `command`. amqtt 0.12.1 lacks what a
broker for alarms needs; each override below names what it mends:

- packets of any length are read into memory: a longer one than MAX_PACKET_BYTES ends the connection unread;
- a silent client is never dropped, so its last will never goes out: MQTT's 1.5 x keepalive is kept here;
- a stranger with a wrong password, but another's client id, ends and changes the other's session:
  the login is checked first, and client ids are private to a user;
- when a box comes back over a half-dead connection, its session ends up "disconnected" while it is
  connected, and nothing reaches it: the old connection is ended, to its end, before the new one begins;
- a last will is published unchecked; retained messages go to clients that never asked for them.

What it still lacks, and mosquitto has: a limit on what waits in memory for one client, and resending what
was in flight when a connection broke (a box asks again, so nothing is lost).
"""

import asyncio
import errno
import secrets
import ssl
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

from amqtt.adapters import ReaderAdapter, StreamReaderAdapter, StreamWriterAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig
from amqtt.errors import AMQTTError, BrokerError, CodecError, MQTTError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import Session

from alertbox.errors import UserError

MAX_PACKET_BYTES = 8192
# How long a stranger may take for the TLS handshake, and then for saying who it is.
_LOGIN_S = 10
# How long a box that is away keeps its session: what waits in it is acknowledgements, which it can ask for again.
_SESSION_S = 86_400
_UNREADABLE = (AMQTTError, MQTTError, CodecError, ValueError, LookupError, TypeError, struct.error)
_RECEIVER = "receiver"
_MAY = {Action.PUBLISH: ("alert", "state"), Action.SUBSCRIBE: ("ack", "command"), Action.RECEIVE: ("ack", "command")}

CheckLogin = Callable[[str, str], Awaitable[str | None]]
OnRefused = Callable[[str, str | None, int, str], None]  # reason, box, size, detail


class _Connection(StreamReaderAdapter):
    """The reading side of one connection: bounded in length and in silence."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, on_too_long: Callable[["_Connection", int], None]):
        super().__init__(reader)
        self._transport = writer.transport
        self._on_too_long = on_too_long
        self.user: str | None = None
        self.client = ""
        self.ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._cut = False
        self._timer: asyncio.TimerHandle | None = None
        self.allow_silence(_LOGIN_S)

    def allow_silence(self, seconds: float) -> None:
        """Cut the connection once nothing has come in for so long; infinity is allowed."""
        self._silence_s = seconds
        if self._timer is not None:
            self._timer.cancel()
        self._watch()

    def _watch(self) -> None:
        left = self._heard + self._silence_s - self._loop.time()
        if left <= 0:
            self.cut()
        elif left < inf:
            self._timer = self._loop.call_later(left, self._watch)

    async def read(self, n: int = -1) -> bytes:
        if n > MAX_PACKET_BYTES and not self._cut:
            self._on_too_long(self, n)
            self.cut()
        if self._cut:
            # amqtt takes this for the end of the stream. What is left in the buffer is not worth its time.
            raise ConnectionResetError("connection cut")
        data: bytes = await super().read(n)
        self._heard = self._loop.time()
        return data

    def cut(self) -> None:
        self._cut = True
        self._transport.abort()
        if self._timer is not None:
            self._timer.cancel()

    async def end(self) -> None:
        """Cut the connection, and wait until amqtt is done with it: its last will is then on its way."""
        self.cut()
        await self.ended.wait()


class TownBroker(Broker):
    """`check_login(user, password)` gives the reason for refusing a box, or None; `on_refused` counts."""

    def __init__(
        self, listen: str, port: int, tls: ssl.SSLContext, check_login: CheckLogin, on_refused: OnRefused
    ) -> None:
        bind = f"[{listen}]:{port}" if ":" in listen else f"{listen}:{port}"
        listeners = {"default": ListenerConfig(bind=bind)}
        super().__init__(BrokerConfig(listeners=listeners, plugins={}, session_expiry_interval=_SESSION_S))
        self._tls = tls
        self._check_login = check_login
        self._on_refused = on_refused
        self._connections: set[_Connection] = set()
        self._by_client: dict[str, _Connection] = {}
        self._address = f"{listen}:{port}"
        self._sockets: asyncio.Server
        # The receiver's own login, for this process only.
        self.receiver = (_RECEIVER, secrets.token_urlsafe(24))

    async def open(self) -> int:
        """Listen; the port in use. UserError if that is impossible."""
        try:
            await self.start()
        except BrokerError as error:
            cause = error.__cause__
            if isinstance(cause, OSError | OverflowError):
                detail = "in use" if getattr(cause, "errno", 0) == errno.EADDRINUSE else str(cause)
                raise UserError("cannot-listen", address=self._address, detail=detail) from error
            raise
        return int(self._sockets.sockets[0].getsockname()[1])

    def drop(self, user: str) -> None:
        """End this user's connections: it was revoked."""
        for connection in list(self._connections):
            if connection.user == user:
                connection.cut()

    async def close(self) -> None:
        """End every connection, then the broker: amqtt would leave half-made ones open."""
        self._sockets.close()
        endings = [asyncio.create_task(connection.end()) for connection in self._connections]
        if endings:
            await asyncio.wait(endings, timeout=_LOGIN_S)
        await self.shutdown()

    # ---- amqtt's own steps, in the order in which a connection takes them

    async def _create_server_instance(
        self, listener_name: str, listener_type: Any, address: str | None, port: int, ssl_context: Any
    ) -> asyncio.Server:
        """Ask no client certificate, and give the handshake little time."""

        async def on_connection(reader: StreamReader, writer: StreamWriter) -> None:
            await self.stream_connected(reader, writer, listener_name)

        host = address.strip("[]") if address else None
        self._sockets = await asyncio.start_server(
            on_connection, host, port, ssl=self._tls, ssl_handshake_timeout=_LOGIN_S, ssl_shutdown_timeout=1
        )
        return self._sockets

    async def stream_connected(self, reader: StreamReader, writer: StreamWriter, listener_name: str) -> None:
        connection = _Connection(reader, writer, self._too_long)
        self._connections.add(connection)
        try:
            await self._client_connected(listener_name, connection, StreamWriterAdapter(writer))
        except OSError:
            pass  # lost before the login
        finally:
            connection.cut()
            self._connections.discard(connection)
            if self._by_client.get(connection.client) is connection:
                del self._by_client[connection.client]
            connection.ended.set()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Read CONNECT and check the login before anything of an older session is touched."""
        assert isinstance(reader, _Connection)
        try:
            handler, session = await BrokerProtocolHandler.init_from_connect(reader, writer, self.plugins_manager)
        except _UNREADABLE as error:
            # amqtt lets its own slips over a malformed packet out, too.
            self._on_refused("garbage", None, 0, "no valid CONNECT")
            raise AMQTTError("no valid CONNECT") from error
        if not await self._may_enter(session):
            await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            raise AMQTTError("login refused")
        reader.user = session.username
        reader.allow_silence(session.keep_alive * 1.5 or inf)
        # A client id is private to its user: nobody can take over another's session.
        reader.client = client = session.client_id = f"{session.username}/{session.client_id}"
        while (old := self._by_client.get(client)) is not None:
            await old.end()
        self._by_client[client] = reader
        return handler, await self._resume(session)

    async def _resume(self, session: Session) -> Session:
        """The session that this connection goes on with: the kept one, or its own."""
        client = session.client_id
        assert client is not None
        kept = self._sessions[client][0] if client in self._sessions else None
        session.parent = 0
        if kept is None or session.clean_session:
            await self._delete_session(client)
            return session
        for name in ("username", "keep_alive", "clean_session", "will_flag", "will_topic", "will_message"):
            setattr(kept, name, getattr(session, name))
        kept.will_qos, kept.will_retain = session.will_qos, session.will_retain
        kept.parent = 1
        return kept

    async def _handle_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, client_session: Session, *args: Any
    ) -> None:
        try:
            await super()._handle_client_session(reader, writer, client_session, *args)
        finally:
            if client_session.transitions.state == "connected":
                # amqtt leaves it so after a forbidden topic; the next connection would then not begin.
                client_session.transitions.disconnect()

    async def _authenticate(self, session: Session, _: ListenerConfig) -> bool:
        """Done in `_initialize_client_session`: nobody comes this far without."""
        return True

    async def _may_enter(self, session: Session) -> bool:
        user, password = session.username or "", session.password or ""
        claimed = user if len(user) == 16 else None
        if user == _RECEIVER:
            refused = None if secrets.compare_digest(password.encode(), self.receiver[1].encode()) else "login"
        else:
            refused = await self._check_login(user, password)
        if refused is not None:
            self._on_refused(refused, claimed, 0, "login refused")
            return False
        if session.will_flag and not self._allowed(user, session.will_topic, Action.PUBLISH):
            self._on_refused("wrong-topic", claimed, 0, "last will on a topic of another")
            return False
        return True

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        user = session.username or ""
        allowed = self._allowed(user, topic, action)
        if not allowed and action is not Action.RECEIVE:
            self._on_refused("wrong-topic", user, 0, f"{action} on a topic of another")
        return allowed

    @staticmethod
    def _allowed(user: str, topic: str | None, action: Action) -> bool:
        return user == _RECEIVER or topic in [f"alertbox/{user}/{name}" for name in _MAY[action]]

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Only to a client that has this subscription: amqtt asks for those of all clients at each reconnect."""
        if any(subscriber is session for subscriber, _ in self._subscriptions.get(subscription[0], ())):
            await super()._publish_retained_messages_for_subscription(subscription, session)

    def _too_long(self, connection: _Connection, size: int) -> None:
        self._on_refused("too-large", connection.user, size, f"a packet of {size} bytes")
