"""What the box does when the console tells it to: restart, tests, Wi-Fi, test mode, factory reset."""

import asyncio

from box.console.lock import patiently
from box.core import alert, conditions, p256_verify, rpc
from box.core.access import DEVELOP, RESTART, SETTINGS, TEST
from box.log import Log

_DELIVERY = {0: "waiting", alert.RECEIVED: "received", alert.IN_CHARGE: "in-charge", None: "unknown"}
_PATIENCE_S = 0.05
_LOOKS = 4
_RESTART_S = 0.2  # the answer has left by then
_HELD_MS = 10 * 1000
_CTRL_C = 3

_log = Log("console")


class Deeds:
    """What the box does when told to. `chip`: reset(), kbd_intr(code), and random(n), n bytes of the hardware's."""

    ROWS = {
        "restart": (RESTART, ""),
        "develop": (DEVELOP, "b"),
        "factory_reset": (0, "?b"),
        "wifi_scan": (SETTINGS, ""),
        "wifi_test": (SETTINGS, "ss"),
        "test": (TEST, ""),
        "delivery": (TEST, "u"),
        "commission": (TEST, "b"),
        "self_test": (TEST, ""),
    }

    def __init__(self, box, chip):
        self._box = box
        self._clock = box.clock
        self._status = box.status
        self._journal = box.stored.journal
        self._chip = chip

    async def restart(self) -> dict:
        # A box that was held up, as by storing a document, takes its button for open until it has looked at it.
        for _ in range(_LOOKS):
            if not self._status.busy:
                break
            await asyncio.sleep(_PATIENCE_S)
        else:
            raise rpc.Refused("busy", "Somebody is pressing the button: try again.")
        asyncio.create_task(self._restart())
        return {}

    async def _restart(self) -> None:
        _log.info("restarting")
        await asyncio.sleep(_RESTART_S)
        while self._status.busy:
            await asyncio.sleep(_PATIENCE_S)
        self._chip.reset()

    def develop(self, on: bool) -> dict:
        self._chip.kbd_intr(_CTRL_C if on else -1)
        _log.warning("ctrl-c", on=on)
        return {}

    async def factory_reset(self, force: bool = False) -> dict:
        """The press itself is an alert like any other: nobody resets a box in secret."""
        until_ms = self._clock.now() + _HELD_MS
        while self._clock.now() < until_ms:
            if not self._box.pins.button.is_down():
                raise rpc.Refused("button", "Hold the box's button down for 10 s meanwhile.")
            await asyncio.sleep(_PATIENCE_S)
        if self._journal.undelivered_presses() and not force:
            raise rpc.Refused("undelivered", "Presses wait to be received: force it, or wait.")
        self._box.stored.forget()
        _log.warning("factory reset")
        asyncio.create_task(self._restart())
        return {}

    async def wifi_scan(self) -> dict:
        while self._status.busy:  # the chip's scan stops the loop for about 2 s
            await asyncio.sleep(_PATIENCE_S)
        return {"networks": rpc.fitting(self._box.network.wifi.scan(), rpc.MOST_RESULT - len('{"networks":}'))}

    async def wifi_test(self, ssid: str, key: str) -> dict:
        if not 0 < len(ssid.encode()) <= 32 or (key and not 8 <= len(key) <= 63):
            raise rpc.RpcError(rpc.PARAMS, "wrong parameters")
        return {"address": await self._box.network.wifi.probe(ssid, key, lambda: self._box.issuer.is_wanted)}

    def test(self) -> dict:
        sequence = self._journal.next_sequence
        self._box.issuer.issue(alert.TEST, 0)
        if self._journal.next_sequence == sequence:
            raise rpc.Refused("storage", "The journal takes no test alert.")
        return {"sequence": sequence}

    def delivery(self, sequence: int) -> dict:
        return {"state": _DELIVERY[self._journal.state(sequence)]}

    def commission(self, on: bool) -> dict:
        now = self._clock.now()
        self._box.test_mode.set(on, now)
        _log.info("test mode", on=on)
        return {"until": self._box.test_mode.until_s(now)}

    async def self_test(self) -> dict:
        box = self._box
        message = b"alertbox/self-test"  # no Sig_structure, so no alert
        steps = p256_verify.verify(box.stored.identity.public, message, box.signer.sign(message))
        genuine = await patiently(steps, self._status)
        answer: dict = {"key": "ok" if genuine else "The key is damaged: reset to factory state."}
        found = {
            "random": "It repeats itself." if self._chip.random(16) == self._chip.random(16) else None,
            "clock": None if self._clock.is_set else "Not set yet.",
            "wifi": None if box.network.wifi.connected else "Not joined.",
            "link": None if box.network.connected else "No receiver.",
        }
        for area in conditions.AREAS:
            found[area] = self._status.sentence(area)
        room = rpc.MOST_RESULT - rpc.size(answer)
        for name in found:
            # Each has its share, so that one long sentence does not cut the next.
            answer[name] = rpc.cut(found[name] or "ok", room // len(found) - len(name) - 4)
        return answer
