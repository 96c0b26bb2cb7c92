"""The bips of this box: from a frame to an alert, and what is known of each.

A press's counter is on flash before its alert is (see bip_counters). What the settings say of bips is taken at a start;
`put` and `drop` follow what pairing changes there.
"""

from box.core import alert, bip_gesture, bip_guard, config, policy
from box.core.bip import KEPT_BACK, Bip, Bips
from box.core.bip_faults import FAULTS, SHORT, changes
from box.core.gesture import HOLD
from box.errors import StorageError
from box.log import Log

SOURCE = 15  # and a bip's number is its alerts' source
_LOST_COUNTERS = "The bips' counters were lost, old packets may count once more: pair each bip again."

_log = Log("bips")


class Registry:
    """`settings`: what they are at the start, filled. `stored`: its `counters` (not recovered yet), `journal`, `events`
    and `note(code, detail)` are used.

    `follow(find, count, learning)` tells the driver whom to hear.
    `fault`: the first thing that is wrong with a bip, as a sentence, or None; as of the last look. `survey`: a dict as
    long as one runs, then bip's number: (its packets, genuine or not; when the last one came).
    """

    def __init__(self, settings: dict, stored, issuer, clock, follow):
        self.fault: "str | None" = None
        self.survey: "dict | None" = None
        self._stored = stored
        self._counters = stored.counters
        self._issuer = issuer
        self._clock = clock
        self._follow = follow
        self._usual = policy.meanings(settings["policy"]["bip"])
        self._learns: "bytes | None" = None  # the key of a bip that is being paired; empty: it has none
        self._kept: list = []  # bips with a hold that is kept back
        self.bips = [self.made(row) for row in settings["bips"]]  # one list, the counters' too
        self._counters.recover(self.bips)
        self._forgot = bool(self.bips) and self._counters.fresh
        self._tell_driver()

    def resume(self) -> None:
        """After a start, before any other alert: issue the presses that a power cut has kept from the journal."""
        pending = self._counters.pending(self._stored.journal.next_sequence)
        if pending:
            number, gesture = pending
            _log.warning("a press from before the start", bip=number)
            known = [bip for bip in self.bips if bip.number == number]
            meanings = known[0].meanings if known else self._usual
            self._issuer.issue(meanings[gesture], SOURCE + number)
        now = self._clock.now()
        for bip in self.bips:
            bip_guard.resume(bip, now)
            if bip.newest == KEPT_BACK:
                _log.warning("a hold from before the start", bip=bip.number)
                self._held(bip, now)
        if self._forgot:
            _log.error("the counters were lost")
            self._issuer.issue(alert.STORAGE, 0)

    # ---- what comes in ----

    def packet(self, frame, rssi: int, at_ms: int) -> None:
        """`frame` came at `at_ms`."""
        bip = self.find(frame.who)
        if bip:
            bip.rssi = rssi
            if self.survey is not None:
                packets, _ = self.survey.get(bip.number, (0, 0))
                self.survey[bip.number] = packets + 1, at_ms
            self._tell_due(bip, at_ms)  # before what came later
            if bip.key == self._learns and frame.counter is not None and frame.counter < bip.last:
                return  # it is being paired again because it counts anew
            verdict = bip_guard.take(bip, frame, at_ms)
            if verdict:
                self._write(bip, verdict)
                self._follow_hold(bip)
                if verdict.gesture and verdict.gesture != KEPT_BACK:
                    self._tell(bip, verdict.gesture, verdict.authentic, at_ms)
                if verdict.fell:
                    self._safely(bip, self._counters.fallen, bip)
            if bip.fallen_ms == at_ms:
                self._faults_changed(bip, at_ms)  # this fault is told at once

    def _write(self, bip: Bip, verdict) -> None:
        counter, gesture = verdict.counter, verdict.gesture
        if counter is None:
            return
        if not gesture or not verdict.authentic:
            self._safely(bip, self._counters.reserve, bip, counter)
        else:
            sequence = 0 if gesture == KEPT_BACK else self._stored.journal.next_sequence
            self._safely(bip, self._counters.press, bip, counter, gesture, sequence)

    def _safely(self, bip: Bip, write, *what) -> None:
        try:
            write(*what)
        except StorageError as error:  # a replay after the next start is the lesser evil
            _log.error("a counter is not on flash", bip=bip.number, reason=error)

    def _tell(self, bip: Bip, gesture: int, authentic: bool, at_ms: int) -> None:
        kind, flags = policy.of_bip(bip.meanings, gesture, authentic)
        _log.info("pressed", bip=bip.number, kind=alert.KINDS[kind], rssi=bip.rssi)
        self._issuer.issue(kind, SOURCE + bip.number, at_ms, flags)

    # ---- as time passes ----

    @property
    def open(self) -> bool:
        """Is a hold kept back, and so a gesture undecided?"""
        return len(self._kept) > 0

    def turn(self, now_ms: int) -> None:
        """To be called at each turn of the driver, with every packet that came before `now_ms` heard."""
        for bip in list(self._kept) if self._kept else ():
            self._tell_due(bip, now_ms)

    def _tell_due(self, bip: Bip, now_ms: int) -> None:
        if bip.holds and bip_gesture.is_due(bip, now_ms):
            self._held(bip, bip.begun_ms)

    def _held(self, bip: Bip, at_ms: int) -> None:
        """What was kept back is a hold."""
        bip.holds = 0
        bip.pressed_ms = at_ms
        bip.presses += 1
        self._follow_hold(bip)
        self._safely(bip, self._counters.press, bip, bip.last, HOLD, self._stored.journal.next_sequence)
        self._tell(bip, HOLD, True, at_ms)

    def _follow_hold(self, bip: Bip) -> None:
        if bip.holds and bip not in self._kept:
            self._kept.append(bip)
        elif not bip.holds and bip in self._kept:
            self._kept.remove(bip)

    def tick(self) -> None:
        """To be called about once a second."""
        now = self._clock.now()
        for bip in self.bips:
            self._faults_changed(bip, now)
        self.fault = self._sentence()

    def _faults_changed(self, bip: Bip, now_ms: int) -> None:
        begun, ended = changes(bip, now_ms)
        for fault in SHORT if begun or ended else ():
            kind, sentence = FAULTS[fault]
            detail = "%d %s" % (bip.number, SHORT[fault])
            if begun & fault:
                _log.warning(sentence % bip.number)
                self._stored.note(self._stored.events.BIP_FAULT, detail)
                if kind is not None:
                    self._issuer.issue(kind, SOURCE + bip.number)
            elif ended & fault:
                _log.info("well again", bip=bip.number, fault=SHORT[fault])
                self._stored.note(self._stored.events.BIP_WELL, detail)

    def _sentence(self) -> "str | None":
        for fault in SHORT:
            for bip in self.bips:
                if bip.faults & fault:
                    return FAULTS[fault][1] % bip.name
        return _LOST_COUNTERS if self._forgot else None

    # ---- who they are ----

    def made(self, row: dict) -> Bip:
        """A bip as its row in the settings says; it is not heard yet."""
        chosen = row.get("policy")
        meanings = policy.meanings(config.fill(chosen, "gestures")) if chosen else self._usual
        return Bip(row, meanings, self._clock.now())

    def put(self, bip: Bip) -> None:
        """Take a bip, perhaps in its own place."""
        self._leave(bip.number)
        self.bips.append(bip)
        self._tell_driver()

    def drop(self, number: int) -> None:
        self._leave(number)
        self._tell_driver()

    def _leave(self, number: int) -> None:
        for bip in self.bips:
            if bip.number == number:
                if bip.holds:
                    self._held(bip, bip.begun_ms)
                self.bips.remove(bip)
                return

    def learn(self, key: "bytes | None") -> None:
        """A bip with this key is being paired: the driver hears strangers too, and what they answer. None: no more."""
        self._learns = key
        self._tell_driver()

    def _tell_driver(self) -> None:
        self.find = Bips(self.bips).find  # the bip with an address, or None
        self._follow(self.find, len(self.bips), self._learns is not None)
