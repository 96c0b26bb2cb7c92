"""The receiver from end to end: boxes over TLS, the embedded broker, the database, acknowledgements."""

import contextlib
import json
import queue
import socket
import ssl
from io import StringIO
from typing import Any

import pytest
from alertbox.errors import UserError
from alertbox.receiver import Accounts, ReceiverThread, broker
from alertbox.receiver.log import JsonLog
from alertbox.receiver.store import writing
from alertbox.town import Town
from fake_box import FakeBox, Refused
from sqlalchemy.exc import OperationalError


def refused(receiver: ReceiverThread, reason: str, count: int = 1) -> None:
    """Wait until exactly so many were refused for this reason."""
    receiver.wait_until(lambda: receiver.counters()["refused"].get(reason, 0) >= count)
    assert receiver.counters()["refused"][reason] == count


def nothing_but(receiver: ReceiverThread, **expected: int) -> None:
    assert receiver.counters()["refused"] == {reason.replace("_", "-"): count for reason, count in expected.items()}


def enrolled(receiver: ReceiverThread, name: str) -> FakeBox:
    box = FakeBox()
    box.account = receiver.enrol(box.public, name)
    return box


def test_an_alert_is_stored_then_acknowledged_then_dispatched(town):
    events: list[dict[str, Any]] = []
    with ReceiverThread(town, on_event=events.append) as receiver:
        box = enrolled(receiver, "Boulangerie")
        with box.connected() as connection:
            connection.publish(box.alert(1, kind=2))
            assert connection.ack() == 1
        stored = receiver.wait_for(lambda alert: alert.sequence == 1)
        assert (stored.box, stored.name, stored.kind_name, stored.clock_wrong) == (box.id, "Boulangerie", "help", False)
        receiver.wait_until(lambda: receiver.dispatched == [stored])
        assert receiver.counters() == {"received": 1, "duplicates": 0, "refused": {}}
    steps = [event for event in events if event.get("sequence") == 1]
    assert [event["event"] for event in steps] == ["verified", "stored", "acknowledged", "dispatched"]
    assert [event["at"] for event in steps] == sorted(event["at"] for event in steps)


def test_many_boxes_get_each_their_own_acknowledgements(receiver):
    boxes = [enrolled(receiver, f"Shop {number}") for number in range(5)]
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(box.connected()) for box in boxes]
        for sequence in (1, 2, 3):
            for connection in connections:
                connection.publish(connection.box.alert(sequence))
        for connection in connections:
            assert [connection.ack() for _ in range(3)] == [1, 2, 3]
    assert receiver.counters()["received"] == 15


def test_a_replay_is_refused_yet_acknowledged_again_and_not_dispatched_again(receiver, box):
    message = box.alert(1)
    with box.connected() as connection:
        for _ in range(2):
            connection.publish(message)
            assert connection.ack() == 1
    refused(receiver, "replay")
    assert receiver.counters()["duplicates"] == 1
    assert len(receiver.alerts()) == len(receiver.dispatched) == 1


def test_a_contradiction_is_refused_kept_and_not_acknowledged(receiver, box):
    with box.connected() as connection:
        connection.publish(box.alert(1, kind=1))
        assert connection.ack() == 1
        contradiction = box.alert(1, kind=3)
        connection.publish(contradiction)
        refused(receiver, "conflict")
        connection.publish(box.alert(2))
        assert connection.ack() == 2, "the contradiction was acknowledged"
    assert [alert.kind_name for alert in receiver.alerts()] == ["inform", "inform"]
    receiver.wait_until(lambda: any(one.raw == contradiction for one in receiver.refusals()))


def test_garbage_and_forgeries_are_refused_and_the_next_alert_passes(receiver, box):
    stranger = FakeBox()
    with box.connected() as connection:
        connection.publish(b"nonsense")
        refused(receiver, "garbage")
        connection.publish(stranger.alert(1))
        refused(receiver, "signature")
        changed = bytearray(box.alert(1))
        changed[40] ^= 1
        connection.publish(bytes(changed))
        refused(receiver, "signature", 2)
        connection.publish(box.sign(b"\xa1\x01\x02"))
        refused(receiver, "version")
        connection.publish(box.alert(1))
        assert connection.ack() == 1
    assert len(receiver.alerts()) == 1


