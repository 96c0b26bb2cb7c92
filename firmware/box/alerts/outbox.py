"""From the journal to the receiver, until the receiver says `received`.

The journal is the queue; this only remembers what is under way. Strongest then
newest goes first; a press is tried for ever, with back-off. The broker's PUBACK
proves nothing about the receiver: only the receiver's authenticated
acknowledgement ends the sending.
"""

import asyncio

from box.core import alert, cose
from box.errors import StorageError, TransportError
from box.log import Log

_RESEND_MS = (5000, 10000, 20000, 40000, 60000)
_UNDER_WAY = 16  # alerts sent and not yet acknowledged that are remembered
_PROMPT_MS = 10000  # an acknowledgement within this time of sending is an answer to it
_SENDERS = 2  # the transport's window of unconfirmed messages

_log = Log("dispatcher")


class _UnderWay:
    """An alert that was sent and waits for its acknowledgement."""

    def __init__(self, sequence: int, kind: int):
        self.sequence = sequence
        self.kind = kind
        self.rank = (alert.strength(kind), sequence)
        self.tries = 0
        self.sent_ms = 0
        self.due_ms = 0
        self.is_sending = False


class Dispatcher:
    """Ties journal, transport and acknowledgements together.

    `key`: the HMAC key of acknowledgements. `on_received(kind, state, utc)` is told of each first one; `utc` is the
    receiver's time in Unix seconds, None if it may be an old one.
    """

    def __init__(self, journal, box: bytes, key: bytes, clock, random, on_received):
        self._journal = journal
        self._box = box
        self._key = key
        self._clock = clock
        self._random = random
        self._on_received = on_received
        self._under_way: dict = {}  # sequence: _UnderWay
        self._wake = asyncio.Event()
        self._turns = [0] * _SENDERS

    @property
    def turns(self) -> int:
        """Grows at least every minute, as long as no sender is stuck."""
        return min(self._turns)

    def notify(self) -> None:
        """There is a new alert in the journal."""
        self._wake.set()

    def link_changed(self) -> None:
        """What was sent before a reconnect may be lost: it is due again at once."""
        for item in self._under_way.values():
            item.due_ms = 0
        self._wake.set()

    async def run(self, transport) -> None:
        """Send for ever over `transport`: `connected`, `wait_connected()`, `send(message)` or TransportError."""
        await asyncio.gather(*[self._sender(transport, number) for number in range(_SENDERS)])

    async def _sender(self, transport, number: int) -> None:
        while True:
            self._turns[number] += 1
            if not transport.connected:
                await _wait(transport.wait_connected(), _RESEND_MS[-1])
                continue
            item, wait_ms = self._next()
            if item is None:
                self._wake.clear()
                await _wait(self._wake.wait(), wait_ms)
                continue
            item.is_sending = True
            try:
                await self._send(transport, item)
            finally:
                item.is_sending = False

    async def _send(self, transport, item: _UnderWay) -> None:
        try:
            body, signature = self._journal.load(item.sequence)
        except StorageError as error:  # given up for lack of room, or unreadable
            _log.warning("not sent", seq=item.sequence, reason=error)
            self._under_way.pop(item.sequence, None)
            return
        item.sent_ms = self._clock.now()
        item.due_ms = item.sent_ms + self._back_off(item.tries)
        item.tries += 1
        _log.info("sending", seq=item.sequence, tries=item.tries)
        try:
            await transport.send(cose.sign1(body, signature))
        except TransportError as error:
            _log.warning("not sent", seq=item.sequence, reason=error)

    def _next(self) -> tuple:
        """(what to send now or None, ms until something is due)."""
        fresh = self._take_fresh()
        if fresh is not None:
            return fresh, 0
        now = self._clock.now()
        wait_ms = _RESEND_MS[-1]
        best = None
        for item in self._under_way.values():
            if item.is_sending:
                continue
            if item.due_ms > now:
                wait_ms = min(wait_ms, item.due_ms - now)
            elif best is None or item.rank > best.rank:
                best = item
        return best, wait_ms

    def _take_fresh(self) -> "_UnderWay | None":
        """The strongest alert that is not under way, if there is room among those that are.

        A stronger one takes the weakest's place, which stays in the journal and gets its turn again.
        """
        sequence = self._journal.best(self._under_way)
        if sequence is None:
            return None
        item = _UnderWay(sequence, self._journal.kind(sequence))
        if len(self._under_way) >= _UNDER_WAY:
            weakest = min([other for other in self._under_way.values() if not other.is_sending], key=_rank)
            if item.rank < weakest.rank:
                return None
            self._under_way.pop(weakest.sequence)
        self._under_way[sequence] = item
        return item

    def _back_off(self, tries: int) -> int:
        base = _RESEND_MS[min(tries, len(_RESEND_MS) - 1)]
        return base + base * self._random(1)[0] // 1024  # up to a quarter more, so that boxes do not march in step

    def acknowledge(self, message: bytes) -> None:
        """Take an acknowledgement as it came from the network."""
        try:
            box, sequence, utc, state = alert.decode_ack(cose.open_mac0(message, self._key, cose.ACK_AAD))
            if box != self._box:
                raise ValueError("it is for another box")
        except ValueError as error:
            _log.warning("acknowledgement refused", reason=error)
            return
        kind = self._journal.kind(sequence)
        first = self._journal.received(sequence)
        if state == alert.IN_CHARGE:
            first = self._journal.in_charge(sequence) or first
        item = self._under_way.pop(sequence, None)
        if not first:
            return
        _log.info("received", seq=sequence, state=state)
        # One that waited at the broker while the box was away tells an old time.
        is_prompt = item is not None and self._clock.now() - item.sent_ms < _PROMPT_MS
        self._on_received(kind, state, utc if is_prompt else None)
        self._wake.set()


def _rank(item: _UnderWay) -> tuple:
    return item.rank


async def _wait(event, most_ms: int) -> None:
    try:
        await asyncio.wait_for_ms(event, most_ms)
    except asyncio.TimeoutError:
        pass
