"""Power that goes, Wi-Fi that goes, a clock that lies: what is pressed arrives, once."""

import contextlib
import time
from collections.abc import Callable

import pytest
from alertbox.contract import formats
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox, flash
from alertbox.sim.box import ROOT
from alertbox.town import Town
from stepping import advance_until

pytestmark = pytest.mark.needs(
    "press", "wifi", "advance", "fail", "power_cut", "power_cut_at_flash_operation", "power_on", "siren", "upstream"
)

_TABLE = ROOT / "boards" / "esp32_wrover" / "partitions.csv"


def press(box: VirtualBox) -> None:
    box.press("button", 120)
    box.advance(700)


def connected(box: VirtualBox, since: int = 0) -> bool:
    return any(line.module == "mqtt" and line.text.startswith("connected") for line in box.log[since:])


def all_acknowledged(box: VirtualBox, sequences: set[str], since: int = 0) -> bool:
    return sequences <= {line.fields["seq"] for line in box.log[since:] if line.text.startswith("received ")}


def test_presses_made_without_wifi_arrive_when_it_is_back_newest_first(box: VirtualBox, receiver: ReceiverThread):
    box.wifi(False)
    box.advance(1000)
    for _ in range(3):
        press(box)
    assert receiver.alerts() == []
    mark = len(box.log)
    box.wifi(True)
    advance_until(box, lambda: all_acknowledged(box, {"1", "2", "3"}, mark))
    assert sorted(alert.sequence for alert in receiver.alerts()) == [1, 2, 3]
    sent = [line.fields["seq"] for line in box.log[mark:] if line.text.startswith("sending")]
    assert sent == ["3", "2", "1"]


def test_an_alarm_overtakes_what_waited_before_it(box: VirtualBox, receiver: ReceiverThread):
    box.wifi(False)
    box.advance(1000)
    press(box)
    box.press("button", 1800)
    box.advance(700)
    press(box)
    mark = len(box.log)
    box.wifi(True)
    advance_until(box, lambda: all_acknowledged(box, {"1", "2", "3"}, mark))
    sent = [line.fields["seq"] for line in box.log[mark:] if line.text.startswith("sending")]
    assert sent[0] == "2"


def test_what_was_queued_survives_a_power_cut(box: VirtualBox, receiver: ReceiverThread):
    box.wifi(False)
    box.advance(1000)
    press(box)
    press(box)
    box.power_cut()
    armed = box.power_on()
    assert armed.fields["undelivered"] == "2"
    box.wifi(True)
    advance_until(box, lambda: all_acknowledged(box, {"1", "2"}))
    assert [alert.boot for alert in receiver.alerts()] == [2, 2]
    press(box)
    receiver.wait_for(lambda alert: alert.sequence == 3 and alert.boot == 3)


@pytest.mark.parametrize("operation", [1, 2])
def test_power_that_goes_in_the_middle_of_a_flash_operation_loses_nothing_journalled(
    box: VirtualBox, receiver: ReceiverThread, operation: int
):
    """1 is the journal's program at the press, 2 the mark `received`."""
    press(box)
    receiver.wait_for(lambda alert: alert.sequence == 1)
    box.wait_log("outbox", "received seq=1")
    box.power_cut_at_flash_operation(operation, seed=operation)
    with contextlib.suppress(RuntimeError):  # it goes off while we press
        press(box)
    box.wait_off()
    journalled = any(line.fields.get("seq") == "2" for line in box.log if line.text.startswith("journalled"))
    mark = len(box.log)
    box.power_on()
    advance_until(box, lambda: connected(box, mark))
    press(box)
    last = last_sequence(box)
    receiver.wait_for(lambda alert: alert.sequence == last)
    sequences = [alert.sequence for alert in receiver.alerts()]
    assert len(sequences) == len(set(sequences))
    assert journalled == (operation == 2)
    assert not journalled or 2 in sequences
    assert len(receiver.dispatched) == len(sequences)
    box.power_cut()
    mark = len(box.log)
    box.power_on()
    box.advance(2000)
    again = [line.fields["seq"] for line in box.log[mark:] if line.text.startswith("sending")]
    assert not set(again) & {str(sequence) for sequence in sequences}


def last_sequence(box: VirtualBox) -> int:
    return int([line for line in box.log if line.text.startswith("journalled")][-1].fields["seq"])


def test_a_lost_journal_makes_a_new_key_and_never_begins_again_at_1_under_the_old_one(
    box: VirtualBox, receiver: ReceiverThread
):
    press(box)
    receiver.wait_for(lambda alert: alert.sequence == 1)
    old_key = box.public_key
    box.power_cut()
    offset, size = flash.partition(_TABLE, "journal")
    with (box.folder / "flash.bin").open("r+b") as cells:
        cells.seek(offset)
        cells.write(b"\xff" * size)
    mark = len(box.log)
    box.power_on()
    assert box.public_key != old_key
    assert any(line.level == "ERROR" and "new key" in line.text for line in box.log[mark:])
    press(box)
    box.advance(10_000)
    assert [alert.sequence for alert in receiver.alerts()] == [1]  # only the one under the old key


