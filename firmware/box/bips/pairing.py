"""Pairing: which bips this box has, changed at the technician's wish and on flash before it counts."""

from binascii import unhexlify

from box.core import bip_learning, config
from box.core.bip_guard import fingerprint
from box.core.rpc import Refused
from box.errors import StorageError
from box.log import Log

MOST = 16

_log = Log("bips")


class Pairing:
    """`store`: the settings' (storage.documents.Settings); `registry`: who is heard (bips.registry.Registry).

    `record(code, detail)` writes an event. `learning`: the one that runs or ran last, or None.
    """

    def __init__(self, store, registry, counters, events, record, clock):
        self.learning: "bip_learning.Learning | None" = None
        self._store = store
        self._registry = registry
        self._counters = counters
        self._events = events
        self._record = record
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

    def learn(self, name: "str | None", chosen: "dict | None", key: str, supervision_s: int = 0) -> None:
        """Bind the bip with this key (32 hex digits; empty: it has none) that is pressed three times within a minute.

        Without a `name` a bip that is known stays as it is, and another is called by its number.
        """
        numbers = [known["id"] for known in self._store.load().get("bips", [])]
        free = [number for number in range(1, MOST + 1) if number not in numbers]
        if not free:
            raise Refused("full", "This box has 16 bips already: remove one.")
        row: dict = {"id": free[0], "name": name, "key": key, "policy": chosen, "supervision_s": supervision_s}
        # A wrong name, key or policy is told now, not after three presses.
        config.check({"version": config.VERSION, "bips": [_with(row, free[0], "0" * 12)]})
        self._listen(row, None)

    def learn_by_button(self) -> None:
        """The button of a box that is new was pressed: no tool is at hand, and so no key either."""
        of_tool = self.learning is not None and self._listens and self.learning.key
        if not self.waits and not of_tool and len(self._registry.bips) < MOST:
            try:
                self.learn(None, None, "")
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
        self._registry.hear_all(True)

    def packet(self, address, payload: bytes) -> None:
        """To be called after the registry has had it."""
        learning = self.learning
        now = self._clock.now()
        if learning is None or not learning.left_ms(now):
            return
        known = self._registry.find(address)
        if known and known.guard.has_key and not learning.key:
            return  # nobody takes its key away by imitating it
        # Once it is bound, three recordings must not bind it again with an older counter.
        if learning.take(address, payload, now) and learning.state == bip_learning.LISTENING:
            self._bind(learning)
            bip = self._registry.find(address)
            if bip:
                bip.guard.take(payload, now)  # this press is no alert, and so its repeats are none

    def look(self) -> None:
        """To be called about once a second."""
        learning = self.learning
        if learning and self._listens and not learning.left_ms(self._clock.now()):
            if learning.state == bip_learning.LISTENING:
                learning.state = bip_learning.OVER
            self._listens = False
            self._registry.hear_all(False)

    def _bind(self, learning) -> None:
        mac = learning.mac.hex()
        try:
            document = self._store.load()
            others = []
            row = _with(self._row, self._row["id"], mac)
            for known in document.get("bips", []):
                if known["mac"] != mac:
                    others.append(known)
                elif known.get("key") and not learning.key:
                    raise ValueError("it has a key")  # put there by the tool since the start
                elif self._row["name"] is None:
                    row = _with(known, known["id"], mac)
                else:
                    row["id"] = known["id"]  # it keeps its number
            document = _with_bips(document, others + [row])
            # The counter first: a power cut in between must not leave a bip whose presses anybody may play back.
            counter = learning.counter if learning.key else None
            self._counters.bind(row["id"], fingerprint(learning.mac, learning.key), counter)
            self._store.save(document)
        except (StorageError, ValueError) as error:
            _log.error("not bound", reason=error)
            learning.state = bip_learning.FAILED
            return
        learning.state = bip_learning.BOUND
        self._row = row
        self._registry.put(row)
        self._record(self._events.BIP_PAIRED, str(row["id"]))
        _log.info("bound", bip=row["id"])

    # ---- changes ----

    def rename(self, number: int, name: str) -> None:
        document = self._store.load()
        place = _place(document, number)
        rows = list(document["bips"])
        rows[place] = dict(rows[place])
        rows[place]["name"] = name
        self._store.save(_with_bips(document, rows))
        for bip in self._registry.bips:
            if bip.number == number:
                bip.name = name

    def remove(self, number: int) -> None:
        document = self._store.load()
        place = _place(document, number)
        self._store.save(_with_bips(document, document["bips"][:place] + document["bips"][place + 1 :]))
        self._registry.drop(number)
        self._record(self._events.BIP_REMOVED, str(number))


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
