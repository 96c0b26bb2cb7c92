"""What a packet of a bip says, whatever radio brought it, before anybody judges it.

Pure. A codec (bthome.py) makes a Frame of what came over the air; bip_guard and bip_learning know frames alone. For
another radio: a codec of its own, and a seal that opens.
"""

from box.core.gesture import HOLD


class Frame:
    """`who`: the sender's address, 6 bytes. Of a sealed packet `counter` is its number, and `seal.open(key)` gives its
    Events, or None if key or packet is wrong. `events`: what is said in the clear.

    `pairing`, `buzzer`: the bip says, in the clear, that it is in pairing mode, that it beeps.
    """

    # Here and below: set on the class, for speed, and in the object only where the packet says otherwise.
    counter: "int | None" = None
    seal: "object | None" = None
    events: "Events | None" = None
    pairing = False
    buzzer = False

    def __init__(self, who: bytes):
        self.who = who


class Events:
    """What its buttons did, a bit for each button where several may differ.

    `gesture`: the strongest that is decided (CLICK, DOUBLE, HOLD; 0: none), of the buttons in `decided`. `holds`:
    buttons that are down, for how long the bip does not say. `released`: buttons that were held and are let go.
    `buttons`: how many it has; `battery` in %, `packet_id`: None if not said.
    """

    gesture = 0
    decided = 0
    holds = 0
    released = 0
    buttons = 0
    battery: "int | None" = None
    packet_id: "int | None" = None

    @property
    def strongest(self) -> int:
        """The gesture, where a hold is a hold at once."""
        return HOLD if self.holds else self.gesture
