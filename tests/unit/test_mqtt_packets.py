"""box.core.mqtt against bytes written down by hand from the MQTT 3.1.1 standard, and against anything at all."""

import binascii

from box.core import mqtt


def unhex(text):
    return binascii.unhexlify(text.replace(" ", ""))


def packets_in(chunks, limit=1024):
    """Every packet of a stream that arrives in these pieces; then the MqttError's text, or None."""
    reader = mqtt.PacketReader(limit)
    found = []
    try:
        for chunk in chunks:
            while chunk:
                room = reader.room()
                count = min(len(room), len(chunk))
                assert count > 0, "the reader has no room and no packet"
                room[:count] = chunk[:count]
                reader.feed(count)
                chunk = chunk[count:]
                packet = reader.next_packet()
                while packet is not None:
                    found.append(packet)
                    packet = reader.next_packet()
    except mqtt.MqttError as error:
        return found, str(error)
    return found, None


def refused(call):
    try:
        call()
    except mqtt.MqttError:
        return True
    return False


# ---- Sending ------------------------------------------------------------------


def test_connect_keeps_the_session_and_has_a_retained_will_with_qos_1():
    packet = mqtt.connect("box", "u", "p", "w", b"x", 30)
    assert packet == unhex("10 1b 0004 4d515454 04 ec 001e 0003 626f78 0001 77 0001 78 0001 75 0001 70")


def test_publish_packets_match_the_standard():
    table = (
        (mqtt.publish("a/b", b"hi"), "30 07 0003 612f62 6869"),
        (mqtt.publish("a/b", b"hi", 10), "32 09 0003 612f62 000a 6869"),
        (mqtt.publish("a/b", b"", 0xFFFF, True), "33 07 0003 612f62 ffff"),
    )
    for packet, expected in table:
        assert packet == unhex(expected), packet


def test_the_other_packets_match_the_standard():
    assert mqtt.puback(0x1234) == unhex("40 02 1234")
    assert mqtt.subscribe(1, ("a/b", "c")) == unhex("82 0c 0001 0003 612f62 01 0001 63 01")
    assert unhex("c000") == mqtt.PINGREQ


