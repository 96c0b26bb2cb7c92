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


class Dispatcher:
    """Ties journal, transport and acknowledgements together.

    `key`: the HMAC key of acknowledgements. `on_received(sequence, state, utc)` is told of each first one;
    `utc` is the receiver's time in Unix seconds, None if it may be an old one.
    """

    def __init__(self, journal, box: bytes, key: bytes, clock, random, on_received):
        self._journal = journal
        self._box = box
        self._key = key
        self._clock = clock
        self._random = random
        self._on_received = on_received
        self._due: dict = {}  # sequence: when to send again, ms
        self._tries: dict = {}
        self._sent_ms: dict = {}
        self._sending: set = set()
        self._wake = asyncio.Event()

    def notify(self) -> None:
        """There is a new alert in the journal, or the link came back."""
        self._wake.set()

    def link_changed(self) -> None:
        """What was sent before a reconnect may be lost: it is due again at once."""
        for sequence in self._due:
            self._due[sequence] = 0
        self._wake.set()

    async def run(self, transport) -> None:
        """Send for ever over `transport`: `await wait_connected()`, `await send(message)` or TransportError."""
        await asyncio.gather(*[self._sender(transport) for _ in range(_SENDERS)])

    async def _sender(self, transport) -> None:
        while True:
            await transport.wait_connected()
            sequence, wait_ms = self._next()
            if sequence is None:
                self._wake.clear()
                try:
                    await asyncio.wait_for_ms(self._wake.wait(), wait_ms)
                except asyncio.TimeoutError:
                    pass
                continue
            self._sending.add(sequence)
            try:
                await self._send(transport, sequence)
            finally:
                self._sending.discard(sequence)

    async def _send(self, transport, sequence: int) -> None:
        tries = self._tries.get(sequence, 0)
        self._tries[sequence] = tries + 1
        self._due[sequence] = self._clock.now() + self._back_off(tries)
        self._sent_ms[sequence] = self._clock.now()
        _log.info("sending", seq=sequence, tries=tries + 1)
        try:
            body, signature = self._journal.load(sequence)
            await transport.send(cose.sign1(body, signature))
        except (TransportError, StorageError) as error:
            _log.warning("not sent", seq=sequence, reason=error)

    def _next(self) -> tuple:
        """(sequence to send now or None, ms until something is due)."""
        now = self._clock.now()
        fresh = self._journal.best(self._due)
        if fresh is not None and self._has_room(fresh):
            return fresh, 0
        wait_ms = _RESEND_MS[-1]
        best = None
        for sequence, due in list(self._due.items()):
            if self._journal.kind(sequence) is None:
                self._forget(sequence)  # given up for lack of room
                continue
            if sequence in self._sending:
                continue
            if due > now:
                wait_ms = min(wait_ms, due - now)
            elif best is None or self._rank(sequence) > self._rank(best):
                best = sequence
        return best, wait_ms

    def _rank(self, sequence: int) -> tuple:
        return alert.strength(self._journal.kind(sequence)), sequence

    def _has_room(self, sequence: int) -> bool:
        """Room among those under way; a stronger alert takes the weakest's place, which stays in the journal."""
        if len(self._due) < _UNDER_WAY:
            return True
        weakest = min([other for other in self._due if other not in self._sending], key=self._rank)
        if self._rank(sequence) < self._rank(weakest):
            return False
        self._forget(weakest)
        return True

    def _back_off(self, tries: int) -> int:
        base = _RESEND_MS[min(tries, len(_RESEND_MS) - 1)]
        return base + base * self._random(1)[0] // 1024  # up to a quarter more, so that boxes do not march in step

    def _forget(self, sequence: int) -> None:
        self._due.pop(sequence, None)
        self._tries.pop(sequence, None)
        self._sent_ms.pop(sequence, None)

    def acknowledge(self, message: bytes) -> None:
        """Take an acknowledgement as it came from the network."""
        try:
            box, sequence, utc, state = alert.decode_ack(cose.open_mac0(message, self._key, cose.ACK_AAD))
        except ValueError as error:
            _log.warning("acknowledgement refused", reason=error)
            return
        if box != self._box:
            _log.warning("acknowledgement refused", reason="it is for another box")
            return
        first = self._journal.received(sequence)
        if state == alert.IN_CHARGE:
            first = self._journal.in_charge(sequence) or first
        sent_ms = self._sent_ms.get(sequence)
        self._forget(sequence)
        if not first:
            return
        _log.info("received", seq=sequence, state=state)
        # One that waited at the broker while the box was away tells an old time.
        is_prompt = sent_ms is not None and self._clock.now() - sent_ms < _PROMPT_MS
        self._on_received(sequence, state, utc if is_prompt else None)
        self._wake.set()
