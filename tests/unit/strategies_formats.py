"""What Hypothesis feeds to the properties of the formats: CPython only."""

import json
from pathlib import Path

from hypothesis import strategies as st

VECTORS = Path(__file__).parents[1] / "vectors"
ALERTS = json.loads((VECTORS / "alerts.json").read_text(encoding="utf-8"))
ACKS = json.loads((VECTORS / "acks.json").read_text(encoding="utf-8"))

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KINDS = (1, 2, 3, 4, 5, 6, *range(10, 22))


def hexadecimal(least: int, greatest: int | None = None) -> st.SearchStrategy[str]:
    return st.binary(min_size=least, max_size=greatest if greatest is not None else least).map(bytes.hex)


def uint(bits: int, least: int = 0) -> st.SearchStrategy[int]:
    """Integers of that many bits, often at a bound or where the length of their encoding changes."""
    edges = (0, 1, 23, 24, 255, 256, 65535, 65536, 2**bits - 1)
    return st.one_of(
        st.sampled_from([edge for edge in edges if least <= edge < 2**bits]), st.integers(least, 2**bits - 1)
    )


@st.composite
def mutated(draw: st.DrawFn, messages: list[str]) -> str:
    """Change a good message: bits, a replaced, inserted or removed piece, a cut."""
    data = bytearray.fromhex(draw(st.sampled_from(messages)))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 4)))
        data[start:end] = draw(st.binary(max_size=4))
    if data and draw(st.booleans()):
        bit = draw(st.integers(0, 8 * len(data) - 1))
        data[bit // 8] ^= 1 << bit % 8
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 4)) == 0 else data).hex()


def hostile(messages: list[str]) -> st.SearchStrategy[list[str]]:
    """Lists of bad and good messages, so that one run of a property sees thousands."""
    return st.lists(st.one_of(mutated(messages), mutated(messages), hexadecimal(0, 40)), min_size=5, max_size=20)


def cbor_nodes() -> st.SearchStrategy[list]:
    """Values as tests/unit/test_cbor.py builds them: every type, in lists and maps."""
    integers = st.one_of(uint(64), uint(64).map(lambda value: -1 - value))
    leaves = st.one_of(
        integers.map(lambda value: ["int", str(value)]),
        hexadecimal(0, 30).map(lambda value: ["bytes", value]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda value: ["text", value]),
        st.sampled_from([["bool", True], ["bool", False], ["null", None]]),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=5).map(lambda items: ["list", items]),
            st.lists(st.tuples(integers.map(str), inner), max_size=5, unique_by=lambda pair: pair[0]).map(
                lambda pairs: ["map", [list(pair) for pair in pairs]]
            ),
        ),
        max_leaves=12,
    ).filter(lambda node: depth(node) < 8)


def depth(node: list) -> int:
    kind, content = node
    if kind == "list":
        return 1 + max(map(depth, content), default=0)
    if kind == "map":
        return 1 + max((depth(item) for _, item in content), default=0)
    return 1


ALERT_FIELDS = st.fixed_dictionaries(
    {
        "box": hexadecimal(8),
        "boot": uint(32),
        "sequence": uint(32, least=1),
        "kind": st.sampled_from(KINDS),
        "source": uint(8),
        "pressed": st.one_of(st.none(), uint(32)),
        "uptime": uint(32),
        "back": uint(16),
        "flags": uint(8),
    }
)
SCALARS = st.one_of(st.integers(1, ORDER - 1), st.integers(1, 40), st.integers(ORDER - 40, ORDER - 1)).map(
    lambda scalar: scalar.to_bytes(32, "big").hex()
)
SIGNATURES = st.fixed_dictionaries(
    {
        "private": SCALARS,
        "boot": uint(32),
        "random": hexadecimal(32),
        "ready": st.integers(0, 1),
        "message": hexadecimal(0, 130),
    }
)

ALERT_MESSAGES = [vector["message"] for vector in ALERTS["alerts"]] + list(ALERTS["refused"].values())
ALERT_BODIES = [
    *(vector["body"] for vector in ALERTS["alerts"]),
    *ALERTS["newer_bodies"].values(),
    *ALERTS["broken_bodies"].values(),
]
ACK_MESSAGES = [vector["message"] for vector in ACKS["acks"]] + list(ACKS["refused"].values())
ACK_BODIES = [vector["body"] for vector in ACKS["acks"]] + list(ACKS["broken_bodies"].values())

STRATEGIES = {
    "test_cbor.case_round_trip": cbor_nodes(),
    "test_cbor.case_hostile": hostile(ALERT_MESSAGES + ALERT_BODIES + ACK_BODIES),
    "test_cose.case_hostile_alert": hostile(ALERT_MESSAGES),
    "test_cose.case_hostile_ack": hostile(ACK_MESSAGES),
    "test_alert.case_alert": ALERT_FIELDS,
    "test_alert.case_hostile_body": hostile(ALERT_BODIES),
    "test_alert.case_hostile_ack": hostile(ACK_BODIES),
    "test_p256.case_pair": SCALARS,
    "test_signer.case_signature": SIGNATURES,
}
