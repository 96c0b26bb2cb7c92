"""What Hypothesis feeds the properties of test_mqtt_packets.py."""

from hypothesis import strategies as st

_TOPICS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="+#"), min_size=1)


def _packet(first: int, body: bytes) -> bytes:
    """For bodies under 128 bytes, whose length is one byte."""
    return bytes([first, len(body)]) + body


@st.composite
def _publish(draw: st.DrawFn) -> bytes:
    topic = draw(st.text(max_size=8)).encode(errors="surrogatepass")
    body = len(topic).to_bytes(2, "big") + topic + draw(st.binary(max_size=20))
    return _packet(0x30 | draw(st.integers(0, 15)), body)


_PACKETS = st.one_of(
    st.sampled_from(
        [b"\x20\x02\x00\x00", b"\x20\x02\x01\x00", b"\x90\x03\x00\x01\x01", b"\x40\x02\x00\x01", b"\xd0\x00"]
    ),
    st.builds(lambda packet_id: _packet(0x40, packet_id.to_bytes(2, "big")), st.integers(0, 0xFFFF)),
    st.builds(lambda codes: _packet(0x90, b"\x00\x01" + codes), st.binary(max_size=6)),
    _publish(),
)


@st.composite
def _streams(draw: st.DrawFn) -> list[str]:
    """Real packets in a row, some bytes changed, dropped or added, cut into pieces."""
    stream = bytearray(b"".join(draw(st.lists(_PACKETS, max_size=8))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(stream)))
        stream[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    edges = [0, *cuts, len(stream)]
    return [stream[start:end].hex() for start, end in zip(edges, edges[1:], strict=False)]


STRATEGIES = {
    "test_mqtt_packets.case_any_bytes_give_packets_or_an_mqtt_error_however_they_are_cut": st.one_of(
        _streams(), st.lists(st.binary(max_size=200).map(bytes.hex), max_size=3)
    ),
    "test_mqtt_packets.case_what_is_published_is_read_back": st.tuples(
        _TOPICS, st.binary(max_size=900).map(bytes.hex), st.integers(0, 0xFFFF), st.booleans()
    ),
}
