"""The host's virtual bip against published packets and the reference library; how its alerts are told."""

import pytest
from alertbox.commands._alert_line import stored_line
from alertbox.receiver import ReceiverThread
from alertbox.sim.bip import VirtualBip
from bip import CLICK, DOUBLE, HOLD, Bip
from fake_box import FakeBox


def virtual(bip: Bip) -> VirtualBip:
    return VirtualBip(bip.mac, bip.key.hex(), bip.counter, bip.battery)


def test_its_packets_are_those_of_the_reference_library():
    bip = Bip(3, counter=1000)
    mine = virtual(bip)
    assert [mine.press(), mine.double(), mine.hold(), mine.presence()] == [
        bip.packet(CLICK),
        bip.packet(DOUBLE),
        bip.packet(HOLD),
        bip.packet(),
    ]
    assert mine.counter == 1004


def test_another_key_address_or_counter_makes_another_packet():
    bip = Bip()
    packets = {
        VirtualBip(mac, key, counter).hold()
        for mac in (bip.mac, "a4c138000001")
        for key in (bip.key.hex(), "00" * 16)
        for counter in (0, 256)
    }
    assert len(packets) == 8


def test_its_label_is_read_back():
    label = "BIP:a4c138000001;00112233445566778899aabbccddeeff;Réserve"
    assert VirtualBip.from_label(label).label == label


@pytest.mark.parametrize(
    ("source", "back", "end"),
    [
        (1, 0, "Boulangerie, button: verified and stored."),
        (17, 1, "Boulangerie, bip 2: verified and stored, joins incident 1."),
        (31, 0, "Boulangerie, bip 16: verified and stored."),
        (40, 0, "Boulangerie, source-40: verified and stored."),
    ],
)
def test_the_desk_sees_who_pressed_and_which_incident_it_joins(
    box: FakeBox, receiver: ReceiverThread, source: int, back: int, end: str
):
    with box.connected() as connection:
        connection.publish(box.alert(2, kind=3, source=source, back=back))
        assert connection.ack() == 2
    alert = receiver.wait_for(lambda alert: alert.sequence == 2)
    assert (alert.joins, alert.incident) == (back > 0, 2 - back)
    assert stored_line(alert).endswith(end)
