"""From a bip's advertisement to the alert that the receiver stored; what is recorded and played back is refused."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alertbox.box.session import BoxConsole, BoxRefused
from alertbox.receiver import Accounts, ReceiverThread, StoredAlert
from alertbox.sim import VirtualBox
from alertbox.town import Town
from bip import CLICK, DOUBLE, HOLD, LONG, TRIPLE, Bip, shelly
from stepping import advance_until, share_lit

pytestmark = pytest.mark.needs(
    "advertise",
    "press",
    "serial",
    "wifi",
    "advance",
    "crowd",
    "end_scan",
    "fail",
    "light",
    "power_cut",
    "power_cut_at_flash_operation",
    "power_on",
    "siren",
    "stored",
)

Make = Callable[..., VirtualBox]


def linked(box: VirtualBox, since: int = 0) -> VirtualBox:
    advance_until(box, lambda: any(line.text.startswith("connected") for line in box.log[since:]))
    return box


@pytest.fixture
def bip() -> Bip:
    return Bip()


@pytest.fixture
def paired(make_box: Make, receiver: ReceiverThread, bip: Bip) -> VirtualBox:
    """A box on a stepped clock, its link up, that knows `bip`."""
    return linked(make_box(receiver, clock="stepped", settings={"bips": [bip.row()]}))


def pressed(box: VirtualBox, bip: Bip, event: int, **how: Any) -> bytes:
    """The bip is pressed; returns what it sent."""
    packet = bip.packet(event)
    box.advertise(bip.mac, packet, **how)
    box.advance(1200)
    return packet


def alerts(receiver: ReceiverThread, count: int) -> list[StoredAlert]:
    receiver.wait_until(lambda: len(receiver.alerts()) >= count)
    return receiver.alerts()


def said(box: VirtualBox, module: str, text: str, since: int = 0) -> int:
    return sum(line.module == module and line.text.startswith(text) for line in box.log[since:])


def presses(box: VirtualBox, since: int = 0) -> int:
    return said(box, "bips", "pressed", since)


def restart(box: VirtualBox) -> int:
    mark = len(box.log)
    box.power_cut()
    box.power_on()
    linked(box, mark)
    return mark


# ---- presses ----


@pytest.mark.parametrize(
    ("event", "kind"), [(CLICK, "inform"), (DOUBLE, "help"), (TRIPLE, "help"), (LONG, "alarm"), (HOLD, "alarm")]
)
def test_what_a_bip_says_is_what_the_receiver_stores(paired: VirtualBox, receiver: ReceiverThread, bip, event, kind):
    pressed(paired, bip, event)
    (alert,) = alerts(receiver, 1)
    assert (alert.kind_name, alert.source, alert.incident) == (kind, 16, 1)
    assert "source-unauthenticated" not in alert.flags
    assert presses(paired) == 1, "it repeats itself ten times"


def test_a_bip_has_a_policy_of_its_own(make_box: Make, receiver: ReceiverThread):
    strict = Bip(3)
    chosen = {"click": "alarm", "double": "alarm", "hold": "alarm"}
    settings = {"bips": [strict.row(policy=chosen)], "policy": {"bip": {"click": "inform"}}}
    box = linked(make_box(receiver, clock="stepped", settings=settings))
    pressed(box, strict, CLICK)
    (alert,) = alerts(receiver, 1)
    assert (alert.kind_name, alert.source) == ("alarm", 18)


def test_two_bips_are_one_incident_and_the_second_is_told_as_such(make_box: Make, receiver: ReceiverThread):
    first, second = Bip(1), Bip(2, "Réserve")
    box = linked(make_box(receiver, clock="stepped", settings={"bips": [first.row(), second.row()]}))
    pressed(box, first, CLICK)
    pressed(box, second, HOLD)
    box.advance(500)
    assert [(row.kind_name, row.source, row.incident) for row in alerts(receiver, 2)] == [
        ("inform", 16, 1),
        ("alarm", 17, 1),
    ]


def test_a_false_alarm_is_counted_for_the_bip_that_raised_it(paired, receiver: ReceiverThread, town: Town, bip):
    pressed(paired, bip, HOLD)
    (alert,) = alerts(receiver, 1)
    Accounts(town).false_alarms.say(alert.name, alert.sequence)
    (count,) = Accounts(town).false_alarms.counts()
    assert (count.source, count.presses, count.false_alarms) == ("bip 1", 1, 1)


def test_a_bip_that_is_pressed_while_the_network_is_gone_is_delivered_later(paired, receiver: ReceiverThread, bip):
    paired.wifi(False)
    pressed(paired, bip, HOLD)
    assert receiver.alerts() == []
    paired.wifi(True)
    advance_until(paired, lambda: bool(receiver.alerts()), most_ms=120_000)


def test_strangers_delay_no_press(paired: VirtualBox, bip: Bip):
    """200 foreign advertisements a second. A bip's third repeat is the last that may fall between scan windows."""
    paired.crowd(200)
    paired.advance(1000)
    for _ in range(10):
        mark = len(paired.log)
        began_us = paired.advertise(bip.mac, bip.packet(CLICK))
        paired.advance(1050)
        journalled_ms = paired.wait_log("issuer", "journalled", since=mark).uptime_ms
        assert journalled_ms - began_us // 1000 <= 203 + 20


