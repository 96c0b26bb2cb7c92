"""From an occurrence to a signed alert in the journal.

The order is the promise: sign, write to flash, and only then tell anybody. If flash
fails, a press is told all the same, from RAM.
"""

from box.core import alert, cose
from box.errors import StorageError
from box.log import Log

# Sequences of presses that flash did not take. They come from the boot count, which never repeats,
# so that the journal's own count, which knows nothing of them, cannot use one a second time.
_UNWRITTEN = 1 << 31

_log = Log("issuer")


class Issuer:
    """`flags()` gives the state bits of the moment (alert.FLAG_*).

    `on_issued(sequence, kind)` is told after the write, `on_fault(error)` when flash failed.
    """

    def __init__(self, identity, boot: int, signer, journal, incident, clock, flags, on_issued, on_fault):
        self._identity = identity
        self._boot = boot
        self._signer = signer
        self._journal = journal
        self._incident = incident
        self._clock = clock
        self._flags = flags
        self._on_issued = on_issued
        self._on_fault = on_fault
        self._unwritten = 0
        self._was_full = False

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
            self._on_fault(error)
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
        self._on_issued(sequence, kind)
        self._watch_room()

    def _sign(
        self, sequence: int, kind: int, source: int, at_ms: int, now: int, back: int, flags: int
    ) -> tuple[bytes, bytes]:
        utc = self._clock.utc()
        pressed = None if utc is None else utc - (now - at_ms) // 1000
        uptime = at_ms // 1000
        body = alert.encode(
            self._identity.box, self._boot, sequence, kind, source, pressed, uptime, back, flags | self._flags()
        )
        return body, self._signer.sign(cose.signed_part(body))

    def _watch_room(self) -> None:
        """One storage fault when undelivered alerts fill the journal, so that somebody looks at the link."""
        full = self._journal.full
        if full and not self._was_full:
            self._was_full = True
            self.issue(alert.STORAGE, 0)
        self._was_full = full
