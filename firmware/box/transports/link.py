"""The link to the receiver over MQTT: which topic carries what.

alertbox/<box>/alert up, /ack down, /state retained with the last will, so that
the broker itself tells of a box that fell silent.
"""

import asyncio

from box.errors import TransportError
from box.log import Log
from box.transports.mqtt import MqttClient

_ONLINE, _OFFLINE = b"online", b"offline"

_log = Log("link")


class Link:
    """A path of alerts/outbox.py. `where`: host, port, server_name of the broker; `enrolment`: user, password, ca.

    `may_connect()` is asked before each connection; `wire` says who else is called.
    """

    name = "network"

    def __init__(self, where: dict, enrolment, box: bytes, resolver, may_connect):
        base = "alertbox/%s/" % box.hex()
        self._alert = base + "alert"
        self._state = base + "state"
        self._resolver = resolver
        self._linked = asyncio.Event()
        self._client = MqttClient(
            host=where["host"],
            port=where["port"],
            server_hostname=where["server_name"] or where["host"],
            ca_der=enrolment.ca,
            client_id=enrolment.user,
            username=enrolment.user,
            password=enrolment.password,
            will=(self._state, _OFFLINE),
            subscriptions=(base + "ack",),
            on_message=lambda topic, message: self._on_message(message),
            on_connected=self._connected,
            may_connect=may_connect,
            random=resolver.random,
            resolve=resolver.resolve,
        )

    def wire(self, on_message, on_link) -> None:
        """`on_message(message)` gets each acknowledgement as it came.

        `on_link()` is told of each new connection, before anything is sent over it.
        """
        self._on_message = on_message
        self._on_link = on_link

    @property
    def connected(self) -> bool:
        return self._client.connected

    @property
    def turns(self) -> int:
        """Grows as long as the link is looked after."""
        return self._client.turns

    async def wait_connected(self) -> None:
        await self._client.wait_connected()

    async def send(self, message: bytes) -> None:
        """Hand one alert to the broker; TransportError if it did not take it."""
        await self._client.publish(self._alert, message)

    def hurry(self) -> None:
        """A press waits: try to connect now."""
        self._client.hurry()

    def network_changed(self, connected: bool) -> None:
        """A network that comes back finds the old connection half dead: begin anew."""
        if not connected:
            self._client.drop("the network is gone")

    async def run(self) -> None:
        await asyncio.gather(self._client.run(), self._announce())

    def _connected(self) -> None:
        self._resolver.confirm()
        self._on_link()
        self._linked.set()

    async def _announce(self) -> None:
        while True:
            await self._linked.wait()
            self._linked.clear()
            try:
                await self._client.publish(self._state, _ONLINE, retain=True)
            except TransportError as error:
                _log.warning("state not told", reason=error)
