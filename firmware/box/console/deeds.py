"""What the box does when the console tells it to: restart, tests, Wi-Fi, test mode, factory reset."""

import asyncio

from box.console.lock import patiently
from box.core import alert, p256_verify, rpc
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
    """What the box does when told to.

    `is_busy()`: a gesture is open. `is_wanted()`: a press needs the network. `is_down()`: the button's contact is
    closed. `checks`: name -> function for the self-test, which gives None or a sentence. `chip`: reset(),
    kbd_intr(code), and forget(), which removes settings, enrolment, key, and last the lock's mark: a power cut in
    between leaves the box locked.
    """

    def __init__(
        self, identity, signer, issuer, journal, clock, test_mode, wifi, checks, is_busy, is_wanted, is_down, chip
    ):
        self._identity = identity
        self._signer = signer
        self._issuer = issuer
        self._journal = journal
        self._clock = clock
        self._test_mode = test_mode
        self._wifi = wifi
        self._checks = checks
        self._is_busy = is_busy
        self._is_wanted = is_wanted
        self._is_down = is_down
        self._chip = chip

    def table(self) -> dict:
        return {
            "restart": (self.restart, RESTART, ""),
            "develop": (self.develop, DEVELOP, "b"),
            "factory_reset": (self.factory_reset, 0, "?b"),
            "wifi_scan": (self.wifi_scan, SETTINGS, ""),
            "wifi_test": (self.wifi_test, SETTINGS, "ss"),
            "test": (self.test, TEST, ""),
            "delivery": (self.delivery, TEST, "u"),
            "commission": (self.commission, TEST, "b"),
            "self_test": (self.self_test, TEST, ""),
        }

    async def restart(self) -> dict:
        # A box that was held up, as by storing a document, takes its button for open until it has looked at it.
        for _ in range(_LOOKS):
            if not self._is_busy():
                break
            await asyncio.sleep(_PATIENCE_S)
        else:
            raise rpc.Refused("busy", "Somebody is pressing the button: try again.")
        asyncio.create_task(self._restart())
        return {}

    async def _restart(self) -> None:
        _log.info("restarting")
        await asyncio.sleep(_RESTART_S)
        while self._is_busy():
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
            if not self._is_down():
                raise rpc.Refused("button", "Hold the box's button down for 10 s meanwhile.")
            await asyncio.sleep(_PATIENCE_S)
        if self._journal.undelivered_presses() and not force:
            raise rpc.Refused("undelivered", "Presses wait to be received: force it, or wait.")
        self._chip.forget()
        _log.warning("factory reset")
        asyncio.create_task(self._restart())
        return {}

    async def wifi_scan(self) -> dict:
        while self._is_busy():  # the chip's scan stops the loop for about 2 s
            await asyncio.sleep(_PATIENCE_S)
        return {"networks": rpc.fitting(self._wifi.scan(), rpc.MOST_RESULT - len('{"networks":}'))}

    async def wifi_test(self, ssid: str, key: str) -> dict:
        if not 0 < len(ssid.encode()) <= 32 or (key and not 8 <= len(key) <= 63):
            raise rpc.RpcError(rpc.PARAMS, "wrong parameters")
        return {"address": await self._wifi.probe(ssid, key, self._is_wanted)}

    def test(self) -> dict:
        sequence = self._journal.next_sequence
        self._issuer.issue(alert.TEST, 0)
        if self._journal.next_sequence == sequence:
            raise rpc.Refused("storage", "The journal takes no test alert.")
        return {"sequence": sequence}

    def delivery(self, sequence: int) -> dict:
        return {"state": _DELIVERY[self._journal.state(sequence)]}

    def commission(self, on: bool) -> dict:
        now = self._clock.now()
        self._test_mode.set(on, now)
        _log.info("test mode", on=on)
        return {"until": self._test_mode.until_s(now)}

    async def self_test(self) -> dict:
        message = b"alertbox/self-test"  # no Sig_structure, so no alert
        steps = p256_verify.verify(self._identity.public, message, self._signer.sign(message))
        genuine = await patiently(steps, self._is_busy)
        answer: dict = {"key": "ok" if genuine else "The key is damaged: reset to factory state."}
        room = rpc.MOST_RESULT - rpc.size(answer)
        for name, check in self._checks.items():
            # Each has its share, so that one long sentence does not cut the next.
            answer[name] = rpc.cut(check() or "ok", room // len(self._checks) - len(name) - 4)
        return answer
