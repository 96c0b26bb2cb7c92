"""What Hypothesis generates for the gestures: no length or pause within 20 ms of a threshold, none that a contact
alone makes (50 ms)."""

from hypothesis import strategies as st

_LENGTHS = st.one_of(
    st.integers(50, 400), st.integers(50, 1480), st.integers(1520, 4000), st.sampled_from([29_980, 30_020])
)
_PAUSES = st.one_of(st.integers(55, 480), st.integers(520, 2000))
_PRESSES = st.lists(st.tuples(_PAUSES, _LENGTHS).map(list), min_size=1, max_size=6)
_SHORT_LENGTHS = st.one_of(st.integers(50, 1480), st.integers(1520, 4000))
_SEEDS = st.integers(0, 2**31 - 1)

STRATEGIES = {
    "test_gesture.case_unstalled": st.fixed_dictionaries({"presses": _PRESSES, "seed": _SEEDS}),
    "test_gesture.case_stalled": st.fixed_dictionaries(
        {
            "presses": st.lists(st.tuples(_PAUSES, _SHORT_LENGTHS).map(list), min_size=1, max_size=6),
            "stalls": st.lists(
                st.tuples(st.integers(100, 3000), st.sampled_from([200, 1500, 20_000])).map(list),
                min_size=1,
                max_size=3,
            ),
            "late_handlers": st.integers(0, 8),
            "seed": _SEEDS,
        }
    ),
}
