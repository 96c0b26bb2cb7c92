"""What is wired to the box: which input and output hangs on which pin, by the board and the settings."""

import board
import machine

from box import power
from box.core import alert, conditions, levels, policy
from box.core import battery as cell
from box.core.hours import SilentHours
from box.core.siren import SirenRule
from box.inputs.button import Button
from box.inputs.contact import Contact
from box.log import Log
from box.outputs.light import Light
from box.outputs.siren import Siren

_LIMIT_MS = 30_000

_log = Log("pins")


def _input(name: str, rests: str = "open"):
    """(pin, level while active). The board says what it is for a contact that rests open."""
    active = board.INPUTS[name][1]
    return power.pin(name), 1 - active if rests == "closed" else active


def _output(name: str):
    """(pin, level while on)."""
    number, active = board.OUTPUTS[name]
    return machine.Pin(number, machine.Pin.OUT, value=1 - active), active


class Pins:
    """`light`, `siren`, `button`: to be used by others. `rows`: what runs, as parts.py takes it."""

    def __init__(self, settings: dict, stored, clock, status):
        self._stored = stored
        self._clock = clock
        self._status = status
        self._buttons: list = []  # (name, source in an alert, button, gesture -> kind)
        inputs = settings["inputs"]
        self.light = Light(_output("light"), clock, status, stored.journal.undelivered_presses)
        for name, source in board.SOURCES.items():
            # Without a foot switch its pin is left alone.
            if inputs[name] != "none":
                pin, active = _input(name, inputs[name])
                button = Button(pin, clock.now, active, woke=power.press if name == "button" else None)
                self._buttons.append((name, source, button, policy.meanings(settings["policy"][name])))
                if name == "button":
                    self.button = button
        status.inputs = tuple([button for _, _, button, _ in self._buttons])
        hours = SilentHours(settings["silent_hours"], settings["shop"]["zone"])
        rule = SirenRule(settings["siren"]["allowed"], settings["siren"]["max_s"], hours)
        self.siren = Siren(_output("siren"), rule, clock, status, lambda what: stored.note(stored.events.SIREN, what))
        self._contacts = [self._mains(inputs)]
        if inputs["tamper"] != "none":
            # The board's level is that of a contact that a closed case closes.
            pin, is_open = _input("tamper")
            level = is_open if inputs["tamper"] == "closed" else 1 - is_open
            self._contacts.append(self._contact("case", conditions.CASE_OPEN, pin, level, levels.CASE_OPEN))

    def _mains(self, inputs: dict) -> tuple:
        pin, present = _input("mains")
        row = self._contact("mains", conditions.MAINS_LOST, pin, 1 - present, levels.mains_lost(inputs["mains_s"]))
        self._no_mains = row[2]
        return row

    def _contact(self, name: str, condition: int, pin, level: int, times_ms: tuple) -> tuple:
        contact = Contact(pin, level, self._clock, times_ms)
        self._status.measure(condition, lambda: contact.is_on)
        return name, _LIMIT_MS, contact, (lambda is_on: self._status.set(condition, is_on),)

    @property
    def mains(self) -> bool:
        return not self._no_mains.is_on

    def rows(self, issuer, learn) -> list:
        """`learn()`: the button of a box that is new was pressed."""
        self.battery = power.battery(lambda: self.mains, lambda: issuer.is_needed, self._clock)
        rows = [
            ("light", _LIMIT_MS, self.light, ()),
            ("siren", _LIMIT_MS, self.siren, ()),
            ("battery", _LIMIT_MS, self.battery, (self._battery_changed,)),
        ]
        for name, source, button, meanings in self._buttons:
            report = self._reporter(issuer, source, button, meanings, learn if name == "button" else None)
            rows.append((name, _LIMIT_MS, button, (report,)))
        return rows + self._contacts

    def _reporter(self, issuer, source: int, button: Button, meanings: bytes, learn):
        def report(gesture: int, decided_ms: int) -> None:
            kind = meanings[gesture]
            _log.info("classified", kind=alert.KINDS[kind], late_ms=self._clock.now() - decided_ms)
            issuer.issue(kind, source, button.began_ms)
            if learn and self._stored.is_new:
                learn()

        return report

    def _battery_changed(self, what: "int | None", mv: "int | None") -> None:
        if what is not None:  # the driver has told why it cannot measure
            _log.warning("battery", what=what, mv=mv)
        self._status.set(conditions.BATTERY_UNKNOWN, self.battery.unknown)
        self._status.set(conditions.BATTERY_LOW, self.battery.low)
        if what == cell.EMPTY:
            self._stored.note(self._stored.events.EMPTY, "%s mV" % mv)
            power.switch_off(self.button)
