"""What Hypothesis feeds the properties of the flash, the ring and the journal."""

from hypothesis import strategies as st

_SEED = st.integers(0, 2**32 - 1)
_CUTS = st.lists(st.tuples(st.integers(1, 40), _SEED).map(list), max_size=4)

_FLASH = st.fixed_dictionaries(
    {
        "cut": st.integers(1, 6),
        "seed": _SEED,
        "operations": st.lists(
            st.tuples(
                st.booleans(), st.integers(0, 1), st.integers(0, 4000), st.integers(1, 96), st.integers(0, 255)
            ).map(list),
            max_size=6,
        ),
    }
)

# append a record; set mark 0 or 1 of a record; idle work; restart
_RING_STEP = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 255), st.just(0)),
    st.tuples(st.just("mark"), st.integers(0, 9), st.integers(0, 1)),
    st.tuples(st.just("idle"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
).map(list)

_JOURNAL_STEP = st.one_of(
    st.tuples(st.just("append"), st.sampled_from([1, 2, 3, 3, 6, 6, 10, 21])),
    st.tuples(st.just("received"), st.integers(0, 9)),
    st.tuples(st.just("in charge"), st.integers(0, 9)),
    st.tuples(st.just("idle"), st.integers(1, 4)),
).map(list)

STRATEGIES = {
    "test_nor.case_the_same_seed_gives_the_same_flash": _FLASH,
    "test_ring.case_what_was_promised_survives_any_cuts": st.fixed_dictionaries(
        {"script": st.lists(_RING_STEP, min_size=5, max_size=60), "cuts": _CUTS}
    ),
    "test_journal.case_no_press_is_lost_and_none_acknowledged_is_sent_again": st.fixed_dictionaries(
        {"script": st.lists(_JOURNAL_STEP, min_size=5, max_size=40), "cuts": _CUTS}
    ),
}