# ---- what is refused ----


def test_a_recording_informs_once_an_hour_as_of_an_unsure_source_before_and_after_restarts(
    paired: VirtualBox, receiver: ReceiverThread, bip: Bip
):
    recorded, *_ = [pressed(paired, bip, event) for event in (HOLD, DOUBLE, CLICK)]
    assert presses(paired) == 3
    paired.advance(20_000)
    for _ in range(3):
        for _ in range(3):
            paired.advertise(bip.mac, recorded)
            paired.advance(20_000)
        restart(paired)
    mark = len(paired.log)
    pressed(paired, bip, HOLD)
    assert presses(paired, mark) == 1, "the first press after a restart counts"
    found = [(row.kind_name, "source-unauthenticated" in row.flags) for row in alerts(receiver, 6)]
    assert found[:3] == [("alarm", False), ("help", False), ("help", False)]
    assert found[3:] == [("inform", True), ("bip-lost", False), ("alarm", False)]


def test_nothing_that_anybody_can_send_sounds_the_siren(make_box: Make, receiver: ReceiverThread, bip: Bip):
    loud = {"click": "alarm", "double": "alarm", "hold": "alarm"}
    settings = {"bips": [bip.row(policy=loud)], "siren": {"allowed": True, "form": "2026-017"}}
    box = linked(make_box(receiver, clock="stepped", settings=settings))
    old = bip.packet(HOLD)
    bip.counter = 5000
    box.advertise(bip.mac, bip.packet())
    box.advance(12_000)
    for payload in (bytes.fromhex("02010610ffa90b0111000b01000aa5808fe64854"), bip.plain(HOLD), old):
        box.advertise(bip.mac, payload)
        box.advance(1200)
    assert presses(box) == 2
    assert not box.siren()
    pressed(box, bip, CLICK)
    assert box.siren(), "the bip itself does"


def test_one_press_of_a_wall_switch_informs_and_a_held_one_is_an_alarm(paired: VirtualBox, receiver, bip: Bip):
    for event in (0xFE, 0x80):
        paired.advertise(bip.mac, bip.packet(event, 0, 0, 0))
        paired.advance(300)
        paired.advertise(bip.mac, bip.packet(CLICK, 0, 0, 0))
        paired.advance(5000)
    assert [row.kind_name for row in alerts(receiver, 2)] == ["inform", "inform"]
    began = paired.advertise(bip.mac, bip.packet(0x80, 0, 0, 0)) // 1000
    paired.advance(3000)
    told = [line for line in paired.log if line.module == "bips" and "kind=alarm" in line.text]
    assert len(told) == 1
    assert 1500 <= told[0].uptime_ms - began <= 1500 + 203 + 40


def test_a_hold_that_is_kept_back_when_the_power_goes_is_told_at_the_start(paired: VirtualBox, receiver, bip: Bip):
    paired.advertise(bip.mac, bip.packet(0xFE, 0, 0, 0))
    paired.advance(600)
    assert receiver.alerts() == []
    restart(paired)
    paired.advance(5000)
    assert [row.kind_name for row in alerts(receiver, 1)] == ["alarm"]


