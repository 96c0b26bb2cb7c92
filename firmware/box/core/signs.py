"""What the one light shows in each state: on and off times in milliseconds, in turn.

Discreet: short and dim enough that only somebody who looks under the counter
sees it; the state that matters most to the shopkeeper has the clearest pattern.
"""

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
