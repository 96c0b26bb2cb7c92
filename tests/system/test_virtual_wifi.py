"""The virtual board's Wi-Fi: what the chip's station says of access points, keys and its own state."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alertbox.sim import VirtualBox
from board_program import start_program

pytestmark = pytest.mark.needs("wifi", "advance", "set_networks")

AROUND = {"shop": "secret-key", "Café Élan": "", "far": "another-key"}
PROGRAM = """
import network, time
wlan = network.WLAN(network.STA_IF)
wlan.active(True)

def join(*arguments):
    wlan.connect(*arguments)
    at_once = wlan.isconnected()
    time.sleep_ms(60)
    address, *_ = wlan.ifconfig()
    print("joined", arguments, at_once, wlan.isconnected(), wlan.status(), repr(wlan.config("ssid")), address)
    wlan.disconnect()

print("idle", wlan.status())
join("shop", "secret-key")
join()
join("shop", "wrong-key")
join("shop", "")
join("nowhere", "secret-key")
join("Café Élan", "")
print("off", wlan.status(), wlan.isconnected())
began = time.ticks_ms()
for network in wlan.scan():
    print("scanned", network)
print("took", time.ticks_diff(time.ticks_ms(), began) >= 1000)
wlan.active(False)
try:
    wlan.scan()
except OSError as error:
    print("refused", error)
print("done")
"""


@pytest.fixture
def lines(make_box: Callable[..., VirtualBox], tmp_path: Path) -> list[str]:
    """What the program prints, on the stepped clock: its waiting costs no time."""
    box = start_program(make_box, tmp_path / "board", PROGRAM, networks=AROUND, clock="stepped")
    box.wait_for(lambda: "done" in box.console_lines)
    return box.console_lines


def test_a_station_joins_with_the_right_key_only_and_says_why_not(lines: list[str]):
    assert [line for line in lines if line.startswith(("idle", "joined", "off"))] == [
        "idle 1000",
        "joined ('shop', 'secret-key') False True 1010 'shop' 192.0.2.20",
        "joined () False True 1010 'shop' 192.0.2.20",
        "joined ('shop', 'wrong-key') False False 202 'shop' 0.0.0.0",
        "joined ('shop', '') False False 202 'shop' 0.0.0.0",
        "joined ('nowhere', 'secret-key') False False 201 'nowhere' 0.0.0.0",
        "joined ('Caf\\xe9 \\xc9lan', '') False True 1010 'Caf\\xe9 \\xc9lan' 192.0.2.20",
        "off 1000 False",
    ]


def test_a_scan_finds_each_access_point_and_holds_everything_up_meanwhile(lines: list[str]):
    found = [eval(line.removeprefix("scanned ")) for line in lines if line.startswith("scanned ")]
    assert {(ssid.decode(), security, hidden) for ssid, _, _, _, security, hidden in found} == {
        ("shop", 3, False),
        ("Café Élan", 0, False),
        ("far", 3, False),
    }
    assert all(len(bssid) == 6 and 1 <= channel <= 13 and rssi < 0 for _, bssid, channel, rssi, _, _ in found)
    assert len({rssi for _, _, _, rssi, _, _ in found}) == len(found)
    assert "took True" in lines
    assert "refused STA must be active" in lines


def test_networks_come_and_go_while_the_box_runs(make_box: Callable[..., VirtualBox], tmp_path: Path):
    program = """
import asyncio, network
wlan = network.WLAN()
wlan.active(True)
wlan.connect("new", "new-key")

async def main():
    said = None
    while True:
        status = wlan.status()
        if status != said:
            print("status", status)
            said = status
        await asyncio.sleep_ms(10)

asyncio.run(main())
"""
    box = start_program(make_box, tmp_path / "board", program, clock="stepped")
    box.advance(200)
    box.set_networks({"shop": "secret", "new": "other-key"})
    box.advance(200)
    box.set_networks({"new": "new-key"})
    box.advance(200)
    box.wifi(False)
    box.advance(200)
    said = [line.split()[1] for line in box.console_lines if line.startswith("status")]
    assert said == ["201", "202", "1001", "1010", "201"]
