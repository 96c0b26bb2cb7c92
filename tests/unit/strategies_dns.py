"""What Hypothesis feeds the properties of test_dns.py: responses to its one query, mostly damaged."""

import struct

from hypothesis import strategies as st

_HEADER = struct.pack(">HHHHHH", 0x1234, 0x8180, 1, 0, 0, 0)
_QUESTION = b"\x05alert\x07example\x00\x00\x01\x00\x01"
_START = len(_HEADER) + len(_QUESTION)

_LABELS = st.lists(st.sampled_from([b"a", b"host", b"alert", b"EXAMPLE", b"x" * 63]), max_size=4)
_NAMES = st.builds(
    lambda labels, end: b"".join(bytes([len(label)]) + label for label in labels) + end,
    _LABELS,
    st.one_of(
        st.just(b"\x00"),
        st.sampled_from([b"\xc0\x0c", b"\xc0\x12"]),  # the question's name, and the end of it
        st.sampled_from([b"\xc0\x0c", b"\xc0\x12"]),
        st.integers(_START - 4, _START + 60).map(lambda at: struct.pack(">H", 0xC000 | at)),
    ),
)
_TTLS = st.one_of(st.integers(0, 86400), st.integers(0, 2**32 - 1))


def _record(owner: bytes, kind: int, ttl_s: int, data: bytes) -> bytes:
    return owner + struct.pack(">HHIH", kind, 1, ttl_s, len(data)) + data


_OWNERS = st.one_of(st.just(b"\xc0\x0c"), st.just(b"\xc0\x0c"), _NAMES)
_RECORDS = st.one_of(
    st.builds(_record, _OWNERS, st.just(1), _TTLS, st.binary(min_size=4, max_size=4)),
    st.builds(_record, _OWNERS, st.just(5), _TTLS, _NAMES),
    st.builds(_record, _OWNERS, st.integers(0, 0xFFFF), _TTLS, st.binary(max_size=12)),
)


@st.composite
def _responses(draw: st.DrawFn) -> str:
    """Records in a row with their count in the header, then some bytes changed, dropped or added."""
    records = draw(st.lists(_RECORDS, max_size=6))
    count = draw(st.sampled_from([len(records)] * 7 + [len(records) + 1, 0xFFFF]))
    response = bytearray(_HEADER[:6] + struct.pack(">HHH", count, 0, 0) + _QUESTION + b"".join(records))
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        at = draw(st.integers(_START, len(response)))
        response[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    if draw(st.integers(0, 9)) == 9:  # and now and then in what comes before the answers
        response[draw(st.integers(0, _START - 1))] = draw(st.integers(0, 255))
    return response.hex()


STRATEGIES = {
    "test_dns.case_any_response_gives_addresses_or_a_dns_error": st.integers(0, 9).flatmap(
        lambda number: _responses() if number else st.binary(max_size=600).map(bytes.hex)
    ),
    "test_dns.case_a_name_is_asked_for_or_refused": st.one_of(
        st.text(max_size=20), st.lists(st.text("aB0-_", min_size=1, max_size=64), max_size=5).map(".".join)
    ),
}
