"""The box's own senses and local signs, on the virtual box."""

import time

import pytest
from alertbox.box.session import BoxConsole, BoxRefused
from alertbox.contract import formats
from stepping import glows

pytestmark = pytest.mark.needs(
    "edges",
    "mains",
    "press",
    "serial",
    "advance",
    "battery",
    "begin_edges",
    "light",
    "power_cut",
    "power_on",
    "siren",
    "tamper",
)

FOOT = {"inputs": {"foot": "open"}}


def test_the_case_that_opens_is_told_at_once_and_once(box, receiver):
    box.tamper(True)
    box.advance(2000)
    receiver.wait_for(lambda a: a.kind_name == "tamper")
    for i in range(20):
        box.tamper(i % 2 == 1)
        box.advance(1000)
    box.press("button", 120)
    box.advance(1000)
    assert "tamper-open" in receiver.wait_for(lambda a: a.kind_name == "inform").flags
    assert [a.kind_name for a in receiver.alerts()].count("tamper") == 1
    box.tamper(False)
    box.advance(120_000)
    box.press("button", 120)
    box.advance(1000)
    receiver.wait_for(lambda a: a.kind_name == "inform" and "tamper-open" not in a.flags)


def test_a_low_battery_is_told_and_clears_itself(box, receiver):
    box.battery(3.4)
    box.advance(60_000)
    receiver.wait_for(lambda a: a.kind_name == "battery-low")
    box.battery(3.9)
    box.advance(120_000)
    box.press("button", 120)
    box.advance(1000)
    assert "battery-low" not in receiver.wait_for(lambda a: a.kind_name == "inform").flags


def test_mains_lost_and_back_is_told_once_each_when_it_has_held(box, receiver):
    box.mains(False)
    box.advance(30_000)
    box.mains(True)
    box.advance(90_000)
    assert receiver.alerts() == [], "a dip of half a minute"
    box.mains(False)
    box.advance(61_500)
    box.mains(True)
    box.advance(61_500)
    receiver.wait_for(lambda a: a.kind_name == "mains-back")
    assert [a.kind_name for a in receiver.alerts()] == ["mains-lost", "mains-back"]


def test_the_light_shows_one_slow_glow_when_received_and_two_when_somebody_is_in_charge(box, receiver):
    box.press("button", 1800)
    box.advance(700)
    box.wait_log("outbox", "received")
    alert = receiver.wait_for(lambda alert: alert.kind_name == "alarm")
    box.advance(1500)
    assert set(glows(box, 6000)) == {(300, 1500)}
    take_charge(box, receiver, alert)
    box.advance(2500)
    assert set(glows(box, 6000)) == {(250, 500), (250, 2000)}


def take_charge(box, receiver, alert):
    """Have the receiver tell the box that somebody did."""
    key = formats.ack_key(bytes.fromhex(box.account["secret"]))
    message = formats.encode_ack(key, bytes.fromhex(alert.box), alert.sequence, time.time(), "in-charge")
    link = receiver._receiver._link
    receiver._loop.call_soon_threadsafe(link.publish, f"alertbox/{alert.box}/ack", message)
    box.wait_log("outbox", f"received seq={alert.sequence} state=2")


def test_the_foot_switch_is_a_source_of_its_own_and_joins_the_incident(make_box, receiver):
    box = make_box(receiver, clock="stepped", settings=FOOT)
    box.press("button", 120)
    box.advance(1000)
    box.press("foot", 1800)
    box.advance(1000)
    alarm = receiver.wait_for(lambda a: a.kind_name == "alarm")
    inform = receiver.wait_for(lambda a: a.kind_name == "inform")
    assert (inform.source, alarm.source) == (1, 2)
    assert alarm.incident == inform.sequence


def test_hand_and_foot_at_once_are_both_told(make_box, receiver):
    box = make_box(receiver, clock="stepped", settings=FOOT)
    box.begin_edges("button", [(0, 1), (120_000, 0), (300_000, 1), (420_000, 0)])
    box.begin_edges("foot", [(50_000, 1), (1_900_000, 0)])
    box.advance(3000)
    found = [receiver.wait_for(lambda a, kind=kind: a.kind_name == kind) for kind in ("help", "alarm")]
    assert [(a.kind_name, a.source) for a in found] == [("help", 1), ("alarm", 2)]


def test_with_a_foot_switch_a_factory_reset_still_asks_for_the_button(make_box, receiver):
    """MicroPython's dictionaries keep no order: the first source had become the foot switch."""
    box = make_box(receiver, clock="stepped", settings=FOOT)
    with BoxConsole(box.serial) as console:
        box.edges("foot", [(0, 1)])
        assert pytest.raises(BoxRefused, console.call, "factory_reset", True).value.code == "button"


def test_a_restart_cuts_the_siren_off_and_says_so(make_box, receiver):
    box = make_box(receiver, clock="stepped", siren=True)
    box.press("button", 1800)
    assert box.siren()
    box.power_cut()
    box.power_on()
    assert not box.siren()
    box.advance(1000)
    assert not box.siren()
