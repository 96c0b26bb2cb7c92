"""Clocks that are lost, late or jump: alerts go out all the same, and are flagged."""

import time

import pytest
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox, flash
from alertbox.sim.box import ROOT
from alertbox.town import Town
from stepping import advance_until

pytestmark = pytest.mark.needs(
    "press", "wifi", "advance", "edges_during_stall", "power_cut", "power_on", "put_documents", "set_clock"
)

_TABLE = ROOT / "boards" / "esp32_wrover" / "partitions.csv"
_2021 = 1609459200
_YEAR = 365 * 24 * 3600
_HOUR_AND_MORE_MS = 65 * 60 * 1000  # the box saves its time every hour


def press(box: VirtualBox) -> None:
    box.press("button", 120)
    box.advance(700)


def connected(box: VirtualBox, since: int = 0) -> bool:
    return any(line.module == "mqtt" and line.text.startswith("connected") for line in box.log[since:])


@pytest.mark.parametrize("rtc", [946684800, _2021, int(time.time()) + _YEAR], ids=["2000", "2021", "a year on"])
def test_whatever_the_chips_clock_says_at_power_on_alerts_go_out_and_the_clock_is_corrected(
    make_box, receiver: ReceiverThread, rtc: int
):
    box = make_box(receiver, clock="stepped", rtc=rtc)
    advance_until(box, lambda: connected(box))
    press(box)
    first = receiver.wait_for(lambda alert: alert.sequence == 1)
    assert "clock-unsure" in first.flags
    assert abs((first.pressed_at - first.received_at).total_seconds()) < 60
    box.wait_log("outbox", "received seq=1")
    press(box)
    second = receiver.wait_for(lambda alert: alert.sequence == 2)
    assert "clock-unsure" not in second.flags
    assert second.clock_wrong is False


@pytest.mark.parametrize(
    "jump_to", [946684800, _2021, int(time.time()) + 5 * _YEAR], ids=["2000", "2021", "five years on"]
)
def test_a_clock_that_jumps_is_set_right_and_the_link_can_be_made_again(
    box: VirtualBox, receiver: ReceiverThread, jump_to: int
):
    press(box)
    receiver.wait_for(lambda alert: alert.sequence == 1)
    box.wait_log("outbox", "received seq=1")
    box.wifi(False)
    box.advance(1000)
    mark = len(box.log)
    box.set_clock(jump_to)
    press(box)
    box.wifi(True)
    advance_until(box, lambda: connected(box, mark))
    alert = receiver.wait_for(lambda alert: alert.sequence == 2)
    assert alert.clock_wrong is False
    assert any("jumped" in line.text for line in box.log[mark:])


def test_without_any_known_time_tls_is_refused_with_the_reason_and_the_alert_waits(make_box, receiver: ReceiverThread):
    """The build is older than the certificate, no time was saved, the clock says 2000: nothing dates a certificate."""
    box = make_box(receiver, clock="stepped")
    box.power_cut()
    (box.folder / "flash.bin").unlink()
    flash.make_blank(box.folder / "flash.bin")
    box.power_on()
    box.power_cut()
    box.put_documents(box.account | {"issued": 0})
    mark = len(box.log)
    box.power_on()
    advance_until(box, lambda: any("not valid yet" in line.text for line in box.log[mark:]))
    assert not connected(box, mark)
    press(box)
    box.power_cut()
    assert box.power_on().fields["undelivered"] == "1"


def test_the_time_of_pressing_is_kept_while_the_alert_waits_for_an_hour(box: VirtualBox, receiver: ReceiverThread):
    press(box)
    receiver.wait_for(lambda alert: alert.sequence == 1)
    box.wait_log("outbox", "received seq=1")
    box.wifi(False)
    box.advance(1000)
    press(box)
    box.advance(_HOUR_AND_MORE_MS)
    box.wifi(True)
    advance_until(box, lambda: any(alert.sequence == 2 for alert in receiver.alerts()))
    first, second = (alert for alert in receiver.alerts() if alert.kind_name == "inform")
    assert first.pressed is not None
    assert second.pressed is not None
    assert abs((second.pressed - first.pressed).total_seconds()) < 10


def test_after_a_power_cut_the_clock_goes_on_from_the_last_saved_time(box: VirtualBox, receiver: ReceiverThread):
    press(box)
    receiver.wait_for(lambda alert: alert.sequence == 1)
    box.wait_log("outbox", "received seq=1")
    box.wifi(False)  # the receiver lives in real time, and would set the clock back
    box.advance(_HOUR_AND_MORE_MS)
    box.power_cut()
    box.power_on()
    press(box)
    box.wifi(True)
    advance_until(box, lambda: any(alert.kind_name == "inform" and alert.boot == 3 for alert in receiver.alerts()))
    first, last = (alert for alert in receiver.alerts() if alert.kind_name == "inform")
    assert "clock-unsure" in last.flags
    assert first.pressed is not None
    assert last.pressed is not None
    assert 3500 <= (last.pressed - first.pressed).total_seconds() <= _HOUR_AND_MORE_MS / 1000 + 60


def test_the_time_of_pressing_is_when_the_button_went_down_even_inside_a_stall(
    box: VirtualBox, receiver: ReceiverThread
):
    before = box.log[-1].uptime_ms
    box.edges_during_stall("button", [(500_000, 1), (700_000, 0)], 20_000)
    box.advance(1000)
    alert = receiver.wait_for(lambda alert: alert.sequence == 1)
    assert alert.uptime <= before // 1000 + 2


def test_a_receiver_with_a_wrong_year_does_not_lock_the_box_out_once_it_is_mended(make_box, town: Town):
    """The wrong time is used while the power lasts, and never becomes the floor that dates certificates."""
    three_years = 3 * _YEAR
    with ReceiverThread(town, now=lambda: time.time() + three_years) as wrong:
        box = make_box(wrong, clock="stepped")
        advance_until(box, lambda: connected(box))
        press(box)
        wrong.wait_for(lambda alert: alert.sequence == 1)
        box.wait_log("outbox", "received seq=1")
        box.advance(_HOUR_AND_MORE_MS)
        port = wrong.port
    box.power_cut()
    with ReceiverThread(town, port=port) as mended:
        mark = len(box.log)
        box.power_on()
        advance_until(box, lambda: connected(box, mark))
        press(box)
        mended.wait_for(lambda alert: alert.kind_name == "inform" and alert.boot == 3)
