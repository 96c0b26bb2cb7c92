"""Whatever comes in from outside: 10,000 hostile messages at each door, and the heap as before.

Half are real messages with a few bytes changed, dropped, doubled or added, half are noise. A door
may take or refuse, with its own error; anything else would be a task that dies.
"""

import binascii
import gc
import json
import sys

from box.core import alert, cbor, cose, dns, mqtt

_INPUTS = 10000
_VECTORS = __file__.rsplit("/", 2)[0] + "/vectors/"


class Noise:
    """The same numbers on both interpreters (xorshift32)."""

    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        x = self._state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self._state = x
        return x % limit

    def message(self, real):
        if self.below(2):
            return bytes([self.below(256) for _ in range(self.below(80))])
        data = bytearray(real[self.below(len(real))])
        for _ in range(1 + self.below(4)):
            place = self.below(len(data) + 1)
            what = self.below(4)
            if what == 0 and place < len(data):
                data[place] = self.below(256)
            elif what == 1:
                data = data[:place]
            elif what == 2:
                data = data[:place] + bytes((self.below(256),)) + data[place:]
            else:
                data = data + data[place:][:200]
        return bytes(data)


def real_acks():
    with open(_VECTORS + "acks.json") as file:
        vectors = json.load(file)
    return binascii.unhexlify(vectors["key"]), [binascii.unhexlify(ack["message"]) for ack in vectors["acks"]]


def real_alerts():
    with open(_VECTORS + "alerts.json") as file:
        return [binascii.unhexlify(one["message"]) for one in json.load(file)["alerts"]]


def knock(door, real, errors, seed):
    """Send the messages to one door; returns how many it took."""
    noise = Noise(seed)
    taken = 0
    half = 0
    for i in range(_INPUTS):
        try:
            door(noise.message(real))
            taken += 1
        except errors:
            pass
        if i == _INPUTS // 2:
            half = heap()
    assert heap() - half < 2048, "the heap grows"
    return taken


def heap():
    gc.collect()
    return gc.mem_alloc() if sys.implementation.name == "micropython" else 0


def test_cbor():
    taken = knock(cbor.decode, real_alerts() + real_acks()[1], cbor.CborError, 1)
    assert 0 < taken < _INPUTS


def test_cose_and_acknowledgements():
    key, acks = real_acks()

    def door(message):
        alert.decode_ack(cose.open_mac0(message, key, cose.ACK_AAD))

    taken = knock(door, acks, ValueError, 2)
    # Only what the changes left as it was can be taken: the tag covers every byte.
    assert taken < _INPUTS // 50


def test_bodies_of_alerts():
    bodies = [cose.open_sign1(message)[0] for message in real_alerts()]
    knock(alert.decode, bodies, ValueError, 3)


def test_the_packet_reader():
    packets = [
        mqtt.publish("alertbox/00/ack", b"x" * 60, 7),
        bytes((0x40, 2, 0, 7)),
        bytes((0x20, 2, 0, 0)),
        b"\xd0\x00",
    ]
    reader = mqtt.PacketReader()

    def door(data):
        reader.clear()
        while data:
            room = reader.room()
            count = min(len(room), len(data))
            room[:count] = data[:count]
            data = data[count:]
            reader.feed(count)
            while reader.next_packet() is not None:
                pass

    assert knock(door, packets, mqtt.MqttError, 4) > 0


def test_dns_answers():
    query = dns.encode_query("receiver.test", 0x1234)
    answer = query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + query[12:]
    answer += b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
    assert dns.decode_response(query, answer)[0] == ["192.0.2.1"]
    knock(lambda message: dns.decode_response(query, message), [answer], dns.DnsError, 5)
