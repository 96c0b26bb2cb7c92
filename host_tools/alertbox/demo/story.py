"""What happens in the demo, and what must come of it.

The expected alerts stand beside each act, so the numbers at the end come from
this script and not from anything that the box counts.
"""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiomqtt
import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from alertbox.box import bip_rows
from alertbox.box.session import BoxConsole
from alertbox.demo.timeline import Timeline
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from alertbox.sim.bip import VirtualBip

_PRESS_MS, _GAP_MS, _HOLD_MS = 120, 180, 1800
_REPEATS_S = 1.1
_PAUSE_S = 0.6  # longer than a double press may take: what follows is a gesture of its own


# What the box says when it knows what was pressed.
_BUTTON_TOLD = ("pins", "classified")
_BIP_TOLD = ("bips", "pressed")
BIP_REPLAY = "bip-replay"  # the box's refusals of what was recorded of a bip; the receiver has other reasons


@dataclass
class Stage:
    """The actors. `recorded`: a payload that an attacker has recorded, of the first bip."""

    box: VirtualBox
    receiver: ReceiverThread
    timeline: Timeline
    bips: list[VirtualBip]
    recorded: bytes = b""

    def refused(self) -> Counter[str]:
        """What was refused so far, by the receiver and, of the bips, by the box since its start."""
        with BoxConsole(self.box.serial) as console:
            bips = sum(row.refused for row in bip_rows.bips(console))
        return Counter(self.receiver.counters()["refused"]) + Counter({BIP_REPLAY: bips})

    def gesture(self, presses: int, press_ms: int = _PRESS_MS, gap_ms: int = _GAP_MS) -> None:
        """One gesture of a person, and what the box made of it until it is in the journal."""
        time.sleep(_PAUSE_S)
        edges = []
        for i in range(presses):
            start = i * (press_ms + gap_ms) * 1000
            edges += [(start, 1), (start + press_ms * 1000, 0)]
        mark = len(self.box.log)
        pressed = self.box.edges("button", edges)
        self.timeline.follow(self.box, mark, pressed, _BUTTON_TOLD)

    def bip(self, bip: VirtualBip, payload: bytes) -> None:
        """A bip's packet, which is a press, repeated for a second as bips do."""
        mark = len(self.box.log)
        sent_us = self.box.advertise(bip.mac, payload)
        self.timeline.follow(self.box, mark, sent_us / 1e6, _BIP_TOLD)
        time.sleep(_REPEATS_S)

    def mains(self, on: bool, kind: str) -> None:
        """Cut or restore the mains, and wait until the receiver has the alert of it."""
        self.box.mains(on)
        self.receiver.wait_for(lambda alert: alert.kind_name == kind)

    def publish(self, message: bytes) -> None:
        """Send what an attacker would who has read the box's broker account out of its flash."""
        account = self.box.stored("enrolment") | self.box.stored("settings")["receiver"]
        asyncio.run(self._publish(account, message))

    async def _publish(self, account: dict[str, Any], message: bytes) -> None:
        trust = ssl.create_default_context(cadata=bytes.fromhex(account["ca"]))
        trust.check_hostname = False  # the certificate names the town, the relay is at an address
        async with aiomqtt.Client(
            "127.0.0.1",
            account["port"],
            username=account["user"],
            password=account["password"],
            identifier="attacker",
            tls_context=trust,
        ) as client:
            await client.publish(f"alertbox/{account['user']}/alert", message, qos=1)


@dataclass(frozen=True)
class Act:
    """`text` names a sentence in `texts`; the others are what must come of it.

    kinds: of the alerts that people raise, from the source `source`, in incident `incident` of the story. faults:
    alerts that the box raises by itself, or as of an unsure source. refused: why one message is refused.
    """

    text: str
    play: Callable[[Stage], None]
    kinds: tuple[str, ...] = ()
    source: str = "button"
    incident: int = 1
    faults: tuple[str, ...] = ()
    refused: str | None = None


def one_press(stage: Stage) -> None:
    stage.gesture(1)


def two_presses(stage: Stage) -> None:
    stage.gesture(2)


def held(stage: Stage) -> None:
    stage.gesture(1, press_ms=_HOLD_MS)


def frantic(stage: Stage) -> None:
    stage.gesture(7, press_ms=60, gap_ms=70)


def offline(stage: Stage) -> None:
    stage.box.wifi(False)
    stage.gesture(1)
    stage.gesture(1)
    stage.box.power_cut()
    stage.box.power_on()
    stage.box.wifi(True)


def replayed(stage: Stage) -> None:
    stage.publish(stage.receiver.alerts()[-1].raw)


def forged(stage: Stage) -> None:
    """A fresh alarm in the box's name, well-formed, signed with another key."""
    last = stage.receiver.alerts()[-1].raw
    protected, _, payload, _ = cbor2.loads(last).value
    body = cbor2.loads(payload)
    body.update({4: body[4] + 1, 5: 3, 7: int(time.time())})
    payload = cbor2.dumps(body)
    signed = cbor2.dumps(["Signature1", protected, b"alertbox/alert/1", payload])
    der = ec.generate_private_key(ec.SECP256R1()).sign(signed, ec.ECDSA(hashes.SHA256()))
    signature = b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))
    stage.publish(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature])))


def bip_held(stage: Stage) -> None:
    bip = stage.bips[0]
    stage.recorded = bip.hold()
    stage.bip(bip, stage.recorded)


def bip_joins(stage: Stage) -> None:
    bip = stage.bips[1]
    stage.bip(bip, bip.press())


def bip_replayed(stage: Stage) -> None:
    """The recorded hold again, once the bip has been heard twice: what is one packet late may be a repeat."""
    bip = stage.bips[0]
    for _ in range(2):
        stage.box.advertise(bip.mac, bip.presence())
        time.sleep(_REPEATS_S)
    stage.box.advertise(bip.mac, stage.recorded)
    time.sleep(_REPEATS_S)


def mains_lost_and_back(stage: Stage) -> None:
    stage.mains(False, "mains-lost")
    stage.mains(True, "mains-back")


# The power cut of the offline act ends the first incident: a box does not know how long it was off.
STORY = (
    Act("demo-one", one_press, ("inform",)),
    Act("demo-two", two_presses, ("help",)),
    Act("demo-held", held, ("alarm",)),
    Act("demo-frantic", frantic, ("help",)),
    Act("demo-offline", offline, ("inform", "inform")),
    Act("demo-bip-held", bip_held, ("alarm",), source="bip 1", incident=2),
    Act("demo-bip-joins", bip_joins, ("inform",), source="bip 2", incident=2),
    Act("demo-bip-replayed", bip_replayed, faults=("inform",), refused=BIP_REPLAY),
    Act("demo-mains", mains_lost_and_back, faults=("mains-lost", "mains-back")),
    Act("demo-replayed", replayed, refused="replay"),
    Act("demo-forged", forged, refused="signature"),
)
