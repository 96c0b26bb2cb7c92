"""Pairing: which bips this box has, changed at the technician's wish and on flash before it counts."""

from binascii import unhexlify

from box.core import bip_guard, bip_learning, config
from box.core.rpc import Refused
from box.errors import StorageError
from box.log import Log

MOST = 16

_log = Log("bips")


class Pairing:
    """`stored`: its `settings`, `counters`, `events` and `note(code, detail)` are used; `registry`: who is heard.

    `learning`: the one that runs or ran last, or None.
    """

    def __init__(self, stored, registry, clock):
        self.learning: "bip_learning.Learning | None" = None
        self._stored = stored
        self._store = stored.settings
        self._registry = registry
        self._clock = clock
        self._row: dict = {}  # what learning shall bind
        self._listens = False

    # ---- learning ----

    @property
    def waits(self) -> bool:
        """Does it wait for presses? Once a bip is bound, it only listens on for what that one says between presses."""
        return self.learning is not None and self.learning.state == bip_learning.LISTENING

    @property
    def learnt(self) -> "int | None":
        """The number of the bip that was bound."""
        learning = self.learning
        return self._row["id"] if learning and learning.state == bip_learning.BOUND else None

    def learn(self, row: dict) -> None:
        """Bind the bip with this row's key (empty: it has none) that is pressed three times within a minute.

        If the name is None, a bip that is known stays as it is, and another is called by its number.
        """
        numbers = [known["id"] for known in self._store.load().get("bips", [])]
        free = [number for number in range(1, MOST + 1) if number not in numbers]
        if not free:
            raise Refused("full", "This box has 16 bips already: remove one.")
        row = dict(row)
        row["id"] = free[0]
        # A wrong name, key, policy or kind is told now, not after three presses.
        config.check({"version": config.VERSION, "bips": [_with(row, free[0], "0" * 12)]})
        self._listen(row, None)

    def learn_by_button(self) -> None:
        """The button of a box that is new was pressed: no tool is at hand, and so no key either."""
        of_tool = self.learning is not None and self._listens and self.learning.key
        if not self.waits and not of_tool and len(self._registry.bips) < MOST:
            try:
                self.learn({"name": None, "key": "", "policy": None, "supervision_s": 0})
            except StorageError as error:
                _log.error("cannot learn", reason=error)

    def repair(self, number: int, key: "str | None") -> None:
        """Bind a known bip anew, whose counter has started again; with another key if it was given one."""
        document = self._store.load()
        row = dict(document["bips"][_place(document, number)])
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
        self._listens = True
        self._registry.learn(self.learning.key)

    def packet(self, frame, at_ms: int) -> None:
        """To be called after the registry has had it."""
        learning = self.learning
        if learning is None or not learning.left_ms(at_ms):
            return
        known = self._registry.find(frame.who)
        if known and known.key and not learning.key:
            return  # nobody takes its key away by imitating it
        # Once it is bound, three recordings must not bind it again with an older counter.
        if learning.take(frame, at_ms) and learning.state == bip_learning.LISTENING:
            self._bind(learning)
            bip = self._registry.find(frame.who)
            if bip:
                bip_guard.take(bip, frame, at_ms)  # this press is no alert, and so its repeats are none

    def tick(self) -> None:
        """To be called about once a second."""
        learning = self.learning
        if learning and self._listens and not learning.left_ms(self._clock.now()):
            if learning.state == bip_learning.LISTENING:
                learning.state = bip_learning.OVER
            self._listens = False
            self._registry.learn(None)

    def _bind(self, learning) -> None:
        try:
            document = self._store.load()
            row, others = self._row_of(learning, document.get("bips", []))
            document = _with_bips(document, others + [row])
            bip = self._registry.made(row)
            if learning.key:
                # The counter first: a power cut in between must not leave a bip whose presses anybody may play back.
                bip.last, bip.proven = learning.counter, True
                self._stored.counters.bind(bip, learning.counter)
            self._store.save(document)
        except (StorageError, ValueError) as error:
            _log.error("not bound", reason=error)
            learning.state = bip_learning.FAILED
            return
        learning.state = bip_learning.BOUND
        self._row = row
        self._registry.put(bip)
        self._stored.note(self._stored.events.BIP_PAIRED, str(row["id"]))
        _log.info("bound", bip=row["id"])

    def _row_of(self, learning, rows: list) -> tuple:
        """(its row, the others') once it is bound."""
        mac = learning.mac.hex()
        row = _with(self._row, self._row["id"], mac)
        if row.get("kind", "auto") == "auto" and learning.kind:
            row["kind"] = learning.kind
        others = []
        for known in rows:
            if known["mac"] != mac:
                others.append(known)
            elif known.get("key") and not learning.key:
                raise ValueError("it has a key")  # put there by the tool since the start
            elif self._row["name"] is None:
                row = _with(known, known["id"], mac)
            else:
                row["id"] = known["id"]  # it keeps its number
        return row, others

    # ---- changes ----

    def change(self, number: int, field: str, value: str) -> None:
        """Give a bip another `name` or `kind`."""
        document = self._store.load()
        place = _place(document, number)
        rows = list(document["bips"])
        rows[place] = dict(rows[place])
        rows[place][field] = value
        self._store.save(_with_bips(document, rows))
        for bip in self._registry.bips:
            if bip.number == number:
                setattr(bip, field, value)

    def remove(self, number: int) -> None:
        document = self._store.load()
        place = _place(document, number)
        self._store.save(_with_bips(document, document["bips"][:place] + document["bips"][place + 1 :]))
        self._registry.drop(number)
        self._stored.note(self._stored.events.BIP_REMOVED, str(number))


def _place(document: dict, number: int) -> int:
    for place, row in enumerate(document.get("bips", [])):
        if row["id"] == number:
            return place
    raise Refused("no-bip", "There is no bip with this number.")


def _with(row: dict, number: int, mac: str) -> dict:
    row = dict(row)
    row["id"] = number
    row["mac"] = mac
    if row["name"] is None:
        row["name"] = "Bip %d" % number
    return row


def _with_bips(document: dict, rows: list) -> dict:
    """Settings with these bips; ConfigError if they are not right, as a name that makes them too long."""
    document = dict(document)
    document["bips"] = rows
    config.check(document)
    config.encode(document)
    return document
