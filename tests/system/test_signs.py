"""What the box shows, sounds and says on the spot."""

import pytest
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from stepping import advance_until, share_lit

pytestmark = pytest.mark.needs("mains", "press", "advance", "light", "siren")


def test_the_siren_sounds_on_an_alarm_only_where_the_risk_form_allows_it(make_box, receiver: ReceiverThread):
    box = make_box(receiver, clock="stepped", siren=True)
    box.press("button", 120)
    box.advance(700)
    assert not box.siren()
    box.press("button", 1800)
    assert box.siren()


def test_the_siren_falls_silent_after_its_longest_time(make_box, receiver: ReceiverThread):
    box = make_box(receiver, clock="stepped", siren=True)
    box.press("button", 1800)
    box.advance(179_000)
    assert box.siren()
    box.advance(3000)
    assert not box.siren()


def test_an_alarm_is_silent_by_default(box: VirtualBox):
    box.press("button", 1800)
    assert not box.siren()


def test_the_light_blinks_briefly_while_armed(box: VirtualBox):
    advance_until(box, box.light, most_ms=6000, step_ms=7)
    box.advance(30)
    assert not box.light()
    box.advance(4000)
    assert not box.light()


def test_the_light_shows_that_the_press_arrived_and_not_that_a_heartbeat_did(box: VirtualBox, receiver: ReceiverThread):
    box.press("button", 120)
    box.advance(700)
    box.wait_log("outbox", "received")
    assert share_lit(box) > 0.12
    box.advance(3600_000)
    box.wait_log("outbox", "received seq=2")
    assert share_lit(box) < 0.1


def test_an_alarm_during_an_alarm_is_sounded_in_full(make_box, receiver: ReceiverThread):
    box = make_box(receiver, clock="stepped", siren=True)
    box.press("button", 1800)
    box.advance(170_000)
    box.press("button", 1800)
    box.advance(100_000)
    assert box.siren()
    box.advance(90_000)
    assert not box.siren()


def test_mains_lost_is_flagged_at_once_and_reported_when_it_has_held_a_minute(
    box: VirtualBox, receiver: ReceiverThread
):
    box.mains(False)
    box.press("button", 120)
    box.advance(700)
    assert "mains-lost" in receiver.wait_for(lambda alert: alert.kind_name == "inform").flags
    assert [alert.kind_name for alert in receiver.alerts()] == ["inform"]
    box.advance(61_000)
    receiver.wait_for(lambda alert: alert.kind_name == "mains-lost")
    box.mains(True)
    box.advance(61_000)
    receiver.wait_for(lambda alert: alert.kind_name == "mains-back")


def test_a_short_dip_of_the_mains_is_not_reported(box: VirtualBox, receiver: ReceiverThread):
    box.mains(False)
    box.advance(30_000)
    box.mains(True)
    box.advance(90_000)
    assert receiver.alerts() == []