def test_a_payload_of_a_megabyte_ends_the_connection_unread_and_harms_nobody(receiver, box):
    other = enrolled(receiver, "Pharmacie")
    with other.connected() as bystander, box.connected() as connection:
        with pytest.raises(ConnectionError):
            connection.publish(bytes(1_000_000))
        refused(receiver, "too-large")
        bystander.publish(other.alert(1))
        assert bystander.ack() == 1
    with box.connected() as connection:
        connection.publish(box.alert(1))
        assert connection.ack() == 1


def test_a_payload_that_the_broker_lets_pass_is_refused_by_the_receiver(receiver, box):
    with box.connected() as connection:
        connection.publish(bytes(2000))
        refused(receiver, "too-large")
        connection.publish(box.alert(1))
        assert connection.ack() == 1


def test_an_unknown_box_and_a_wrong_password_are_not_let_in(receiver, box):
    stranger = FakeBox()
    stranger.account = box.account | {"user": stranger.id, "password": "x"}
    with pytest.raises(Refused), stranger.connected():
        pass
    refused(receiver, "unknown-box")
    with pytest.raises(Refused), box.connected(password="wrong"):
        pass
    refused(receiver, "login")
    nothing_but(receiver, unknown_box=1, login=1)


def test_a_box_may_not_speak_or_listen_for_another(receiver, box):
    other = enrolled(receiver, "Pharmacie")
    topics = (f"alertbox/{other.id}/ack", "alertbox/+/ack", "#", f"alertbox/{box.id}/ack")
    with box.connected(subscribe=topics) as connection:
        assert connection.granted == [0x80, 0x80, 0x80, 1]
        refused(receiver, "wrong-topic", 3)
        connection.publish(other.alert(1), topic=f"alertbox/{other.id}/alert")
        refused(receiver, "wrong-topic", 4)
        connection.publish(box.alert(1))
        assert connection.ack() == 1
    assert [alert.box for alert in receiver.alerts()] == [box.id]


def test_a_box_may_not_leave_a_last_will_in_anothers_name(receiver, box):
    other = enrolled(receiver, "Pharmacie")
    with pytest.raises(Refused), box.connected(will=(f"alertbox/{other.id}/state", b"offline")):
        pass
    refused(receiver, "wrong-topic")


def test_a_wrong_password_does_not_disturb_the_one_who_is_connected(receiver, box):
    with box.connected() as connection:
        with pytest.raises(Refused), box.connected(password="wrong"):
            pass
        connection.publish(box.alert(1))
        assert connection.ack() == 1


def test_another_box_cannot_take_over_a_session_by_its_client_id(receiver, box):
    other = enrolled(receiver, "Pharmacie")
    with box.connected() as connection, other.connected(client_id=box.id):
        connection.publish(box.alert(1))
        assert connection.ack() == 1


def test_a_box_that_comes_back_over_a_half_dead_connection_gets_its_acknowledgements(receiver, box):
    with box.connected() as half_dead, box.connected() as connection:
        assert half_dead.ended.wait(10)
        for sequence in (1, 2):
            connection.publish(box.alert(sequence))
            assert connection.ack() == sequence


def test_a_box_finds_acknowledgements_that_waited_for_it(town):
    with ReceiverThread(town) as receiver:
        box = enrolled(receiver, "Boulangerie")
        with box.connected():
            pass
        # Sent by somebody else in the box's name, while its own session sleeps.
        with box.connected(client_id=box.id + "-2", subscribe=()) as connection:
            connection.publish(box.alert(1))
            receiver.wait_for(lambda alert: alert.sequence == 1)
            receiver.wait_until(lambda: receiver.dispatched != [])
        with box.connected() as connection:
            assert connection.ack() == 1


@pytest.mark.parametrize("clock", [None, 946684800, 1609459200, 4102444800], ids=["unset", "2000", "2021", "2100"])
def test_a_wrong_clock_is_flagged_never_refused(receiver, box, clock):
    with box.connected() as connection:
        connection.publish(box.alert(1, pressed=clock))
        assert connection.ack() == 1
    [alert] = receiver.alerts()
    assert alert.clock_wrong
    assert abs((alert.pressed_at - alert.received_at).total_seconds()) < 5


