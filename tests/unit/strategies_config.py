"""What Hypothesis feeds the properties of test_config.py: settings with something put in, taken out or made odd."""

import json

import make_settings
from hypothesis import strategies as st

_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.sampled_from([0, 1, 2, 5, 6, 10, 180, 65535, 0.5, 48.5, -91.5]),
    st.text(max_size=6),
    st.sampled_from(["", "inform", "alarm", "both", "{shop}", "{", "+33612345678", "12:00", "00" * 16, "x" * 40, "é"]),
    st.just([]),
    st.just({}),
)
_NONSENSE = st.recursive(
    _ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
_VALUES = [value for _, value in make_settings.VALID.values() if isinstance(value, str | int | None)]
_NAMES = ["name", "number", "rank", "key", "policy", "hold", "0", "1", "9", "colour", ""]


def _paths(value: object, path: str = "") -> list[str]:
    """The path of every field of a document, the parts included."""
    if not isinstance(value, dict | list):
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    inner = [found for name, item in items for found in _paths(item, f"{path}.{name}" if path else str(name))]
    return [path, *inner] if path else inner


_PATHS = _paths(make_settings.FULL)


@st.composite
def _documents(draw: st.DrawFn, value: st.SearchStrategy) -> object:
    """The full document, some of its parts, with up to three fields changed or taken away."""
    document = json.loads(json.dumps(make_settings.FULL))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(_PATHS))
        new = make_settings.REMOVE if draw(st.booleans()) else draw(value)
        try:
            document = make_settings.changed(document, path, new)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took its place away
    if draw(st.booleans()) and isinstance(document, dict):
        keep = draw(st.sets(st.sampled_from(sorted(make_settings.FULL)))) | {"version"}
        document = {name: item for name, item in document.items() if name in keep}
    return document


_RIGHT = st.sampled_from(
    [{"version": 2}] + [make_settings.part(make_settings.FULL, *put) for put in make_settings.VALID.values()]
)

STRATEGIES = {
    "test_config.case_any_document_is_right_or_a_config_error": _documents(_NONSENSE) | _NONSENSE,
    "test_config.case_a_right_document_stays_right_and_the_same": _documents(st.sampled_from(_VALUES)) | _RIGHT,
    "test_config.case_any_path_is_a_field_or_a_config_error": st.tuples(
        st.sampled_from(_PATHS)
        | st.lists(st.sampled_from([*make_settings.FULL, *_NAMES]), max_size=4).map(".".join)
        | st.text(max_size=10),
        _ODD,
    ),
    "test_config.case_any_text_is_json_or_refused": st.one_of(
        st.text('{}[]:,"\\u0129aeEd-+. \n', max_size=12),
        st.lists(
            st.sampled_from(
                list('{}[]:,"\\') + ["true", "null", "1", "-2", '"a"', '"\\u00e9"', '"\\ud83e\\udd8a"', " "]
            ),
            max_size=10,
        ).map("".join),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=5,
        ).flatmap(lambda value: st.sampled_from([json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)])),
    ),
}
