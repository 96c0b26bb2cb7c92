"""One connection of the MQTT client, from the first TCP packet until it is lost.

Constraint: three tasks (talk, watch, flush) live exactly as long as it, and the first
that fails ends it, so that there is no half-dead state.

Waits for the broker are counted in rounds of the watch (a second each), not in
milliseconds: a loop that stood still for 20 s has seen one long round, and the reply
that lies unread in the socket is not taken for a silent broker.
"""

import asyncio

from box.core import mqtt
from box.errors import TransportError
from box.log import Log
from box.transports.tls import TlsLink, explain

_WINDOW = 2  # publishes in flight: with more, a small ESP32's heap grows over the network's memory
_CONNECT_ROUNDS = 15  # from the first TCP packet to the SUBACK
_REPLY_ROUNDS = 10  # for a PUBACK, or for anything after a ping

_log = Log("mqtt")


class _Flight:
    """A publish that waits for its PUBACK."""

    def __init__(self, round_number: int):
        self.round = round_number  # in which it was sent
        self.done = asyncio.Event()


class Session:
    """`client` is the MqttClient, for its settings and its handlers."""

    def __init__(self, client):
        self.round = 0
        self._client = client
        self._link = TlsLink()
        self._in_flight: dict = {}  # packet id: _Flight
        self._window_moved = asyncio.Event()
        self.was_up = False
        self._sent_round = 0
        self._ping_round: "int | None" = None  # while a PINGREQ waits for an answer
        self._error: "Exception | None" = None
        self._lost = asyncio.Event()

    async def run(self, up) -> None:
        """Connect, call `up()`, and serve. Never returns: raises the reason when the connection is lost."""
        parts = (self._talk(up), self._watch(), self._link.keep_flushing())
        tasks = [asyncio.create_task(self._guard(part)) for part in parts]
        try:
            await self._lost.wait()
        finally:
            for task in tasks:
                task.cancel()
            self.lose(TransportError("the client was stopped"))
            self._link.close()
        raise self._error  # type: ignore[misc] # lose() has set it

    def lose(self, error: Exception) -> None:
        """End the connection. The first reason counts; everybody who waits on it hears of it."""
        if self._error is None:
            self._error = error
        self._client.down()
        self._lost.set()
        for flight in self._in_flight.values():
            flight.done.set()  # and as they leave, they wake those who wait for the window

    async def publish(self, topic: str, payload: bytes, retain: bool) -> None:
        """See MqttClient.publish()."""
        while len(self._in_flight) >= _WINDOW and self._error is None:
            self._window_moved.clear()
            await self._window_moved.wait()
        self._check()
        packet_id = self._client.next_packet_id()
        packet = mqtt.publish(topic, payload, packet_id, retain)
        flight = self._in_flight[packet_id] = _Flight(self.round)
        try:
            self._send(packet)
            await flight.done.wait()
            if packet_id in self._in_flight:  # woken by lose(), not by its PUBACK
                self._check()
        finally:
            self._landed(packet_id)

    def _check(self) -> None:
        if self._error is not None:
            raise TransportError(explain(self._error))

    async def _guard(self, part) -> None:
        try:
            await part
        except Exception as error:  # noqa: BLE001 - run() raises it, also when it is our own bug
            self.lose(error)

    # ---- The three tasks; the third is TlsLink.keep_flushing() ----

    async def _talk(self, up) -> None:
        await self._connect()
        await self._subscribe()
        self.was_up = True
        up()
        while True:
            self._handle(await self._next_packet())

    async def _watch(self) -> None:
        """Ping when nothing was sent for half the keepalive; give up on a broker that does not answer."""
        ping_rounds = self._client.keepalive_s * 500 // self._client.round_ms
        while True:
            await asyncio.sleep_ms(self._client.round_ms)
            self.round += 1
            self._client.turns += 1
            if not self.was_up:
                if self.round > _CONNECT_ROUNDS:
                    raise TransportError("the broker does not answer")
                continue
            overdue = self.round - _REPLY_ROUNDS
            for flight in self._in_flight.values():
                if flight.round < overdue:
                    raise TransportError("the broker does not acknowledge a publish")
            if self._ping_round is not None:
                if self._ping_round < overdue:
                    raise TransportError("the broker does not answer a ping")
            elif self.round - self._sent_round >= ping_rounds:
                self._send(mqtt.PINGREQ)
                self._ping_round = self.round

    # ---- Coming up ----

    async def _connect(self) -> None:
        client = self._client
        client.packets.clear()
        address = await client.resolve(client.host)
        await self._link.open(client.tls_context, address, client.port, client.server_hostname, client.connect_packet)
        packet = await self._next_packet()
        if packet[0] != mqtt.CONNACK:
            raise mqtt.MqttError("the first packet from the broker is no CONNACK")
        if packet[2]:
            raise TransportError(mqtt.refusal(packet[2]))

    async def _subscribe(self) -> None:
        """Always, not only when the broker has no session of ours: it may have changed. Without its SUBACK
        the box cannot be reached, so it does not count as connected."""
        topics = self._client.subscriptions
        packet_id = self._client.next_packet_id()
        self._send(mqtt.subscribe(packet_id, topics))
        packet = await self._next_packet()
        while packet[0] != mqtt.SUBACK:  # messages that waited for the box come before it
            self._handle(packet)
            packet = await self._next_packet()
        if packet[1] != packet_id or len(packet[2]) != len(topics):
            raise mqtt.MqttError("a SUBACK for another SUBSCRIBE")
        if mqtt.SUBSCRIPTION_REFUSED in packet[2]:
            topic = topics[packet[2].index(mqtt.SUBSCRIPTION_REFUSED)]
            raise TransportError("the broker refuses the subscription to %s" % topic)

    # ---- Packets in and out ----

    async def _next_packet(self) -> tuple:
        packets = self._client.packets
        packet = packets.next_packet()
        while packet is None:
            # A broker sends what has waited for the box in one burst, and each message wants a PUBACK.
            await self._link.ready_for_more()
            packets.feed(await self._link.receive(packets.room()))
            self._ping_round = None
            packet = packets.next_packet()
        return packet

    def _handle(self, packet: tuple) -> None:
        if packet[0] == mqtt.PUBLISH:
            self._deliver(packet[1], packet[2], packet[3])
        elif packet[0] == mqtt.PUBACK:
            self._landed(packet[1])  # an unknown one answers a publish that its caller gave up
        elif packet[0] != mqtt.PINGRESP:
            raise mqtt.MqttError("a packet of type %d in the middle of a connection" % packet[0])

    def _deliver(self, topic: str, payload: bytes, packet_id: int) -> None:
        try:
            self._client.on_message(topic, payload)
        except Exception as error:  # noqa: BLE001 - one message that its handler cannot bear must not stop the alerts
            _log.error("message not taken", topic=topic, reason=repr(error))
            return
        if packet_id:
            self._send(mqtt.puback(packet_id))

    def _send(self, packet: bytes) -> None:
        try:
            self._link.send(packet)
        except OSError as error:
            self.lose(error)
        self._sent_round = self.round

    def _landed(self, packet_id: int) -> None:
        flight = self._in_flight.pop(packet_id, None)
        if flight is not None:
            flight.done.set()
            self._window_moved.set()
