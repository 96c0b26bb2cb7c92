"""From an occurrence to a signed alert in the journal.

The order is the promise: sign, write to flash, and only then tell anybody. If flash
fails, a press is told all the same, from RAM.
"""

from box.core import alert, conditions, cose
from box.errors import StorageError
from box.log import Log

# Sequences of presses that flash did not take. They come from the boot count, which never repeats,
# so that the journal's own count, which knows nothing of them, cannot use one a second time.
_UNWRITTEN = 1 << 31

_log = Log("issuer")


class Issuer:
    """`stored`: `identity`, `events` and `journal` are read from it.

    `listeners`: each has `alert(sequence, kind)`, and is told after the write.
    """

    def __init__(self, stored, signer, incident, clock, status):
        self.listeners: tuple = ()
        self._box = stored.identity.box
        self._boot = stored.events.boot
        self._journal = stored.journal
        self._signer = signer
        self._incident = incident
        self._clock = clock
        self._status = status
        self._unwritten = 0

    @property
    def is_needed(self) -> bool:
        """Is a press being read, on its way, or still an incident? Then the box stays awake at a cell's cost."""
        return self._status.busy or self.is_wanted or self._incident.runs(self._clock.now())

    @property
    def is_wanted(self) -> bool:
        """Does a press need the network? One that is still being read may turn out to be none."""
        return not self._status.is_on(conditions.UNENROLLED) and self._journal.undelivered_presses() > 0

    def condition(self, row: int, on: bool) -> None:
        """A condition has begun or ended: tell of it, if that is worth an alert."""
        kind = conditions.ROWS[row][conditions.BEGINS if on else conditions.ENDS]
        if kind is not None:
            self.issue(kind, 0)

    def issue(self, kind: int, source: int, at_ms: "int | None" = None, flags: int = 0) -> None:
        """Sign, journal and announce one alert that happened at `at_ms` of the box's clock (default: now).

        `flags`: of this alert, beside those of the moment.

        A fault or heartbeat that flash does not take is dropped; a press never is.
        """
        now = self._clock.now()
        at_ms = now if at_ms is None else at_ms
        sequence = self._journal.next_sequence
        back = self._incident.join(sequence, at_ms, kind, source) if kind in alert.PRESSES else 0
        body, signature = self._sign(sequence, kind, source, at_ms, now, back, flags)
        try:
            self._journal.append(sequence, kind, body, signature)
        except StorageError as error:
            _log.error("not journalled", kind=alert.KINDS[kind], reason=error)
            self._status.set(conditions.FLASH, True)
            if kind not in alert.PRESSES:
                return
            self._unwritten += 1
            sequence = _UNWRITTEN | (self._boot & 0x7FFFFF) << 8 | (self._unwritten & 0xFF)
            body, signature = self._sign(sequence, kind, source, at_ms, now, 0, flags)
            try:
                self._journal.hold(sequence, kind, body, signature)
            except StorageError as full:
                _log.error("press lost", kind=alert.KINDS[kind], reason=full)
        else:
            _log.info("journalled", seq=sequence, kind=alert.KINDS[kind], source=source)
        for listener in self.listeners:
            listener.alert(sequence, kind)
        # Undelivered alerts fill the journal: somebody has to look at the link.
        self._status.set(conditions.FULL, self._journal.full)

    def _sign(
        self, sequence: int, kind: int, source: int, at_ms: int, now: int, back: int, flags: int
    ) -> tuple[bytes, bytes]:
        utc = self._clock.utc()
        pressed = None if utc is None else utc - (now - at_ms) // 1000
        uptime = at_ms // 1000
        body = alert.encode(
            self._box, self._boot, sequence, kind, source, pressed, uptime, back, flags | self._status.flags()
        )
        return body, self._signer.sign(cose.signed_part(body))
