"""The way to the receiver: Wi-Fi, the link over it, and who sends what waits in the journal."""

import os

import network

from box.alerts.outbox import Outbox
from box.core import cose, mac
from box.errors import TransportError
from box.log import Log
from box.transports.dns import AddressFile, Resolver
from box.transports.link import Link
from box.transports.wifi import Wifi
from box.wiring.flash import ADDRESS_FILE

_log = Log("network")


def radio_on() -> None:
    """The hardware generator is only random with the radio on. Without it the box is armed all the same."""
    try:
        network.WLAN(network.STA_IF).active(True)
    except (OSError, RuntimeError) as error:  # the port raises both
        _log.error("the radio does not start", reason=error)


class Network:
    """`link`, `outbox`: None while the box is not enrolled; there is Wi-Fi alone then."""

    def __init__(self, settings: dict, stored, clock, status):
        self._wlan = network.WLAN(network.STA_IF)
        self.wifi = Wifi(self._wlan, [(each["ssid"], each["key"]) for each in settings["wifi"]])
        self.link = self.outbox = None
        where, enrolment = settings["receiver"], stored.login
        if enrolment is None or not where["host"]:
            return
        resolver = Resolver(lambda: [self._wlan.ifconfig()[3]], AddressFile(ADDRESS_FILE, where["host"]), os.urandom)
        try:
            # A handshake would hold up the reading of a gesture.
            link = Link(
                where, enrolment, stored.identity.box, resolver, lambda: self.wifi.connected and not status.busy
            )
        except TransportError as error:
            _log.error("no link", reason=error)
            return
        key = mac.hkdf_sha256(enrolment.secret, cose.ACK_INFO)
        outbox = Outbox(((link, 0),), stored.journal, (stored.identity.box, key), clock, os.urandom)
        link.wire(outbox.acknowledge, lambda: outbox.reconnected(0))
        self.link, self.outbox = link, outbox

    @property
    def connected(self) -> bool:
        return self.link is not None and self.link.connected

    def rows(self) -> list:
        """What runs, as parts.py takes it."""
        if self.link is None:
            return [("wifi", 30_000, self.wifi, (lambda connected: None,))]
        return [
            ("wifi", 30_000, self.wifi, (self.link.network_changed,)),
            ("link", 120_000, self.link, ()),
            ("outbox", 120_000, self.outbox, ()),
        ]
