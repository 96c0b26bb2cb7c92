"""What happens in the demo, and what must come of it.

The expected alerts stand beside each act, so the numbers at the end come from
this script and not from anything that the box counts.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiomqtt
import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from alertbox.demo.timeline import Timeline
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox

_PRESS_MS, _GAP_MS, _HOLD_MS = 120, 180, 1800
_PAUSE_S = 0.6  # longer than a double press may take: what follows is a gesture of its own


@dataclass
class Stage:
    """The actors."""

    box: VirtualBox
    receiver: ReceiverThread
    timeline: Timeline

    def gesture(self, presses: int, press_ms: int = _PRESS_MS, gap_ms: int = _GAP_MS) -> None:
        """One gesture of a person, and what the box made of it until it is in the journal."""
        time.sleep(_PAUSE_S)
        edges = []
        for i in range(presses):
            start = i * (press_ms + gap_ms) * 1000
            edges += [(start, 1), (start + press_ms * 1000, 0)]
        mark = len(self.box.log)
        pressed = self.box.edges("button", edges)
        self.timeline.follow(self.box, mark, pressed)

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
    """`text` names a sentence in `texts`; `kinds` and `refused` are what must come of it."""

    text: str
    play: Callable[[Stage], None]
    kinds: tuple[str, ...] = ()
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


STORY = (
    Act("demo-one", one_press, ("inform",)),
    Act("demo-two", two_presses, ("help",)),
    Act("demo-held", held, ("alarm",)),
    Act("demo-frantic", frantic, ("help",)),
    Act("demo-offline", offline, ("inform", "inform")),
    Act("demo-replayed", replayed, refused="replay"),
    Act("demo-forged", forged, refused="signature"),
)
