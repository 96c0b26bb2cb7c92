"""Build and read the packets of MQTT 3.1.1 (OASIS standard, 2014): a client's half, QoS 0 and 1.

Pure: bytes in, bytes out. What comes from the network is hostile until proven
otherwise: whatever is not a well-formed packet of at most `limit` bytes raises
MqttError and nothing else, and no length that the other side names is allocated.
Numbers in [brackets] are the standard's own, of the rule that is enforced.
"""

CONNACK = 2
PUBLISH = 3
PUBACK = 4
SUBACK = 9
PINGRESP = 13

PINGREQ = b"\xc0\x00"

SUBSCRIPTION_REFUSED = 0x80

_REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refuses this client identifier",
    3: "the broker's MQTT service is unavailable",
    4: "the broker refuses the user name or password: enrol the box again",
    5: "the broker does not authorise this box: check its account and password",
}

# Will with QoS 1, retained; user name and password; and not clean_session, so that what arrives
# for the box while it is away waits for it.
_CONNECT_FLAGS = 0x04 | 0x08 | 0x20 | 0x40 | 0x80

_QOS_1 = 0x02
_RETAIN = 0x01
_DUPLICATE = 0x08
_LONGEST_FIELD = 0xFFFF
_HEADER_BYTES = 5  # type and flags, then at most four bytes of length


class MqttError(ValueError):
    """Not MQTT 3.1.1, or not what a broker may send to this client."""


def refusal(code: int) -> str:
    """What a CONNACK code other than 0 means, as a sentence for people."""
    return _REFUSALS.get(code) or "the broker refuses the connection with the unknown code %d" % code


# ---- Sending ------------------------------------------------------------------


def connect(
    client_id: str, username: str, password: str, will_topic: str, will_payload: bytes, keepalive_s: int
) -> bytes:
    """A CONNECT with a last will, which the broker publishes (QoS 1, retained) when the box goes silent."""
    body = b"\x00\x04MQTT\x04" + bytes((_CONNECT_FLAGS,)) + keepalive_s.to_bytes(2, "big")
    for field in (client_id.encode(), _topic_bytes(will_topic), will_payload, username.encode(), password.encode()):
        body += _field(field)
    return _packet(0x10, body)


def publish(topic: str, payload: bytes, packet_id: int = 0, retain: bool = False) -> bytes:
    """A PUBLISH; with a packet id its QoS is 1, without it is 0."""
    first = PUBLISH << 4 | (_RETAIN if retain else 0)
    if packet_id:
        return _packet(first | _QOS_1, _field(_topic_bytes(topic)) + packet_id.to_bytes(2, "big") + payload)
    return _packet(first, _field(_topic_bytes(topic)) + payload)


def puback(packet_id: int) -> bytes:
    return _packet(PUBACK << 4, packet_id.to_bytes(2, "big"))


def subscribe(packet_id: int, topics: tuple) -> bytes:
    """A SUBSCRIBE to each of the topics, with QoS 1."""
    body = packet_id.to_bytes(2, "big")
    for topic in topics:
        body += _field(_topic_bytes(topic)) + b"\x01"
    return _packet(0x82, body)


def _packet(first: int, body: bytes) -> bytes:
    header = bytearray((first,))
    length = len(body)
    while length > 0x7F:
        header.append(length & 0x7F | 0x80)
        length >>= 7
    header.append(length)
    return bytes(header) + body


def _field(content: bytes) -> bytes:
    if len(content) > _LONGEST_FIELD:
        raise MqttError("a field of %d bytes does not fit an MQTT packet" % len(content))
    return len(content).to_bytes(2, "big") + content


def _topic_bytes(topic: str) -> bytes:
    return _checked_topic(topic.encode())


def _checked_topic(topic: bytes) -> bytes:
    """The topic, if it is one that the box uses: ASCII without controls and wildcards.

    Narrower than the standard's UTF-8, which spares the box a strict UTF-8 decoder: it
    subscribes to no other topics, so a broker has no reason to send one.
    """
    if not topic:
        raise MqttError("an empty topic [4.7.3-1]")
    for byte in topic:
        if not 0x20 < byte < 0x7F or byte in b"+#":
            raise MqttError("a topic with the byte 0x%02x" % byte)
    return topic


# ---- Receiving ----------------------------------------------------------------