def test_what_anybody_could_have_made_is_refused(paired: VirtualBox, bip: Bip):
    other = Bip(9)
    other.mac = bip.mac
    for payload in (bip.plain(HOLD), other.packet(HOLD), bip.packet(HOLD)[:-1], b"\xff" * 31, b""):
        paired.advertise(bip.mac, payload)
        paired.advance(1200)
    assert presses(paired) == 0
    pressed(paired, bip, HOLD)
    assert presses(paired) == 1


@pytest.mark.parametrize("operation", [1, 2, 3, 4])
def test_a_press_in_a_power_cut_is_one_alert_however_often_it_is_played_back(
    paired: VirtualBox, receiver: ReceiverThread, bip: Bip, operation: int
):
    """The first program is the counter's, the second the journal's, the others the marks of its delivery."""
    paired.advance(5000)  # blocks and pairs are made ahead
    packet = bip.packet(HOLD)
    paired.power_cut_at_flash_operation(operation)
    paired.advertise(bip.mac, packet)
    with contextlib.suppress(RuntimeError):  # it goes off in the middle
        paired.advance(3000)
    assert paired.wait_off() == "power cut"
    for _ in range(2):
        mark = len(paired.log)
        paired.power_on()
        linked(paired, mark)
        paired.advertise(bip.mac, packet)
        paired.advance(3000)
        paired.power_cut()
    assert [row.kind_name for row in alerts(receiver, 1)] == ["alarm"]


# ---- faults ----


def test_a_bip_that_falls_silent_is_a_fault_until_it_is_heard_again(make_box: Make, receiver: ReceiverThread):
    bip = Bip()
    box = linked(make_box(receiver, clock="stepped", settings={"bips": [bip.row(supervision_s=600)]}))
    box.advertise(bip.mac, bip.packet())
    box.advance(590_000)
    assert receiver.alerts() == []
    box.advance(30_000)
    (alert,) = alerts(receiver, 1)
    assert (alert.kind_name, alert.source) == ("bip-lost", 16)
    box.advertise(bip.mac, bip.packet())
    box.advance(2500)
    assert said(box, "bips", "well again") == 1


def test_a_low_battery_is_a_fault_until_there_is_a_new_one(paired: VirtualBox, receiver: ReceiverThread, bip: Bip):
    bip.battery = 10
    paired.advertise(bip.mac, bip.packet())
    paired.advance(2500)
    (alert,) = alerts(receiver, 1)
    assert (alert.kind_name, alert.source) == ("bip-battery-low", 16)
    bip.battery = 100
    paired.advertise(bip.mac, bip.packet())
    paired.advance(2500)
    assert said(paired, "bips", "well again") == 1


def test_a_radio_that_fails_is_a_fault_and_the_scan_begins_again(paired: VirtualBox, bip: Bip):
    paired.fail("ble", "error")
    paired.end_scan()
    paired.advance(1500)
    assert said(paired, "ble", "does not hear") == 1
    paired.fail("ble", "")
    paired.advance(2500)
    mark = len(paired.log)
    pressed(paired, bip, HOLD)
    assert presses(paired, mark) == 1


# ---- pairing ----


@pytest.fixture
def real(make_box: Make, receiver: ReceiverThread) -> VirtualBox:
    """On the real clock, for the console's tool lives in real time."""
    return make_box(receiver)


def wait_state(console: BoxConsole, box: VirtualBox, state: str) -> dict[str, Any]:
    box.wait_for(lambda: console.call("learn_state")["state"] == state, 10, f"learning to be {state}")
    return dict(console.call("learn_state"))