def test_nothing_is_acknowledged_before_its_commit(receiver, box, monkeypatch):
    write = writing.write

    async def failing(connection, batch, recipients):
        await write(connection, batch, recipients)
        if batch.alerts:
            failed.put(len(batch.alerts))
            raise OperationalError("COMMIT", {}, Exception("disk full"))
        return [], []

    failed: queue.Queue[int] = queue.Queue()
    message = box.alert(1)
    with box.connected() as connection:
        monkeypatch.setattr(writing, "write", failing)
        connection.publish(message)
        assert failed.get(timeout=10) == 1
        monkeypatch.setattr(writing, "write", write)
        connection.publish(box.alert(2))
        assert connection.ack() == 2, "acknowledged without having been stored"
        connection.publish(message)
        assert connection.ack() == 1
    assert receiver.counters() == {"received": 2, "duplicates": 0, "refused": {}}


def test_a_restart_on_the_same_database_forgets_nothing(town):
    with ReceiverThread(town) as receiver:
        box = enrolled(receiver, "Boulangerie")
        message = box.alert(1)
        with box.connected() as connection:
            connection.publish(message)
            assert connection.ack() == 1
    with ReceiverThread(Town.open(town.path), port=box.account["port"]) as receiver:
        with box.connected() as connection:
            connection.publish(message)
            assert connection.ack() == 1
            connection.publish(box.alert(2))
            assert connection.ack() == 2
        assert [alert.sequence for alert in receiver.alerts()] == [1, 2]
        assert [alert.sequence for alert in receiver.dispatched] == [2]
        nothing_but(receiver, replay=1)


def test_two_receivers_on_one_database_dispatch_an_alert_once(town):
    with ReceiverThread(town) as first, ReceiverThread(town) as second:
        box = enrolled(first, "Boulangerie")
        message = box.alert(1)
        for receiver in (first, second):
            box.account["port"] = receiver.port
            with box.connected() as connection:
                connection.publish(message)
                assert connection.ack() == 1
        assert first.dispatched + second.dispatched == first.alerts()


def test_a_revoked_box_is_refused_at_once_and_at_its_next_login(receiver, box):
    with box.connected() as connection:
        connection.publish(box.alert(1))
        assert connection.ack() == 1
        receiver.accounts.revoke("Boulangerie")
        connection.publish(box.alert(2))
        refused(receiver, "revoked")
    with pytest.raises(Refused), box.connected():
        pass
    refused(receiver, "revoked", 2)
    assert [alert.sequence for alert in receiver.alerts()] == [1]


def test_a_box_enrolled_again_gets_acknowledgements_under_its_new_secret(receiver, box):
    with box.connected() as connection:
        connection.publish(box.alert(1))
        assert connection.ack() == 1
    box.account = receiver.enrol(box.public, "Boulangerie")
    with box.connected() as connection:
        connection.publish(box.alert(2))
        assert connection.ack() == 2


def test_a_retained_alert_is_treated_like_any(town):
    with ReceiverThread(town) as receiver:
        box = enrolled(receiver, "Boulangerie")
        with box.connected() as connection:
            connection.publish(box.alert(1), retain=True)
            assert connection.ack() == 1
        assert len(receiver.alerts()) == 1


def test_the_last_will_of_a_lost_box_is_remembered(receiver, box):
    def is_now(state: str) -> None:
        receiver.wait_until(lambda: box.id in receiver.states() and receiver.states()[box.id].state == state)

    with box.connected(will=(f"alertbox/{box.id}/state", b"offline")) as connection:
        connection.publish(b"online", "state", retain=True)
        is_now("online")
        connection.cut()
        is_now("offline")


def test_a_silent_box_is_dropped_after_one_and_a_half_keepalives(receiver, box):
    with box.connected(keepalive=1, will=(f"alertbox/{box.id}/state", b"offline")) as connection:
        connection.client.loop_stop()  # the connection stays open, and nobody pings
        receiver.wait_until(lambda: receiver.states().get(box.id) is not None)
        assert receiver.states()[box.id].state == "offline"


def test_states_of_others_do_not_reach_a_box(receiver, box):
    other = enrolled(receiver, "Pharmacie")
    with other.connected() as connection:
        connection.publish(b"online", "state", retain=True)
    receiver.wait_until(lambda: other.id in receiver.states())
    for sequence in (1, 2):  # the second time its session is a known one
        with box.connected() as connection:
            connection.publish(box.alert(sequence))
            topic, _ = connection.messages.get(timeout=10)
            assert topic == f"alertbox/{box.id}/ack"