def _connack(flags: int, body: bytes) -> tuple:
    if len(body) != 2 or body[0] > 1:
        raise MqttError("a malformed CONNACK")
    return CONNACK, body[0] == 1, body[1]


def _publish(flags: int, body: bytes) -> tuple:
    qos = flags >> 1 & 3
    if qos > 1:
        raise MqttError("a PUBLISH with a QoS that was not asked for")
    if qos == 0 and flags & _DUPLICATE:
        raise MqttError("a duplicate PUBLISH with QoS 0 [3.3.1-2]")
    topic_end = 2 + int.from_bytes(body[:2], "big")
    payload_start = topic_end + 2 * qos
    if len(body) < max(payload_start, 2):
        raise MqttError("a PUBLISH shorter than its topic")
    topic = str(_checked_topic(body[2:topic_end]), "utf-8")
    packet_id = _packet_id(body[topic_end:payload_start]) if qos else 0
    return PUBLISH, topic, body[payload_start:], packet_id


def _puback(flags: int, body: bytes) -> tuple:
    return PUBACK, _packet_id(body)


def _suback(flags: int, body: bytes) -> tuple:
    codes = body[2:]
    if not codes:
        raise MqttError("a SUBACK without a code")
    for code in codes:
        if code > 2 and code != SUBSCRIPTION_REFUSED:
            raise MqttError("a SUBACK with the reserved code %d [3.9.3-2]" % code)
    return SUBACK, _packet_id(body[:2]), list(codes)


def _pingresp(flags: int, body: bytes) -> tuple:
    if body:
        raise MqttError("a PINGRESP with a body")
    return (PINGRESP,)


def _packet_id(two_bytes: bytes) -> int:
    packet_id = int.from_bytes(two_bytes, "big")
    if len(two_bytes) != 2 or not packet_id:
        raise MqttError("a packet without a packet identifier [2.3.1-1]")
    return packet_id


_DECODERS = {CONNACK: _connack, PUBLISH: _publish, PUBACK: _puback, SUBACK: _suback, PINGRESP: _pingresp}


def _decoder(first: int):  # type: ignore[no-untyped-def]  # a function, for which MicroPython has no name
    """The decoder for a packet that starts with this byte."""
    kind, flags = first >> 4, first & 0x0F
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise MqttError("a packet of type %d, which no broker may send to this client" % kind)
    if flags and kind != PUBLISH:
        raise MqttError("a packet of type %d with the flags %d [2.2.2-1]" % (kind, flags))
    return decoder


class PacketReader:
    """Cut the byte stream of one connection into packets.

    One buffer for its whole life, of `limit` bytes and a header. Put bytes at the
    start of `room()`, say how many with `feed()`, then take packets until None.
    """

    def __init__(self, limit: int = 1024):
        self._limit = limit
        self._buffer = bytearray(limit + _HEADER_BYTES)
        self._view = memoryview(self._buffer)
        self.clear()

    def clear(self) -> None:
        """Forget everything: the next byte is the first of a new connection."""
        self._start = self._end = 0

    def room(self) -> memoryview:
        """Where the next bytes go; never empty after next_packet() has returned None."""
        if self._start:
            rest = bytes(self._view[self._start : self._end])
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        return self._view[self._end :]

    def feed(self, count: int) -> None:
        self._end += count

    def next_packet(self) -> "tuple | None":
        """The next whole packet, or None while it is incomplete.

        (CONNACK, session_present, code), (PUBLISH, topic, payload, packet_id or 0 for QoS 0),
        (PUBACK, packet_id), (SUBACK, packet_id, codes) or (PINGRESP,).
        """
        if self._start == self._end:
            return None
        first = self._buffer[self._start]
        decoder = _decoder(first)  # before its body is there: what is not MQTT may never send one
        body_start = self._start + 1
        length = shift = 0
        while True:
            if body_start >= self._end:
                return None
            byte = self._buffer[body_start]
            body_start += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
            if shift == 28:
                raise MqttError("a length of more than four bytes [2.2.3]")
        if length > self._limit:
            raise MqttError("a packet of %d bytes; the box takes at most %d" % (length, self._limit))
        body_end = body_start + length
        if body_end > self._end:
            return None
        self._start = body_end
        packet: tuple = decoder(first & 0x0F, bytes(self._view[body_start:body_end]))
        return packet
