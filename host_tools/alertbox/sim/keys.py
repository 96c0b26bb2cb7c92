"""Keys for a virtual box on a terminal: a table of key, sentence and deed."""

import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alertbox import texts
from alertbox.errors import UserError
from alertbox.sim import VirtualBox
from alertbox.sim.bip import VirtualBip

Deed = Callable[[VirtualBox, VirtualBip], None]
_PRESS_MS, _GAP_MS, _HOLD_MS = 120, 180, 1800


def _press(box: VirtualBox, _: VirtualBip) -> None:
    box.press("button", _PRESS_MS)


def _press_twice(box: VirtualBox, _: VirtualBip) -> None:
    second = _PRESS_MS + _GAP_MS
    moments = (0, 1), (_PRESS_MS, 0), (second, 1), (second + _PRESS_MS, 0)
    box.edges("button", [(ms * 1000, level) for ms, level in moments])


def _hold(box: VirtualBox, _: VirtualBip) -> None:
    box.press("button", _HOLD_MS)


def _toggle_wifi(box: VirtualBox, _: VirtualBip) -> None:
    box.wifi(not box.wifi_up)


def _toggle_mains(box: VirtualBox, _: VirtualBip) -> None:
    box.mains(not box.mains_on)


def _toggle_power(box: VirtualBox, _: VirtualBip) -> None:
    if box.is_on:
        box.power_cut()
    else:
        box.power_on()


def _bip(payload: Callable[[VirtualBip], bytes]) -> Deed:
    def deed(box: VirtualBox, bip: VirtualBip) -> None:
        box.advertise(bip.mac, payload(bip))

    return deed


KEYS: dict[str, tuple[str, Deed]] = {
    "1": ("key-one", _press),
    "2": ("key-two", _press_twice),
    "3": ("key-hold", _hold),
    "b": ("key-bip-one", _bip(VirtualBip.press)),
    "d": ("key-bip-two", _bip(VirtualBip.double)),
    "B": ("key-bip-hold", _bip(VirtualBip.hold)),
    "i": ("key-bip-presence", _bip(VirtualBip.presence)),
    "w": ("key-wifi", _toggle_wifi),
    "m": ("key-mains", _toggle_mains),
    "p": ("key-power", _toggle_power),
}
_QUIT = "q"


def help_lines() -> list[str]:
    return [f"  {key}  {texts.say(text)}" for key, (text, _) in KEYS.items()] + [f"  {_QUIT}  {texts.say('key-quit')}"]


def play(box: VirtualBox, bip: VirtualBip, tell: Callable[[str], None]) -> None:
    """Do what is typed until `q`, end of file or Ctrl-C."""
    if not sys.stdin.isatty():
        raise UserError("no-terminal")
    with _single_keys():
        for key in _typed():
            if key in KEYS:
                text, deed = KEYS[key]
                tell(texts.say(text))
                try:
                    deed(box, bip)
                except RuntimeError as error:
                    tell(str(error).splitlines()[0])


def _typed() -> Iterator[str]:
    while True:
        select.select([sys.stdin], [], [])
        key = os.read(sys.stdin.fileno(), 1).decode("ascii", "ignore")
        if key in ("", _QUIT, "\x04"):
            return
        yield key


@contextmanager
def _single_keys() -> Iterator[None]:
    """Keys without Return; Ctrl-C still interrupts."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