def test_a_stranger_who_speaks_no_mqtt_is_counted_and_harms_nobody(receiver, box):
    context = ssl.create_default_context(cadata=bytes.fromhex(box.account["ca"]))
    unfinished = b"\x10\x20\x00\x04MQ"
    for noise in (unfinished, b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\x7f" + bytes(64), bytes(50)):
        with (
            socket.create_connection(("127.0.0.1", receiver.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as stranger,
        ):
            stranger.sendall(noise)
    refused(receiver, "garbage", 2)
    refused(receiver, "too-large", 1)
    with box.connected() as connection:
        connection.publish(box.alert(1))
        assert connection.ack() == 1


def test_a_stranger_who_says_nothing_is_dropped(receiver, box, monkeypatch):
    monkeypatch.setattr(broker, "_LOGIN_S", 0.2)
    context = ssl.create_default_context(cadata=bytes.fromhex(box.account["ca"]))
    with (
        socket.create_connection(("127.0.0.1", receiver.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as stranger,
    ):
        stranger.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            assert stranger.recv(1) == b""


def test_the_log_is_json_lines_without_secrets_or_names(town):
    stream = StringIO()
    with ReceiverThread(town, log=JsonLog(stream)) as receiver:
        box = enrolled(receiver, "Boulangerie")
        with pytest.raises(Refused), box.connected(password="guessed"):
            pass
        with box.connected() as connection:
            connection.publish(box.alert(1))
            assert connection.ack() == 1
            connection.publish(b"nonsense")
            refused(receiver, "garbage")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert all({"time", "level", "event"} <= line.keys() for line in lines)
    assert {"link-up", "ready", "received", "refused", "stopped"} <= {line["event"] for line in lines}
    [received] = [line for line in lines if line["event"] == "received"]
    assert (received["box"], received["sequence"], received["kind"]) == (box.id, 1, "inform")
    account = box.account
    for secret in (account["password"], account["secret"], "Boulangerie", "guessed"):
        assert secret not in stream.getvalue()


def test_a_dispatch_that_fails_does_not_stop_the_receiver_and_is_tried_at_the_next_start(town):
    with ReceiverThread(town, dispatch=lambda alert: 1 / 0) as receiver:
        box = enrolled(receiver, "Boulangerie")
        with box.connected() as connection:
            for sequence in (1, 2):
                connection.publish(box.alert(sequence))
                assert connection.ack() == sequence
    with ReceiverThread(town) as receiver:
        receiver.wait_until(lambda: len(receiver.dispatched) == 2)
        assert [(alert.sequence, alert.repeated) for alert in receiver.dispatched] == [(1, False), (2, False)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"broker": "mqtt://a:b@localhost:1"}, "bad-broker-url"),
        ({"broker": "mqtts://localhost:1"}, "bad-broker-url"),
        ({"broker": "mqtts://a:b@localhost:x"}, "bad-broker-url"),
        ({"broker": "mqtts://a:b@localhost:1"}, "broker-unreachable"),
        ({"listen": "192.0.2.1"}, "cannot-listen"),
        ({"port": 70000}, "cannot-listen"),
    ],
)
def test_a_wrong_address_is_a_sentence(town, options, expected):
    with pytest.raises(UserError) as error, ReceiverThread(town, **options):
        pass
    assert error.value.key == expected
    assert "a:b" not in str(error.value)


def test_a_port_in_use_is_a_sentence(town, receiver):
    with pytest.raises(UserError, match="in use"), ReceiverThread(town, port=receiver.port):
        pass


def test_another_broker_is_used_by_the_same_way_in(town, tmp_path):
    """The embedded broker of one town is the other broker of a receiver elsewhere."""
    with ReceiverThread(town) as there:
        assert there._receiver._broker is not None
        user, password = there._receiver._broker.receiver
        url = f"mqtts://{user}:{password}@localhost:{there.port}"
        elsewhere = Town.create(tmp_path / "elsewhere")
        with pytest.raises(UserError, match="certificate"), ReceiverThread(elsewhere, broker=url):
            pass
        ca = town.ca_certificate
        with ReceiverThread(elsewhere, broker=url, broker_ca=ca, client_id="second") as receiver:
            box = FakeBox()
            there.enrol(box.public, "Boulangerie")
            box.account = Accounts.open(elsewhere).enrol(box.public, "Boulangerie", "127.0.0.1", there.port)
            account = there.enrol(box.public, "Boulangerie")
            box.account |= {name: account[name] for name in ("user", "password", "ca")}
            with box.connected(subscribe=()) as connection:
                connection.publish(box.alert(1))
            receiver.wait_for(lambda alert: alert.sequence == 1)
