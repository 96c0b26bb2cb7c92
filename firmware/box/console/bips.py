"""What the console can ask of the bips: who they are, pairing, and how well they are heard."""

from box.core import rpc
from box.core.access import READ, SETTINGS, TEST
from box.core.bip_faults import SHORT

_SURVEY_MS = 60 * 1000  # without a request, then it has ended


class BipMethods:
    """The console's table for the bips of a `registry` and their `pairing`."""

    ROWS = {
        "bips": (READ, "?u"),
        "learn": (SETTINGS, "s*s?u"),
        "learn_state": (SETTINGS, ""),
        "bip_rename": (SETTINGS, "us"),
        "bip_kind": (SETTINGS, "us"),
        "bip_remove": (SETTINGS, "u"),
        "bip_repair": (SETTINGS, "u?s"),
        "survey": (TEST, "b?u"),
    }

    def __init__(self, registry, pairing, clock):
        self._registry = registry
        self._pairing = pairing
        self._clock = clock
        self._presses: dict = {}  # number: presses when the survey began
        self._asked_ms = 0

    def bips(self, skip: int = 0) -> dict:
        """[number, name, MAC, battery in %, seconds since heard, dBm, presses, refused packets, faults] of each, after
        the first `skip`; as many as fit."""
        now = self._clock.now()
        rows = []
        for bip in self._sorted()[skip:]:
            age_s = None if bip.heard_ms is None else (now - bip.heard_ms) // 1000
            faults = [] if bip.key else ["no key"]
            faults += [text for fault, text in SHORT.items() if bip.faults & fault]
            row = [bip.number, bip.name, bip.mac.hex(), bip.percent, age_s, bip.rssi]
            rows.append(row + [bip.presses, bip.refused, faults])
        return {"bips": rpc.fitting(rows, rpc.MOST_RESULT - len('{"bips":}'))}

    def learn(self, name: str, chosen: "dict | None", key: str, supervision_s: int = 0) -> dict:
        self._pairing.learn({"name": name, "policy": chosen, "key": key, "supervision_s": supervision_s})
        return self.learn_state()

    def learn_state(self) -> dict:
        """`presence` and `buzzer` are sure only when no time is left; `kind`: "" if its presses did not tell."""
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
            "kind": learning.kind,
        }

    def bip_rename(self, number: int, name: str) -> dict:
        self._pairing.change(number, "name", name)
        return {}

    def bip_kind(self, number: int, kind: str) -> dict:
        self._pairing.change(number, "kind", kind)
        return {}

    def bip_remove(self, number: int) -> dict:
        self._pairing.remove(number)
        return {}

    def bip_repair(self, number: int, key: "str | None" = None) -> dict:
        self._pairing.repair(number, key)
        return self.learn_state()

    def survey(self, on: bool, skip: int = 0) -> dict:
        """[number, dBm, milliseconds since, packets, presses] of each bip since the survey began."""
        now = self._clock.now()
        survey = self._registry.survey
        if not on:
            self._registry.survey = None
            return {"bips": []}
        if survey is None or now - self._asked_ms > _SURVEY_MS:
            self._registry.survey = survey = {}
            self._presses = {}
        self._asked_ms = now
        rows = []
        for bip in self._sorted():
            presses = bip.presses - self._presses.setdefault(bip.number, bip.presses)
            heard, at_ms = survey.get(bip.number, (0, now))
            row = [bip.rssi, now - at_ms] if heard else [None, None]
            rows.append([bip.number] + row + [heard, presses])
        return {"bips": rpc.fitting(rows[skip:], rpc.MOST_RESULT - len('{"bips":}'))}

    def _sorted(self) -> list:
        return sorted(self._registry.bips, key=lambda bip: bip.number)
