"""`micropython` of the virtual ESP32: whether Ctrl-C interrupts.

The terminal's own interrupt character says it; the host's end of the line reads it there. The unix port's
`kbd_intr(-1)` would let the next Ctrl-C end the process, so it is not called.
Not modelled: that each line typed at the prompt sets it back to 3.
"""

import termios

from micropython import *  # noqa: F403 - the same names as the chip's module
from virtual.chip import chip

_STDIN = 0
_CHARACTERS = 6  # their place in what tcgetattr gives


def kbd_intr(chr):
    attributes = termios.tcgetattr(_STDIN)
    attributes[_CHARACTERS][chip.interrupt_index] = bytes([max(0, chr)])  # 0 is none (POSIX)
    termios.tcsetattr(_STDIN, termios.TCSANOW, attributes)