def test_a_bip_is_learnt_by_three_presses_listed_renamed_and_removed(real: VirtualBox, receiver: ReceiverThread):
    bip = Bip(5, counter=1000)
    with BoxConsole(real.serial) as console:
        assert console.call("bips") == {"bips": []}
        console.call("learn", "Réserve", None, bip.key.hex())
        Bip(6).packet()
        for after_ms in (0, 1000, 2000):
            real.advertise(bip.mac, bip.packet(CLICK), after_ms=after_ms, answer=shelly(8))
        real.wait_log("bips", "bound")
        state = console.call("learn_state")
        assert (state["state"], state["bip"], state["presses"]) == ("bound", 1, 3)
        assert (state["buzzer"], state["presence"]) == (True, False)
        assert receiver.alerts() == [], "what is learnt alerts nobody"
        real.advertise(bip.mac, bip.packet(HOLD), after_ms=2500)
        alert = receiver.wait_for(lambda row: row.kind_name == "alarm")
        assert alert.source == 16
        (row,) = console.call("bips")["bips"]
        assert row[:4] == [1, "Réserve", bip.mac, 90]
        assert row[5:] == [-60, 1, 0, []]
        console.call("bip_rename", 1, "Comptoir")
        assert console.call("bips")["bips"][0][1] == "Comptoir"
        with pytest.raises(BoxRefused):
            console.call("bip_rename", 2, "nobody")
        assert console.call("get", "bips.0")["value"]["name"] == "Comptoir"
        console.call("bip_remove", 1)
        assert console.call("bips") == {"bips": []}
    assert "bips" not in json.dumps(real.stored("settings")) or real.stored("settings")["bips"] == []


def test_a_bip_that_counts_anew_is_refused_until_it_is_paired_again(make_box: Make, receiver: ReceiverThread):
    bip = Bip(counter=5000)
    box = make_box(receiver, settings={"bips": [bip.row()]})
    box.advertise(bip.mac, bip.packet(CLICK))
    box.wait_log("bips", "pressed")
    bip.counter = 0  # a new battery
    mark = len(box.log)
    with BoxConsole(box.serial) as console:
        console.call("bip_repair", 1)
        for after_ms in (1200, 2200, 3200):  # the old packet is no longer on the air
            box.advertise(bip.mac, bip.packet(CLICK), after_ms=after_ms)
        box.wait_log("bips", "bound", since=mark)
    assert presses(box, mark) == 0
    box.advertise(bip.mac, bip.packet(HOLD))
    box.wait_log("bips", "pressed", since=mark)
    assert receiver.wait_for(lambda row: row.kind_name == "alarm").source == 16


# ---- without a key ----


def test_the_button_of_a_new_box_pairs_bips_without_a_tool_which_then_only_inform(
    make_box: Make, receiver: ReceiverThread, tmp_path: Path
):
    first, second, stranger = Bip(1), Bip(2), Bip(3)
    new = make_box(enrol=False, clock="stepped")
    for bip in (first, second):
        new.press("button", 120)
        new.advance(1500)
        assert share_lit(new) > 0.3, "it shows that it listens"
        for sender in (bip, stranger, bip, bip, bip):
            new.advertise(sender.mac, sender.plain())
            new.advance(4000)
    assert said(new, "bips", "bound") == 2
    assert share_lit(new) < 0.3
    rows = new.stored("settings")["bips"]
    assert [(row["id"], row["mac"], row["key"], row["name"]) for row in rows] == [
        (1, first.mac, "", "Bip 1"),
        (2, second.mac, "", "Bip 2"),
    ]
    new.power_cut()
    box = linked(make_box(receiver, clock="stepped", settings={"bips": rows}, folder=tmp_path / "in service"))
    for _ in range(3):
        box.advertise(second.mac, second.plain(HOLD))
        box.advance(4000)
    (alert,) = alerts(receiver, 1)
    assert (alert.kind_name, alert.source, "source-unauthenticated" in alert.flags) == ("inform", 17, True)


def test_the_button_of_a_box_in_service_pairs_nothing(make_box: Make, receiver: ReceiverThread):
    stranger = Bip(3)
    box = linked(make_box(receiver, clock="stepped"))
    box.press("button", 120)
    box.advance(1500)
    for _ in range(4):
        box.advertise(stranger.mac, stranger.plain())
        box.advance(4000)
    assert said(box, "bips", "bound") == 0
    assert box.stored("settings").get("bips", []) == []
