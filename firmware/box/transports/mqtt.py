"""The box's MQTT 3.1.1 client over TLS: one connection, kept up, so that a press pays no handshake.

Constraint: nothing here blocks the loop for longer than one TLS computation.

Delivery is at least once from end to end, out of the journal: publish() returns when
the broker has taken the message, and raises TransportError when that cannot be known.
The outbox then sends it again, so the client keeps no message over a reconnect.

The client never sends DISCONNECT: however the box goes away, its last will tells of it.
"""

import asyncio
import time

from box.core import mqtt
from box.errors import TransportError
from box.log import Log
from box.transports.mqtt_session import Session
from box.transports.tls import client_context, explain

_STEADY_ROUNDS = 60  # a connection that held longer starts the back-off anew
_HOLD_POLL_MS = 100

_log = Log("mqtt")


async def address_as_given(host: str) -> str:
    """For a host given as an IP address; a name would be looked up by a call that blocks the loop."""
    return host


def _nothing() -> None:
    pass


class MqttClient:
    """Keep one connection to the broker.

    `will` is (topic, payload). `on_message(topic, payload)` is acknowledged when it returns without an
    error; it can see a message twice. `on_connected()` is called each time the client comes up,
    before those who wait for the connection go on.
    `may_connect()` is asked before each connection: False during an open gesture (a handshake blocks the
    chip for 0.3-0.7 s) and without a network. `random(n)` gives n bytes. `resolve(host)` gives the IP
    address; it is awaited before each connection.
    """

    # In milliseconds. The system tests shorten them on the instance.
    round_ms = 1_000  # the unit of all waits for the broker, see Session
    backoff_ms = (1_000, 40_000)  # below the receiver's minute of grace after its own absence

    def __init__(
        self,
        *,
        host: str,
        port: int,
        server_hostname: str,
        ca_der: bytes,
        client_id: str,
        username: str,
        password: str,
        will: tuple,
        subscriptions: tuple,
        on_message,
        may_connect,
        random,
        on_connected=_nothing,
        keepalive_s: int = 30,
        resolve=address_as_given,
    ):
        self.host, self.port, self.server_hostname = host, port, server_hostname
        self.connect_packet = mqtt.connect(client_id, username, password, will[0], will[1], keepalive_s)
        self.subscriptions = subscriptions
        self.on_message = on_message
        self.keepalive_s = keepalive_s
        self.resolve = resolve
        self.packets = mqtt.PacketReader()
        self.turns = 0  # grows at least every back-off, and every second while there is a connection
        self._on_connected = on_connected
        self._may_connect = may_connect
        self._random = random
        self._packet_id = 0
        self._session: "Session | None" = None  # the connection, or the attempt to make one
        self._up = asyncio.Event()  # the one place that says whether the client is connected
        self._hurry = asyncio.Event()
        self._delay_ms = self.backoff_ms[0]
        try:
            self.tls_context = client_context(ca_der)
        except ValueError:
            raise TransportError("the CA certificate is not a certificate in DER form: enrol the box again") from None

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    def down(self) -> None:
        """The session's word that it is lost: at once, or a sender that asks `connected` would spin on a dead one."""
        self._up.clear()

    async def wait_connected(self) -> None:
        await self._up.wait()

    async def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish with QoS 1; returns when the broker has acknowledged it.

        Raises TransportError when there is no connection, it is lost, or no PUBACK comes in 10 s (then the
        connection is given up too). Waits while two others are in flight.
        """
        if self._session is None or not self.connected:
            raise TransportError("there is no connection to the broker")
        await self._session.publish(topic, payload, retain)

    def drop(self, reason: str) -> None:
        """Give up the connection, the attempt or the wait for the next one, and begin anew at once."""
        self._delay_ms = self.backoff_ms[0]
        self._hurry.set()
        if self._session is not None:
            self._session.lose(TransportError(reason))

    def hurry(self) -> None:
        """There is something to send: do not wait out the back-off."""
        if not self.connected:
            self._delay_ms = self.backoff_ms[0]
            self._hurry.set()

    async def run(self) -> None:
        """Connect, serve and reconnect until cancelled."""
        self._delay_ms = self.backoff_ms[0]
        while True:
            while not self._may_connect():
                self.turns += 1
                await asyncio.sleep_ms(_HOLD_POLL_MS)
            self.turns += 1
            self._hurry.clear()
            if await self._connect_and_serve() > _STEADY_ROUNDS:
                self._delay_ms = self.backoff_ms[0]
            await self._back_off()

    async def _back_off(self) -> None:
        """Wait for between half and the whole of the delay, so that a town's boxes do not return in one wave."""
        wait_ms = self._delay_ms - self._delay_ms * self._random(1)[0] // 512
        self._delay_ms = min(2 * self._delay_ms, self.backoff_ms[1])
        try:
            await asyncio.wait_for_ms(self._hurry.wait(), wait_ms)
        except asyncio.TimeoutError:
            pass

    async def _connect_and_serve(self) -> int:
        """One connection, from the first packet until it is lost; for how many rounds it lasted."""
        session = self._session = Session(self)
        started_ms = time.ticks_ms()

        def up() -> None:
            _log.info("connected", ms=time.ticks_diff(time.ticks_ms(), started_ms))
            self._on_connected()
            self._up.set()

        try:
            await session.run(up)
        except (TransportError, OSError, ValueError, EOFError) as error:
            _log.warning("lost" if session.was_up else "refused", reason=explain(error))
        finally:
            self._session = None
            self.down()
        return session.round

    def next_packet_id(self) -> int:
        # 65,535 of them and two in flight: none comes round while it is in use.
        self._packet_id = self._packet_id % 0xFFFF + 1
        return self._packet_id
