"""The receiver's address by our own DNS query over UDP, and the last address that was good.

The chip's getaddrinfo() blocks the whole box for seconds when the DNS server is silent; this never
does. DNS is only a hint: TLS checks who answers at an address. An address is good once a connection to
it stood, so neither a captive portal nor a forged answer takes the place of a good one.
"""

import asyncio
import errno
import socket
import time

from box.core import dns
from box.errors import TransportError
from box.log import Log

_PORT = 53
_TRIES = 2
_POLL_MS = 20
_POLLS = 100  # 2 s a try, counted in turns: a loop that stood still has not waited
_LONGEST_TTL_S = 3600
_NO_SERVER = "0.0.0.0"  # what the chip says before DHCP has given it one

_log = Log("dns")


class AddressFile:
    """Keeps one address of `host` over restarts. Written to as seldom as the address changes.

    A box that is enrolled for another host must not go to the old one's address, so the name stands beside it.
    """

    def __init__(self, path: str, host: str):
        self._path = path
        self._host = host

    def load(self) -> "str | None":
        try:
            with open(self._path) as file:
                host, address = file.read().split()
        except (OSError, ValueError):  # none yet, or damaged
            return None
        return address if host == self._host and dns.is_address(address) else None

    def save(self, address: str) -> None:
        try:
            with open(self._path, "w") as file:
                file.write("%s %s" % (self._host, address))
        except OSError as error:
            _log.warning("last good address not kept", reason=error)


class Resolver:
    """The address of one host. `servers()` lists the DNS servers to ask in turn; `store` is an AddressFile;
    `random(n)` gives n bytes."""

    def __init__(self, servers, store, random):
        self._servers = servers
        self._store = store
        self.random = random
        self._good = store.load()
        self._given: "str | None" = None  # handed out last, and not known to be good
        self._fresh = False  # `_good` worked, and has not been handed out since
        self._stale_ms = time.ticks_ms()  # when the answer's time to live is over

    async def resolve(self, host: str) -> str:
        """An IP address for `host`. TransportError if there is none to be had."""
        if ":" in host or dns.is_address(host):
            return host
        address = self._good
        if address is None or not self._fresh or time.ticks_diff(self._stale_ms, time.ticks_ms()) <= 0:
            try:
                address = self._choose(await self._look_up(host))
                _log.info("looked up", host=host, address=address)
            except TransportError as error:
                if address is None:
                    raise
                _log.warning("using the last good address", address=address, reason=error)
        self._fresh = False
        self._given = address
        return address

    def confirm(self) -> None:
        """A connection to the address handed out last stands, certificate checked: it is good."""
        if self._given is None:
            return
        self._fresh = True
        if self._given != self._good:
            self._good = self._given
            self._store.save(self._given)
        self._given = None

    def _choose(self, addresses: list) -> str:
        """The good one if it is among them, else any, but not the one that has just failed. If DNS knows no other,
        it may be lying: then the good one's turn comes again."""
        others = [address for address in addresses if address != self._given] or [self._good or self._given]
        return self._good if self._good in others else others[self.random(1)[0] % len(others)]

    async def _look_up(self, host: str) -> list:
        reason: "Exception | str" = "the network names no DNS server"
        servers = [server for server in self._servers() if server != _NO_SERVER]
        for server in (_TRIES * servers)[:_TRIES]:
            try:
                addresses, ttl_s = await self._ask(server, host)
            except (OSError, dns.DnsError) as error:
                reason = error
                continue
            self._stale_ms = time.ticks_add(time.ticks_ms(), 1000 * min(ttl_s, _LONGEST_TTL_S))
            return addresses
        raise TransportError("%s cannot be looked up (%s): check the network's DNS and the name" % (host, reason))

    async def _ask(self, server: str, host: str) -> tuple:
        """One query from a port of its own: (addresses, seconds for which they hold), OSError or DnsError."""
        query = dns.encode_query(host, int.from_bytes(self.random(2), "big"))
        address = socket.getaddrinfo(server, _PORT, 0, socket.SOCK_DGRAM)[0][-1]
        plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            plain.setblocking(False)
            plain.connect(address)  # from now on the stack drops what comes from elsewhere
            plain.send(query)
            for _ in range(_POLLS):
                await asyncio.sleep_ms(_POLL_MS)
                try:
                    response = plain.recv(dns.LONGEST)
                except OSError as error:
                    if error.errno != errno.EAGAIN:
                        raise
                    continue
                if dns.is_reply(query, response):
                    return dns.decode_response(query, response)
            raise dns.DnsError("the DNS server does not answer")
        finally:
            plain.close()
