"""What Hypothesis feeds the properties of the console: bytes on the line, points, and orders of events at its lock."""

import json
from pathlib import Path

from hypothesis import strategies as st

_VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "console.json").read_text(encoding="utf-8"))
_PUBLICS = [vector["public"] for vector in _VECTORS["signatures"]["good"]]
_STEPS = st.sampled_from(["show", "challenge", "unlock", "unlock", "guess", "request", "lock"])
_PAUSES = st.sampled_from([0, 1000, 2000, 59999, 60000, 599999, 600000])

_METHODS = ["echo", "none", "fail", "refuse", "wait", "long", "no such method"]
_VALUES = st.one_of(st.none(), st.booleans(), st.integers(-1, 1 << 40), st.text(max_size=20), st.lists(st.none()))
_REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.sampled_from(["2.0", "2.0", "2.0", "1.0"]), "method": st.sampled_from(_METHODS)},
    optional={"id": _VALUES, "params": st.one_of(st.lists(_VALUES, max_size=3), _VALUES), "more": _VALUES},
)
_LINES = st.one_of(
    _REQUESTS.map(lambda request: b"\x1e" + json.dumps(request, ensure_ascii=False).encode("utf-8", "replace") + b"\n"),
    st.binary(max_size=300),
    st.binary(max_size=300).map(lambda data: b"\x1e" + data + b"\n"),
    st.sampled_from([b"\x1e", b"\n", b"\x1e\x1e\n", b"12 INFO mqtt connected\r\n", b"\x1e" + b"[" * 198 + b"\n"]),
)


@st.composite
def _traffic(draw: st.DrawFn) -> str:
    """Lines in a row, and now and then a piece cut out of them."""
    data = b"".join(draw(st.lists(_LINES, max_size=6)))
    if data and draw(st.booleans()):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + data[at + draw(st.integers(1, 20)) :]
    return data.hex()


def _with_bit_changed(public: str, bit: int) -> str:
    return (int(public, 16) ^ 1 << bit).to_bytes(65, "big").hex()


STRATEGIES = {
    "test_p256_verify.case_any_64_bytes_are_no_signature": st.binary(min_size=64, max_size=64).map(bytes.hex),
    "test_p256_verify.case_any_point_is_on_the_curve_or_refused": st.one_of(
        st.sampled_from(_PUBLICS),
        st.builds(_with_bit_changed, st.sampled_from(_PUBLICS), st.integers(0, 519)),
        st.binary(min_size=64, max_size=66).map(bytes.hex),
    ),
    "test_access.case_whatever_happens_a_closed_box_opens_only_by_the_right_signature": st.lists(
        st.tuples(_STEPS, _PAUSES), max_size=12
    ),
    "test_utf8.case_bytes_are_the_text_or_refused": st.one_of(
        st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace").hex()),
        st.lists(st.integers(0x7E, 0xFF), max_size=6).map(lambda data: bytes(data).hex()),
    ),
    "test_rpc.case_any_traffic_leaves_the_reader_ready": _traffic(),
}
