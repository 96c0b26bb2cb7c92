"""The way to the receiver, wired: Wi-Fi, the link over it, and who sends what waits in the journal."""

import os

from box.alerts.outbox import Dispatcher
from box.core import cose, mac
from box.errors import TransportError
from box.log import Log
from box.transports.dns import AddressFile, Resolver
from box.transports.link import ReceiverLink
from box.transports.wifi import Wifi
from box.wiring.flash import ADDRESS_FILE

_log = Log("uplink")


class Uplink:
    """`enrolment` is None while the box has none: there is Wi-Fi alone then.

    `is_busy()`: is a gesture being read? `received`: as alerts/outbox.py says.
    """

    def __init__(self, wlan, settings: dict, enrolment, journal, identity, clock, is_busy, received):
        self.wifi = Wifi(wlan, [(each["ssid"], each["key"]) for each in settings["wifi"]])
        self._link: "ReceiverLink | None" = None
        where = settings["receiver"]
        if enrolment is None or not where["host"]:
            return
        key = mac.hkdf_sha256(enrolment.secret, cose.ACK_INFO)
        self._dispatcher = Dispatcher(journal, identity.box, key, clock, os.urandom, received)
        self._resolver = Resolver(lambda: [wlan.ifconfig()[3]], AddressFile(ADDRESS_FILE, where["host"]), os.urandom)
        try:
            self._link = ReceiverLink(
                where,
                enrolment,
                identity.box,
                # A handshake would hold up the reading of a gesture.
                lambda: self.wifi.connected and not is_busy(),
                os.urandom,
                self._dispatcher.acknowledge,
                self._linked,
                self._resolver.resolve,
            )
        except TransportError as error:
            _log.error("no link", reason=error)

    @property
    def leads_somewhere(self) -> bool:
        """Is there a receiver that it knows of?"""
        return self._link is not None

    @property
    def connected(self) -> bool:
        return self._link is not None and self._link.connected

    def notify(self, urgent: bool) -> None:
        """Something new is in the journal. What is urgent does not wait for the link to try again by itself."""
        if self._link:
            self._dispatcher.notify()
            if urgent:
                self._link.hurry()

    def _linked(self) -> None:
        self._resolver.confirm()
        self._dispatcher.link_changed()

    def tasks(self) -> dict:
        if self._link is None:
            return {"wifi": self.wifi.run(lambda connected: None)}
        return {
            "wifi": self.wifi.run(self._link.network_changed),
            "link": self._link.run(),
            "dispatcher": self._dispatcher.run(self._link),
        }

    def watched(self) -> dict:
        """Of each task that is watched, as parts.py takes it."""
        return {
            "wifi": (self.wifi, 30_000),
            "link": (self._link, 120_000),
            "dispatcher": (self._dispatcher, 120_000),
        }
