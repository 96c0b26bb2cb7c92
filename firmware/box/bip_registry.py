"""The bips of this box: from a packet to an alert, what is known of each, pairing.

A press's counter is on flash before its alert is (see bip_counters). What the settings say of bips is taken at a start,
and at once when it is changed by pairing, renaming or removing here.
"""

from binascii import unhexlify

from box.core import alert, bip_learning, config, policy
from box.core.bip_faults import BATTERY_LOW, FAULTS, FORGED, LOST, PLAIN, REPLAYED, RESTARTED
from box.core.bip_guard import BipGuard, Bips, fingerprint
from box.core.rpc import Refused
from box.errors import StorageError
from box.log import Log

SOURCE = 15  # and a bip's number is its alerts' source
MOST = 16
# As events and the console have them; in the order in which a person should hear of them.
SHORT = {
    RESTARTED: "counts anew",
    LOST: "lost",
    BATTERY_LOW: "battery low",
    FORGED: "forged",
    REPLAYED: "replayed",
    PLAIN: "unsealed",
}
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
    """`store`: the settings' (settings.Settings); `settings`: what they are, filled. `counters` are not recovered yet.

    `follow(find, count, learning)` tells the driver whom to hear; `record(code, detail)` writes an event.
    `fault`: the first thing that is wrong with a bip, as a sentence, or None; as of the last look.
    """

    def __init__(self, store, settings: dict, counters, issuer, journal, events, record, clock, follow):
        self.fault: "str | None" = None
        self.learning: "bip_learning.Learning | None" = None
        self._store = store
        self._counters = counters
        self._issuer = issuer
        self._journal = journal
        self._events = events
        self._record = record
        self._clock = clock
        self._follow = follow
        self._row: dict = {}  # what learning shall bind
        self._usual = policy.meanings(settings["policy"]["bip"])
        self._listens_ms = 0
        rows = settings["bips"]
        counters.recover({row["id"]: _fingerprint(row) for row in rows})
        self._forgot = bool(rows) and counters.fresh
        self._bips = [self._bip(row) for row in rows]
        self._refollow()

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
        bip = self._find(address)
        if bip:
            bip.rssi = rssi
            bip.packet_ms = now
            bip.packets += 1
            verdict = bip.guard.take(payload, now)
            if verdict:
                self._accepted(bip, verdict)
        learning = self.learning
        if learning and learning.left_ms(now) and learning.take(address, payload, now):
            self._learnt(learning)
            bip = self._find(address)
            if bip:
                bip.guard.take(payload, now)  # this press is no alert, and so its repeats are none

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

    def _find(self, address) -> "Bip | None":
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
        learning = self.learning
        if learning and self._listens_ms and not learning.left_ms(now):
            if learning.state == bip_learning.LISTENING:
                learning.state = bip_learning.OVER
            self._listens_ms = 0
            self._refollow()

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

    @property
    def bips(self) -> list:
        return self._bips

    @property
    def is_learning(self) -> bool:
        """Does it wait for presses? Once a bip is bound, it only listens on for what that one says between presses."""
        return self.learning is not None and self.learning.state == bip_learning.LISTENING

    # ---- pairing ----

    def learn(self, name: "str | None", chosen: "dict | None", key: str, supervision_s: int = 0) -> None:
        """Bind the bip with this key (32 hex digits; empty: it has none) that is pressed three times within a minute.

        Without a `name` its number is its name.
        """
        numbers = [known["id"] for known in self._store.load().get("bips", [])]
        free = [number for number in range(1, MOST + 1) if number not in numbers]
        if not free:
            raise Refused("full", "This box has 16 bips already: remove one.")
        if name is None:
            name = "Bip %d" % free[0]
        row: dict = {"id": free[0], "name": name, "key": key, "policy": chosen, "supervision_s": supervision_s}
        # A wrong name, key or policy is told now, not after three presses.
        config.check({"version": config.VERSION, "bips": [_with(row, free[0], "0" * 12)]})
        self._listen(row, None)

    def learn_by_button(self) -> None:
        """The button of a box that is new was pressed: no tool is at hand, and so no key either."""
        if not self.is_learning and len(self._bips) < MOST:
            try:
                self.learn(None, None, "")
            except StorageError as error:
                _log.error("cannot learn", reason=error)

    def repair(self, number: int, key: "str | None") -> None:
        """Bind a known bip anew, whose counter has started again; with another key if it was given one."""
        document = self._store.load()
        row = dict(document["bips"][self._place(document, number)])
        if key is not None:
            row["key"] = key
            config.check({"version": config.VERSION, "bips": [row]})
        if not row.get("key"):
            raise Refused("no-key", "This bip has no key, and so no counter: give it a key.")
        self._listen(row, unhexlify(row["mac"]))

    def _listen(self, row: dict, mac: "bytes | None") -> None:
        now = self._clock.now()
        self._row = row
        if row["key"]:
            self.learning = bip_learning.Learning(unhexlify(row["key"]), mac, now)
        else:
            self.learning = bip_learning.UnsealedLearning(now)
        self._listens_ms = now + 1
        self._refollow()

    def _learnt(self, learning) -> None:
        row = _with(self._row, self._row["id"], learning.mac.hex())
        try:
            document = self._store.load()
            others = []
            for known in document.get("bips", []):
                if known["mac"] == row["mac"]:
                    row["id"] = known["id"]  # it keeps its number
                else:
                    others.append(known)
            document = _with_bips(document, others + [row])
            # The counter first: a power cut in between must not leave a bip whose presses anybody may play back.
            self._counters.bind(row["id"], _fingerprint(row), learning.counter if row["key"] else None)
            self._store.save(document)
        except (StorageError, ValueError) as error:
            _log.error("not bound", reason=error)
            learning.state = bip_learning.FAILED
            return
        learning.state = bip_learning.BOUND
        self._row = row
        self._bips = [bip for bip in self._bips if bip.number != row["id"]] + [self._bip(row)]
        self._refollow()
        self._record(self._events.BIP_PAIRED, str(row["id"]))
        _log.info("bound", bip=row["id"])

    @property
    def learnt(self) -> "int | None":
        """The number of the bip that was bound."""
        learning = self.learning
        return self._row["id"] if learning and learning.state == bip_learning.BOUND else None

    # ---- changes ----

    def rename(self, number: int, name: str) -> None:
        document = self._store.load()
        place = self._place(document, number)
        rows = list(document["bips"])
        rows[place] = dict(rows[place])
        rows[place]["name"] = name
        self._store.save(_with_bips(document, rows))
        for bip in self._bips:
            if bip.number == number:
                bip.name = name

    def remove(self, number: int) -> None:
        document = self._store.load()
        place = self._place(document, number)
        self._store.save(_with_bips(document, document["bips"][:place] + document["bips"][place + 1 :]))
        self._bips = [bip for bip in self._bips if bip.number != number]
        self._counters.unbind(number)
        self._refollow()
        self._record(self._events.BIP_REMOVED, str(number))

    def _place(self, document: dict, number: int) -> int:
        for place, row in enumerate(document.get("bips", [])):
            if row["id"] == number:
                return place
        raise Refused("no-bip", "There is no bip with this number.")

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

    def _refollow(self) -> None:
        find = Bips([bip.guard for bip in self._bips]).find
        self._follow(find, len(self._bips), self._listens_ms > 0)


def _with(row: dict, number: int, mac: str) -> dict:
    row = dict(row)
    row["id"] = number
    row["mac"] = mac
    return row


def _with_bips(document: dict, rows: list) -> dict:
    """Settings with these bips; ConfigError if they are not right, as a name that makes them too long."""
    document = dict(document)
    document["bips"] = rows
    config.check(document)
    config.encode(document)
    return document


def _fingerprint(row: dict) -> bytes:
    return fingerprint(unhexlify(row["mac"]), unhexlify(row.get("key", "")))
