"""The box's own senses and local signs, wired: what hangs on which pin, by the board and the settings."""

import board
import machine
from box import power
from box.core import alert, levels, policy
from box.core.hours import SilentHours
from box.core.signs import Signs
from box.inputs.button import Button
from box.inputs.contact import Contact
from box.outputs.light import Light
from box.outputs.siren import Siren


def _input(name: str, rests: str = "open"):
    """(pin, level while active). The board says what it is for a contact that rests open."""
    active = board.INPUTS[name][1]
    return power.pin(name), 1 - active if rests == "closed" else active


def _output(name: str):
    """(pin, level while on)."""
    number, active = board.OUTPUTS[name]
    return machine.Pin(number, machine.Pin.OUT, value=1 - active), active


def light() -> Light:
    """First of all, so that it shows that the box starts."""
    return Light(*_output("light"))


class Senses:
    """`needed()`: a press waits or an incident runs; `tell(what)`: the siren's events."""

    def __init__(self, settings: dict, clock, test_mode, needed, tell):
        inputs = settings["inputs"]
        self.sources = []  # (name, source in an alert, button, gesture -> kind)
        for name, source in board.SOURCES.items():
            # Without a foot switch its pin is left alone.
            if inputs[name] != "none":
                pin, active = _input(name, inputs[name])
                meanings = policy.meanings(settings["policy"][name])
                button = Button(pin, clock.now, active, woke=power.press if name == "button" else None)
                self.sources.append((name, source, button, meanings))
                if name == "button":
                    self.button = button
        pin, present = _input("mains")
        self._mains = Contact(pin, 1 - present, clock, levels.mains_lost(inputs["mains_s"]))
        self._case = None
        if inputs["tamper"] != "none":
            pin, is_open = _input("tamper")  # the board's level is that of a contact that a closed case closes
            self._case = Contact(pin, is_open if inputs["tamper"] == "closed" else 1 - is_open, clock, levels.CASE_OPEN)
        self.battery = power.battery(lambda: self.mains, needed, clock)
        hours = SilentHours(settings["silent_hours"], settings["shop"]["zone"])
        siren = settings["siren"]
        pin, sounding = _output("siren")
        self.siren = Siren(
            pin,
            sounding,
            siren["allowed"],
            clock.now,
            siren["max_s"],
            lambda: hours.are_on(clock.utc()),
            lambda: test_mode.is_on(clock.now()),
            tell,
        )
        self.signs = Signs()

    @property
    def mains(self) -> bool:
        return not self._mains.is_on

    @property
    def open(self) -> bool:
        """Is a gesture undecided, on any of the buttons?"""
        for _, _, button, _ in self.sources:
            if button.open:
                return True
        return False

    @property
    def fault(self) -> "str | None":
        if self._case and self._case.told:
            return "The case is open: close it."
        if self.battery.low:
            return "The battery is low or missing: leave the box on mains, or replace its battery."
        if self._mains.told:
            return "There is no mains: the box runs on its battery."
        return None

    def flags(self) -> int:
        flags = 0
        if self._mains.is_on:
            flags |= alert.FLAG_MAINS_LOST
        if self.battery.low:
            flags |= alert.FLAG_BATTERY_LOW
        if self._case and self._case.is_on:
            flags |= alert.FLAG_TAMPER_OPEN
        return flags

    def tasks(self, on_gesture, on_mains, on_case, on_battery) -> dict:
        """`on_gesture(source, kind, began_ms, decided_ms)`; the others as their drivers say."""
        tasks = {"mains": self._mains.run(on_mains), "battery": self.battery.run(on_battery), "siren": self.siren.run()}
        if self._case:
            tasks["case"] = self._case.run(on_case)
        for name, source, button, meanings in self.sources:
            tasks[name] = button.run(_reporter(source, button, meanings, on_gesture))
        return tasks


def _reporter(source: int, button: Button, meanings: bytes, on_gesture):
    return lambda gesture, t_ms: on_gesture(source, meanings[gesture], button.began_ms, t_ms)
