"""From the journal to the receiver, until the receiver says `received`.

The journal is the queue; `core/outbox.py` says what goes next over which path. A broker's PUBACK proves nothing about
the receiver: only the receiver's authenticated acknowledgement ends the sending.
"""

import asyncio

from box.core import alert, cose
from box.core.outbox import RESEND_MS, Queue, UnderWay
from box.errors import StorageError, TransportError
from box.log import Log

_SENDERS = 2  # on each path: its window of unconfirmed messages

_log = Log("outbox")


class Outbox:
    """`paths`: (path, after_ms) each, the preferred one first; core/outbox.py explains `after_ms`.

    A path has `name`, `connected`, `wait_connected()`, `hurry()`, and `send(message)`, which may raise TransportError.
    `keys`: the box id, and the HMAC key of acknowledgements. `random(n)`: n bytes.
    `listeners`: each has `answered(sequence, kind, state)` and is told of each first acknowledgement.
    """

    def __init__(self, paths: tuple, journal, keys: tuple, clock, random):
        self.listeners: tuple = ()
        self._paths = [path for path, _ in paths]
        self._queue = Queue(journal, tuple([after_ms for _, after_ms in paths]), random)
        self._journal = journal
        self._box, self._key = keys
        self._clock = clock
        self._wake = [asyncio.Event() for _ in range(_SENDERS * len(paths))]
        self._turns = [0] * len(self._wake)

    @property
    def turns(self) -> int:
        """Grows at least every minute, as long as no sender is stuck."""
        return min(self._turns)

    def alert(self, sequence: int, kind: int) -> None:
        """There is a new alert in the journal. A press does not wait for a path to try again by itself."""
        self._wake_all()
        if kind in alert.PRESSES:
            for path in self._paths:
                path.hurry()

    def reconnected(self, number: int) -> None:
        """The path of this number has a new connection."""
        self._queue.reconnected(number)
        self._wake_all()

    async def run(self) -> None:
        await asyncio.gather(*[self._sender(number) for number in range(len(self._wake))])

    async def _sender(self, number: int) -> None:
        which = number // _SENDERS
        path, wake = self._paths[which], self._wake[number]
        while True:
            self._turns[number] += 1
            if not path.connected:
                await _wait(path.wait_connected(), RESEND_MS[-1])
                continue
            connected = [other.connected for other in self._paths]
            item, wait_ms = self._queue.next(self._clock.now(), which, connected)
            if item is None:
                wake.clear()
                await _wait(wake.wait(), wait_ms)
                continue
            item.is_sending = True
            try:
                await self._send(path, which, item)
            finally:
                item.is_sending = False

    async def _send(self, path, which: int, item: UnderWay) -> None:
        now = self._clock.now()
        try:
            body, signature = self._journal.load(item.sequence)
        except StorageError as error:  # given up for lack of room, or unreadable
            _log.warning("not sent", seq=item.sequence, reason=error)
            self._queue.done(item.sequence, now)
            return
        self._queue.sent(item, which, now)
        _log.info("sending", seq=item.sequence, tries=item.tries[which], via=path.name)
        try:
            await path.send(cose.sign1(body, signature))
        except TransportError as error:
            _log.warning("not sent", seq=item.sequence, reason=error)

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
        is_prompt = self._queue.done(sequence, self._clock.now())
        if not first:
            return
        _log.info("received", seq=sequence, state=state)
        if is_prompt:  # one that waited at the broker while the box was away tells an old time
            self._clock.correct(utc)
        for listener in self.listeners:
            listener.answered(sequence, kind, state)
        self._wake_all()

    def _wake_all(self) -> None:
        for wake in self._wake:
            wake.set()


async def _wait(event, most_ms: int) -> None:
    try:
        await asyncio.wait_for_ms(event, most_ms)
    except asyncio.TimeoutError:
        pass
