"""What the one light shows in each state, and which state that is.

The light sits under the counter and faces the one who works there; a resistor makes it so dim that it throws no gleam
on a floor by daylight. The patterns do the rest, for an attacker who stands in front must see nothing:

- What may show while somebody stands there is lit for a fifth of the time at most, never for longer than 300 ms, and at
  most twice in a second: the corner of the eye notices quick flicker first, and a steady glow would reach a wall.
- Short flashes ask for patience or care, long ones are good news: a glance tells them apart without counting.
- Nothing is lit steadily, and no timer of the chip blinks by itself (no PWM): a light that goes on proves that the
  program runs.
"""

# On and off times in milliseconds, in turn.
STARTING = "starting"
ARMED = "armed"
PRESSED = "pressed"  # taken, on its way
RECEIVED = "received"  # sent: the receiver has it
IN_CHARGE = "in charge"  # somebody is coming
FAULT = "fault"
LEARNING = "learning"  # a bip that is pressed now is bound
TEST = "test"  # what is pressed is a test

PATTERNS = {
    ARMED: (20, 4980),  # 0.4 %: found only by who looks for it
    PRESSED: (20, 480),  # 4 %, the quickest that shows in a robbery, and for a second or two
    RECEIVED: (300, 1200),  # 20 %, one slow glow
    IN_CHARGE: (250, 250, 250, 1750),  # 20 %, two slow glows
    FAULT: (20, 180, 20, 4780),  # 0.8 %, two flashes where one is well
    TEST: (20, 480, 20, 480, 20, 1980),  # 2 %, three
    # Nobody is robbed in these: a technician stands there, or the power has just come.
    LEARNING: (60, 65),
    STARTING: (50, 450),
}

PRESSED_MS = 1000  # shown at least so long, or a second press that arrives at once would go unnoticed
RECEIVED_MS = IN_CHARGE_MS = 10 * 60 * 1000  # as long as an incident lasts


def choose(
    fault: bool,
    undelivered: int,
    received_ms: "int | None",
    now_ms: int,
    in_charge_ms: "int | None" = None,
    learning: bool = False,
    test_mode: bool = False,
) -> str:
    """The state to show: alerts under way before all else, then what became of them, then what the box is at.

    `undelivered`: presses the receiver has not got; `received_ms`, `in_charge_ms`: when it last got one, when somebody
    took charge, or None. Test mode comes before a fault: whoever presses now calls nobody.
    """
    # No table of them: this is asked ten times a second, and must leave no garbage.
    if undelivered:
        return PRESSED
    if in_charge_ms is not None and now_ms - in_charge_ms < IN_CHARGE_MS:
        return IN_CHARGE
    if received_ms is not None and now_ms - received_ms < RECEIVED_MS:
        return RECEIVED
    if learning:
        return LEARNING
    if test_mode:
        return TEST
    return FAULT if fault else ARMED


class Signs:
    """What became of the last press, and so what to show."""

    def __init__(self) -> None:
        self._pressed_ms: "int | None" = None
        self._received_ms: "int | None" = None
        self._in_charge_ms: "int | None" = None

    def pressed(self, now_ms: int) -> None:
        """A new press was taken: what was said of the last one is said anew."""
        self._pressed_ms = now_ms
        self._received_ms = self._in_charge_ms = None

    def received(self, now_ms: int) -> None:
        self._received_ms = now_ms

    def in_charge(self, now_ms: int) -> None:
        self._in_charge_ms = now_ms

    def state(self, now_ms: int, undelivered: int, fault: bool, learning: bool = False, test_mode: bool = False) -> str:
        if self._pressed_ms is not None and now_ms - self._pressed_ms < PRESSED_MS:
            undelivered += 1
        return choose(fault, undelivered, self._received_ms, now_ms, self._in_charge_ms, learning, test_mode)
