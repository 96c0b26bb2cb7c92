"""What the one light shows in each state: on and off times in milliseconds, in turn.

Discreet: short and dim enough that only somebody who looks under the counter
sees it; the state that matters most to the shopkeeper has the clearest pattern.
"""

# How long the shopkeeper is shown that the alert arrived.
RECEIVED_MS = 60 * 1000

STARTING = "starting"
ARMED = "armed"
PRESSED = "pressed"
RECEIVED = "received"
FAULT = "fault"

PATTERNS = {
    STARTING: (50, 450),
    ARMED: (20, 4980),
    PRESSED: (20, 480),
    RECEIVED: (500, 500),
    FAULT: (20, 180, 20, 4780),
}


def choose(fault: bool, undelivered: int, received_ms: "int | None", now_ms: int) -> str:
    """The state to show: alerts under way before all else, then that they arrived, then what is wrong.

    `undelivered`: alerts the receiver has not got; `received_ms`: when it last acknowledged one, or None.
    """
    if undelivered:
        return PRESSED
    if received_ms is not None and now_ms - received_ms < RECEIVED_MS:
        return RECEIVED
    return FAULT if fault else ARMED