def test_length_takes_a_second_byte_from_128_on():
    # A topic of one letter: 3 bytes beside the payload.
    for payload_bytes, header in ((124, "307f"), (125, "308001"), (16380, "30ff7f"), (16381, "30808001")):
        packet = mqtt.publish("t", bytes(payload_bytes))
        assert packet[: len(header) // 2] == unhex(header), payload_bytes
        assert len(packet) == len(header) // 2 + 3 + payload_bytes


def test_topics_that_a_broker_would_drop_the_box_for_are_refused():
    for topic in ("", "a/+", "a/#", "a\x00b", "caf\u00e9", "a b"):
        assert refused(lambda topic=topic: mqtt.publish(topic, b"")), topic
    assert refused(lambda: mqtt.publish("a" * 65536, b""))


# ---- Receiving ----------------------------------------------------------------


def test_packets_from_a_broker_are_decoded():
    table = (
        ("20 02 00 00", (mqtt.CONNACK, False, 0)),
        ("20 02 01 00", (mqtt.CONNACK, True, 0)),
        ("20 02 00 05", (mqtt.CONNACK, False, 5)),
        ("30 07 0003 612f62 6869", (mqtt.PUBLISH, "a/b", b"hi", 0)),
        ("3b 09 0003 612f62 000a 6869", (mqtt.PUBLISH, "a/b", b"hi", 10)),
        ("32 05 0001 61 ffff", (mqtt.PUBLISH, "a", b"", 65535)),
        ("40 02 0102", (mqtt.PUBACK, 258)),
        ("90 04 0001 01 80", (mqtt.SUBACK, 1, [1, mqtt.SUBSCRIPTION_REFUSED])),
        ("d0 00", (mqtt.PINGRESP,)),
    )
    for text, expected in table:
        assert packets_in([unhex(text)]) == ([expected], None), text


def test_malformed_packets_are_refused():
    table = (
        ("00 00", "a reserved type"),
        ("f0 00", "the other reserved type"),
        ("c0 00", "a client's packet"),
        ("50 02 0001", "QoS 2, which was not asked for"),
        ("20 01 00", "a short CONNACK"),
        ("20 03 000000", "a long CONNACK"),
        ("20 02 02 00", "a CONNACK with reserved flags"),
        ("21 02 00 00", "a CONNACK with header flags"),
        ("30 00", "a PUBLISH without a topic length"),
        ("30 01 00", "half a topic length"),
        ("30 02 0000", "an empty topic"),
        ("30 03 0002 61", "a topic longer than the packet"),
        ("32 04 0001 61 00", "half a packet id"),
        ("32 05 0001 61 0000", "packet id zero"),
        ("34 05 0001 61 0001", "QoS 2"),
        ("36 05 0001 61 0001", "QoS 3"),
        ("38 03 0001 61", "a duplicate with QoS 0"),
        ("30 03 0001 ff", "a topic that is not UTF-8"),
        ("30 04 0002 c080", "a topic in overlong UTF-8"),
        ("30 03 0001 00", "a NUL in the topic"),
        ("30 03 0001 2b", "a wildcard in the topic"),
        ("40 02 0000", "packet id zero"),
        ("40 01 00", "a short PUBACK"),
        ("40 03 000100", "a long PUBACK"),
        ("42 02 0001", "a PUBACK with flags"),
        ("90 02 0001", "a SUBACK without a code"),
        ("90 03 0000 01", "a SUBACK with packet id zero"),
        ("90 03 0001 03", "a SUBACK with a reserved code"),
        ("90 01 00", "a short SUBACK"),
        ("d0 01 00", "a PINGRESP with a body"),
        ("30 ff ff ff ff 01", "a length of five bytes"),
    )
    for text, what in table:
        found, error = packets_in([unhex(text)])
        assert found == [], what
        assert error, what


def test_a_packet_as_long_as_the_limit_is_taken_and_one_byte_more_is_refused():
    longest = mqtt.publish("t", bytes(1021))
    assert packets_in([longest]) == ([(mqtt.PUBLISH, "t", bytes(1021), 0)], None)
    found, error = packets_in([mqtt.publish("t", bytes(1022))])
    assert found == []
    assert error == "a packet of 1025 bytes; the box takes at most 1024"


def test_a_huge_length_is_refused_at_its_header():
    found, error = packets_in([unhex("30 ff ff ff 7f")])
    assert found == []
    assert "268435455 bytes" in error


def test_what_is_not_mqtt_is_refused_at_its_first_byte():
    for text in ("48", "15", "00", "c0"):  # "HTTP...", a TLS alert, nothing, a client's ping
        found, error = packets_in([unhex(text)])
        assert found == []
        assert error, text


def test_packets_before_a_bad_one_are_delivered():
    found, error = packets_in([unhex("40020001 d000 f000")])
    assert found == [(mqtt.PUBACK, 1), (mqtt.PINGRESP,)]
    assert error


def test_a_stream_cut_anywhere_gives_the_same_packets():
    stream = unhex("20020000 9003000101 40020007 d000") + mqtt.publish("a/b", bytes(200), 9) + unhex("40020008")
    whole = packets_in([stream])
    assert len(whole[0]) == 6
    assert whole[1] is None
    for cut in range(len(stream)):
        assert packets_in([stream[:cut], stream[cut:]]) == whole, cut
    assert packets_in([stream[i : i + 1] for i in range(len(stream))]) == whole


def test_the_reader_never_runs_out_of_room_at_its_limit():
    stream = mqtt.publish("t", bytes(13)) * 20  # bodies of 16 bytes, the limit
    found, error = packets_in([stream], limit=16)
    assert error is None
    assert found == [(mqtt.PUBLISH, "t", bytes(13), 0)] * 20


def test_a_cleared_reader_forgets_half_a_packet():
    reader = mqtt.PacketReader(16)
    for half in (b"\x40\x02\x00", b"\xd0"):
        reader.clear()
        reader.room()[: len(half)] = half
        reader.feed(len(half))
        assert reader.next_packet() is None
    reader.room()[:1] = b"\x00"
    reader.feed(1)
    assert reader.next_packet() == (mqtt.PINGRESP,)


def test_every_refusal_is_a_sentence():
    for code in range(1, 256):
        assert mqtt.refusal(code).startswith("the broker"), code
    assert "user name" in mqtt.refusal(4)


# ---- Properties ----------------------------------------------------------------


def as_json(outcome):
    return [
        [
            [binascii.hexlify(part).decode() if isinstance(part, bytes) else part for part in packet]
            for packet in outcome[0]
        ],
        outcome[1],
    ]


def case_any_bytes_give_packets_or_an_mqtt_error_however_they_are_cut(data):
    """data: the stream's pieces in hex. Anything but an MqttError escapes and fails the case."""
    chunks = [unhex(chunk) for chunk in data]
    outcome = packets_in(chunks, limit=64)
    assert packets_in([b"".join(chunks)], limit=64) == outcome
    return as_json(outcome)


def case_what_is_published_is_read_back(data):
    """data: topic, payload in hex, packet id, retain."""
    topic, payload, packet_id, retain = data[0], unhex(data[1]), data[2], data[3]
    packet = mqtt.publish(topic, payload, packet_id, retain)
    assert packets_in([packet]) == ([(mqtt.PUBLISH, topic, payload, packet_id)], None)
    return binascii.hexlify(packet).decode()
