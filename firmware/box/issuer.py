"""From an occurrence to a signed alert in the journal.

The order is the promise: sign, write to flash, and only then tell anybody.
"""

from box.core import alert, cose
from box.errors import StorageError
from box.log import Log

# Presses that the journal could not take (full, or flash failed) are held in RAM, so many at most.
_HELD = 16

_log = Log("issuer")


class Issuer:
    """`flags()` gives the state bits of the moment (alert.FLAG_*).

    `on_issued(sequence, kind)` is told after the write.
    """

    def __init__(self, identity, boot: int, signer, journal, incident, clock, flags, on_issued):
        self._identity = identity
        self._boot = boot
        self._signer = signer
        self._journal = journal
        self._incident = incident
        self._clock = clock
        self._flags = flags
        self._on_issued = on_issued
        self._held: list = []
        self._was_full = False

    def issue(self, kind: int, source: int) -> None:
        """Sign, journal and announce one alert; a press is never dropped."""
        moment = (kind, source, self._clock.utc(), self._clock.uptime_s(), self._flags())
        if self._held:
            self._hold(moment)
        else:
            self._try(moment)

    def retry(self) -> None:
        """Write what the journal could not take, oldest first; called now and then."""
        while self._held:
            moment = self._held.pop(0)
            if not self._try(moment, first=True):
                return

    def _try(self, moment: tuple, first: bool = False) -> bool:
        try:
            self._write(*moment)
        except StorageError as error:
            if not first:
                _log.error("not journalled", kind=alert.KINDS[moment[0]], reason=error)
            self._hold(moment, first)
            return False
        return True

    def _hold(self, moment: tuple, first: bool = False) -> None:
        if moment[0] not in alert.PRESSES:
            return
        if first:
            self._held.insert(0, moment)
        elif len(self._held) < _HELD:
            self._held.append(moment)

    def _write(self, kind: int, source: int, pressed: "int | None", uptime: int, flags: int) -> None:
        sequence = self._journal.next_sequence
        back = self._incident.join(sequence, self._clock.now()) if kind in alert.PRESSES else 0
        body = alert.encode(self._identity.box, self._boot, sequence, kind, source, pressed, uptime, back, flags)
        signature = self._signer.sign(cose.signed_part(body))
        self._journal.append(sequence, kind, body, signature)
        _log.info("journalled", seq=sequence, kind=alert.KINDS[kind], source=source)
        self._on_issued(sequence, kind)
        self._watch_room()

    def _watch_room(self) -> None:
        """One storage fault when undelivered alerts fill the journal, so that somebody looks at the link."""
        full = self._journal.full
        if full and not self._was_full:
            self._was_full = True
            self.issue(alert.STORAGE, 0)
        self._was_full = full
