"""The bips of this box: from a packet to an alert, and what is known of each.

A press's counter is on flash before its alert is (see bip_counters). What the settings say of bips is taken at a start;
`put` and `drop` follow what pairing changes there.
"""

from binascii import unhexlify

from box.core import alert, config, policy
from box.core.bip_faults import FAULTS, SHORT
from box.core.bip_guard import BipGuard, Bips, fingerprint
from box.errors import StorageError
from box.log import Log

SOURCE = 15  # and a bip's number is its alerts' source
_LOST_COUNTERS = "The bips' counters were lost, old packets may count once more: pair each bip again."

_log = Log("bips")


class Bip:
    """A bound bip. `rssi`, `packet_ms`: of the last packet from its address, genuine or not; None: none yet."""

    rssi: "int | None" = None
    packet_ms: "int | None" = None
    packets = 0

    def __init__(self, number: int, name: str, meanings: dict, guard: BipGuard):
        self.number = number
        self.name = name
        self.meanings = meanings
        self.guard = guard


class Registry:
    """`settings`: what they are at the start, filled. `counters` are not recovered yet.

    `follow(find, count, learning)` tells the driver whom to hear; `record(code, detail)` writes an event.
    `fault`: the first thing that is wrong with a bip, as a sentence, or None; as of the last look.
    """

    def __init__(self, settings: dict, counters, issuer, journal, events, record, clock, follow):
        self.fault: "str | None" = None
        self._counters = counters
        self._issuer = issuer
        self._journal = journal
        self._events = events
        self._record = record
        self._clock = clock
        self._follow = follow
        self._usual = policy.meanings(settings["policy"]["bip"])
        self._hears_all = False
        rows = settings["bips"]
        counters.recover({row["id"]: _fingerprint(row) for row in rows})
        self._forgot = bool(rows) and counters.fresh
        self._bips = [self._bip(row) for row in rows]
        self._tell_driver()

    def resume(self) -> None:
        """After a start, before any other alert: issue the press that a power cut has kept from the journal."""
        pending = self._counters.pending(self._journal.next_sequence)
        if pending:
            number, gesture = pending
            _log.warning("a press from before the start", bip=number)
            known = [bip for bip in self._bips if bip.number == number]
            meanings = known[0].meanings if known else self._usual
            self._issuer.issue(meanings[gesture], SOURCE + number)
        if self._forgot:
            _log.error("the counters were lost")
            self._issuer.issue(alert.STORAGE, 0)

    # ---- what comes in ----

    def packet(self, address, rssi: int, payload: bytes) -> None:
        now = self._clock.now()
        bip = self.find(address)
        if bip:
            bip.rssi = rssi
            bip.packet_ms = now
            bip.packets += 1
            verdict = bip.guard.take(payload, now)
            if verdict:
                self._accepted(bip, verdict)

    def _accepted(self, bip: Bip, verdict) -> None:
        number, counter = bip.number, verdict.counter
        try:
            if counter is None:
                pass
            elif verdict.gesture:
                self._counters.press(number, counter, verdict.gesture, self._journal.next_sequence)
            else:
                self._counters.reserve(number, counter)
        except StorageError as error:  # a replay after the next start is the lesser evil
            _log.error("a counter is not on flash", bip=number, reason=error)
        if verdict.gesture:
            kind = bip.meanings[verdict.gesture]
            _log.info("pressed", bip=number, kind=alert.KINDS[kind], rssi=bip.rssi)
            flags = 0 if verdict.authentic else alert.FLAG_SOURCE_UNAUTHENTICATED
            self._issuer.issue(kind, SOURCE + number, flags=flags)

    def find(self, address) -> "Bip | None":
        for bip in self._bips:
            if bip.guard.mac == address:
                return bip
        return None

    # ---- as time passes ----

    def look(self) -> None:
        """To be called about once a second."""
        now = self._clock.now()
        for bip in self._bips:
            begun, ended = bip.guard.look(now)
            if begun or ended:
                self._changed(bip, begun, ended)
        self.fault = self._sentence()

    def _changed(self, bip: Bip, begun: int, ended: int) -> None:
        for fault, short in SHORT.items():
            detail = "%d %s" % (bip.number, short)
            if begun & fault:
                _log.warning(FAULTS[fault][1] % bip.number)
                self._record(self._events.BIP_FAULT, detail)
                kind = FAULTS[fault][0]
                if kind is not None:
                    self._issuer.issue(kind, SOURCE + bip.number)
            elif ended & fault:
                _log.info("well again", bip=bip.number, fault=short)
                self._record(self._events.BIP_WELL, detail)

    def _sentence(self) -> "str | None":
        for fault in SHORT:
            for bip in self._bips:
                if bip.guard.faults & fault:
                    return FAULTS[fault][1] % bip.name
        return _LOST_COUNTERS if self._forgot else None

    # ---- who they are ----

    @property
    def bips(self) -> list:
        return self._bips

    def put(self, row: dict) -> None:
        """Take a bip, perhaps anew, as its row in the settings says."""
        self._bips = [bip for bip in self._bips if bip.number != row["id"]] + [self._bip(row)]
        self._tell_driver()

    def drop(self, number: int) -> None:
        self._bips = [bip for bip in self._bips if bip.number != number]
        self._counters.unbind(number)
        self._tell_driver()

    def hear_all(self, on: bool) -> None:
        """Shall the driver hear strangers too, and what they answer?"""
        self._hears_all = on
        self._tell_driver()

    def _bip(self, row: dict) -> Bip:
        number = row["id"]
        chosen = row.get("policy")
        seen, reserved = self._counters.floors(number)
        guard = BipGuard(
            unhexlify(row["mac"]),
            unhexlify(row.get("key", "")),
            seen,
            reserved,
            row.get("supervision_s", 0),
            self._clock.now(),
        )
        meanings = policy.meanings(config.fill(chosen, "gestures")) if chosen else self._usual
        if not guard.has_key:
            meanings = policy.INFORM_ONLY
        return Bip(number, row["name"], meanings, guard)

    def _tell_driver(self) -> None:
        find = Bips([bip.guard for bip in self._bips]).find
        self._follow(find, len(self._bips), self._hears_all)


def _fingerprint(row: dict) -> bytes:
    return fingerprint(unhexlify(row["mac"]), unhexlify(row.get("key", "")))
