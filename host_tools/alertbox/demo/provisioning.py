"""The blank box is provisioned as a technician would: the real command, over the box's serial line."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from alertbox import texts
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from alertbox.sim.bip import VirtualBip

NETWORK, NETWORK_KEY = "Boulangerie", "pain-au-levain"
_SHOP = Path(__file__).with_name("shop.toml")
_PATIENCE_S = 120


def bips() -> list[VirtualBip]:
    """The kit's, in the order of their numbers."""
    rows = tomllib.loads(_SHOP.read_text(encoding="utf-8"))["bips"]
    return [VirtualBip.from_label(row["label"]) for row in rows]


def provision(box: VirtualBox, receiver: ReceiverThread) -> str:
    """Run `alertbox provision` on the box's pty with a fresh invite; the read-back's line of what it printed.

    RuntimeError with all that it printed if it failed.
    """
    invite = receiver.invite(host=receiver.town.names[0])  # a name, so that the box has to ask its DNS server
    command = [sys.executable, "-m", "alertbox", "--lang", texts.language(), "provision", box.serial]
    done = subprocess.run(
        [*command, "--file", str(_SHOP), "--invite", invite.line, "--yes"],
        env=os.environ | {"ALERTBOX_WIFI_KEY": NETWORK_KEY},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return next(line for line in done.stdout.splitlines() if line.strip().startswith("✓") and "0" in line).strip()
