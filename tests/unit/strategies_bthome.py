"""What Hypothesis feeds the properties of the bips: CPython only."""

import json
from pathlib import Path

from hypothesis import strategies as st

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "bthome.json").read_text(encoding="utf-8"))

_ADVERTISEMENTS = [vector[name] for vector in VECTORS["objects"] for name in ("plain", "sealed")]
_ADVERTISEMENTS += [vector["payload"] for vector in VECTORS["base"] + VECTORS["shelly"]]
_ADVERTISEMENTS += [*VECTORS["refused"].values(), VECTORS["padded"]]

# Objects in the format's order or not; values of the right length for some ids and not for others.
_OBJECT = st.one_of(
    st.tuples(st.sampled_from(["00", "01", "3a"]), st.integers(0, 255).map(lambda n: f"{n:02x}")).map("".join),
    st.tuples(st.integers(0, 255).map(lambda n: f"{n:02x}"), st.binary(max_size=5).map(bytes.hex)).map("".join),
)
_OBJECTS = st.lists(_OBJECT, max_size=8).map("".join)


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    """A good advertisement with some bytes replaced, inserted or cut."""
    data = bytearray.fromhex(draw(st.sampled_from(_ADVERTISEMENTS)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return data.hex()


_CCM = st.one_of(
    st.sampled_from(VECTORS["ccm"]).map(lambda v: [v["key"], v["nonce"], v["sealed"], v["tag"]]),
    st.tuples(
        st.binary(min_size=16, max_size=16),
        st.binary(min_size=12, max_size=14),
        st.binary(max_size=40),
        st.binary(max_size=5),
    ).map(lambda parts: [part.hex() for part in parts]),
)

_EVENT = st.sampled_from([0x00, 0x00, 0x01, 0x02, 0x04, 0x80])
_GUARD = st.fixed_dictionaries(
    {
        "seen": st.integers(-1, 60),
        "more": st.integers(0, 64),
        # At most as many as are looked into without any waiting.
        "packets": st.lists(
            st.tuples(st.integers(0, 200), _EVENT, st.integers(0, 9).map(lambda n: n == 0), st.integers(0, 900)).map(
                list
            ),
            max_size=20,
        ),
    }
)

# A bip is pressed or says that it is there; some of its packets are missed; idle work; restart; all recorded again.
_STEP = st.one_of(
    st.tuples(st.just("press"), st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.just("presence"), st.integers(1, 3), st.integers(1, 70)),
    st.tuples(st.just("miss"), st.integers(1, 3), st.integers(1, 70)),
    st.tuples(st.just("idle"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
    st.tuples(st.just("replay"), st.just(0), st.just(0)),
).map(list)
_CUTS = st.lists(st.tuples(st.booleans(), st.integers(1, 30), st.integers(0, 2**32 - 1)).map(list), max_size=4)

STRATEGIES = {
    "test_ccm.case_unseal": _CCM,
    "test_bthome.case_any_bytes_are_read_alike": st.one_of(_mutated(), st.binary(max_size=64).map(bytes.hex)),
    "test_bthome.case_any_objects_are_read_alike": _OBJECTS,
    "test_bip_guard.case_only_what_is_new_is_let_through": _GUARD,
    "test_bip_counters.case_no_press_is_lost_and_no_replay_accepted": st.fixed_dictionaries(
        {"script": st.lists(_STEP, min_size=3, max_size=25), "cuts": _CUTS}
    ),
}
