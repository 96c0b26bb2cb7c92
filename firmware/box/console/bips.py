"""What the console can ask of the bips: who they are, pairing, and how well they are heard."""

from box.core import rpc
from box.core.access import READ, SETTINGS, TEST
from box.core.bip_faults import SHORT

_SURVEY_MS = 60 * 1000  # without a request, then it has ended


class BipMethods:
    """The console's table for the bips of a `registry` and their `pairing`."""

    def __init__(self, registry, pairing, clock):
        self._registry = registry
        self._pairing = pairing
        self._clock = clock
        self._began: dict = {}  # number: (packets, presses) when the survey began
        self._asked_ms = 0

    def table(self) -> dict:
        return {
            "bips": (self.bips, READ, "?u"),
            "learn": (self.learn, SETTINGS, "s*s?u"),
            "learn_state": (self.learn_state, SETTINGS, ""),
            "bip_rename": (self.rename, SETTINGS, "us"),
            "bip_remove": (self.remove, SETTINGS, "u"),
            "bip_repair": (self.repair, SETTINGS, "u?s"),
            "survey": (self.survey, TEST, "b?u"),
        }

    def bips(self, skip: int = 0) -> dict:
        """[number, name, MAC, battery in %, seconds since heard, dBm, presses, refused packets, faults] of each, after
        the first `skip`; as many as fit."""
        now = self._clock.now()
        rows = []
        for bip in self._sorted()[skip:]:
            guard = bip.guard
            age_s = None if guard.heard_ms is None else (now - guard.heard_ms) // 1000
            faults = [] if guard.has_key else ["no key"]
            faults += [text for fault, text in SHORT.items() if guard.faults & fault]
            row = [bip.number, bip.name, guard.mac.hex(), guard.battery.percent, age_s, bip.rssi]
            rows.append(row + [guard.presses, guard.refused, faults])
        return {"bips": rpc.fitting(rows, rpc.MOST_RESULT - len('{"bips":}'))}

    def learn(self, name: str, chosen: "dict | None", key: str, supervision_s: int = 0) -> dict:
        self._pairing.learn(name, chosen, key, supervision_s)
        return self.learn_state()

    def learn_state(self) -> dict:
        """`presence` and `buzzer` are sure only when no time is left."""
        learning = self._pairing.learning
        if learning is None:
            return {"state": None}
        return {
            "state": learning.state,
            "left": (learning.left_ms(self._clock.now()) + 999) // 1000,
            "presses": learning.presses,
            "bip": self._pairing.learnt,
            "mac": learning.mac.hex() if learning.mac else None,
            "presence": learning.presence,
            "buzzer": learning.buzzer,
            "plain": learning.plain,
            "sealed": learning.sealed,
        }

    def rename(self, number: int, name: str) -> dict:
        self._pairing.rename(number, name)
        return {}

    def remove(self, number: int) -> dict:
        self._pairing.remove(number)
        return {}

    def repair(self, number: int, key: "str | None" = None) -> dict:
        self._pairing.repair(number, key)
        return self.learn_state()

    def survey(self, on: bool, skip: int = 0) -> dict:
        """[number, dBm, milliseconds since, packets, presses] of each bip since the survey began."""
        now = self._clock.now()
        if not on:
            self._began = {}
            return {"bips": []}
        if now - self._asked_ms > _SURVEY_MS:
            self._began = {}
        self._asked_ms = now
        rows = []
        for bip in self._sorted():
            packets, presses = self._began.setdefault(bip.number, (bip.packets, bip.guard.presses))
            heard = bip.packets - packets
            age_ms = now - bip.packet_ms if heard else None
            rows.append([bip.number, bip.rssi if heard else None, age_ms, heard, bip.guard.presses - presses])
        return {"bips": rpc.fitting(rows[skip:], rpc.MOST_RESULT - len('{"bips":}'))}

    def _sorted(self) -> list:
        return sorted(self._registry.bips, key=lambda bip: bip.number)
