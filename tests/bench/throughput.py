"""Alerts a second that a receiver takes in; receiver_load.py measures."""

import receiver_load
from mosquitto import Mosquitto
from rows import LeftOut, Peer, Row


def rows() -> list[Row]:
    if Mosquitto.missing:
        raise LeftOut(Mosquitto.missing)
    figures = receiver_load.main()
    embedded = figures["embedded"]["per_s"]
    return [
        Row(
            f"receiver, {figures['boxes']} boxes through mosquitto, each alert committed",
            figures["mosquitto"]["per_s"],
            "alerts/s",
            goal=figures["goal_per_s"],
            better="higher",
            peer=Peer("embedded broker", embedded),
        ),
        Row(f"receiver, {figures['boxes']} boxes through the embedded broker", embedded, "alerts/s", better="higher"),
    ]