def test_an_alert_whose_acknowledgement_was_lost_is_sent_and_acknowledged_again_and_stored_once(
    box: VirtualBox, receiver: ReceiverThread
):
    send = hold_acknowledgements(receiver)
    press(box)
    receiver.wait_for(lambda alert: alert.sequence == 1)
    set_sending(receiver, send)
    assert not all_acknowledged(box, {"1"})
    advance_until(box, lambda: all_acknowledged(box, {"1"}), most_ms=10_000)
    assert receiver.counters()["duplicates"] == 1
    assert len(receiver.alerts()) == len(receiver.dispatched) == 1


def test_a_box_without_enrolment_journals_presses_and_stays_armed(make_box):
    box = make_box(clock="stepped")
    press(box)
    box.wait_log("issuer", "journalled")
    box.power_cut()
    assert box.power_on().fields["undelivered"] == "1"


def test_a_receiver_that_is_away_gets_the_alert_when_it_is_back(make_box, town: Town):
    with ReceiverThread(town) as receiver:
        box = make_box(receiver, clock="stepped")
        advance_until(box, lambda: connected(box))
        port = receiver.port
    press(box)
    mark = len(box.log)
    with ReceiverThread(town, port=port) as receiver:
        advance_until(box, lambda: all_acknowledged(box, {"1"}, mark), most_ms=200_000, step_ms=500)
        assert [alert.sequence for alert in receiver.alerts()] == [1]


def test_a_false_acknowledgement_does_not_stop_the_sending(box: VirtualBox, receiver: ReceiverThread):
    """Well-formed, for an alert that waits, under another key."""
    send = hold_acknowledgements(receiver)
    press(box)
    alert = receiver.wait_for(lambda alert: alert.sequence == 1)
    mark = len(box.log)
    forged = formats.encode_ack(b"k" * 32, bytes.fromhex(alert.box), 1, time.time())
    receiver._loop.call_soon_threadsafe(send, f"alertbox/{alert.box}/ack", forged)
    box.wait_log("outbox", "acknowledgement refused", since=mark)
    set_sending(receiver, send)
    advance_until(box, lambda: all_acknowledged(box, {"1"}, mark), most_ms=10_000)
    assert any(line.text.startswith("sending") for line in box.log[mark:])


def hold_acknowledgements(receiver: ReceiverThread) -> Callable[[str, bytes], bool]:
    """Let the receiver send nothing from now; returns what sends."""
    send: Callable[[str, bytes], bool] = receiver._receiver._link.publish  # type: ignore[union-attr]
    set_sending(receiver, lambda topic, payload: False)
    return send


def set_sending(receiver: ReceiverThread, send: Callable[[str, bytes], bool]) -> None:
    setattr(receiver._receiver._link, "publish", send)  # noqa: B010 - another's method, replaced for the test


def test_a_press_while_flash_fails_is_sent_and_sounded_all_the_same(make_box, receiver: ReceiverThread):
    box = make_box(receiver, clock="stepped", siren=True)
    advance_until(box, lambda: connected(box))
    box.fail("flash", "error")
    box.press("button", 1800)
    alert = receiver.wait_for(lambda alert: alert.kind_name == "alarm")
    assert box.siren()
    assert alert.sequence >= 1 << 31
    box.advance(1000)
    mark = len(box.log)
    box.fail("flash", "")
    press(box)
    receiver.wait_for(lambda alert: alert.kind_name == "inform" and alert.sequence < 1 << 31)
    assert not any(line.level == "ERROR" for line in box.log[mark:])


def test_a_press_hurries_the_reconnect(box: VirtualBox, receiver: ReceiverThread):
    """The receiver was away long enough for the back-off to grow; the press must not wait it out."""
    box.upstream("127.0.0.1", 1)
    box.advance(200_000)
    box.upstream("127.0.0.1", receiver.port)
    mark = len(box.log)
    box.press("button", 120)
    box.advance(3000)
    box.wait_log("outbox", "sending", since=mark)


@pytest.mark.parametrize("damaged", ["settings", "enrolment"])
def test_a_damaged_enrolment_leaves_the_box_armed(box: VirtualBox, damaged: str):
    box.power_cut()
    flash.put_files(box.folder / "flash.bin", _TABLE, {flash.document_path(damaged): b"\x30\x03{damaged"})
    assert int(box.power_on().fields["boot"]) == 3
    press(box)
    box.wait_log("issuer", "journalled")
