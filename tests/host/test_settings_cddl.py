"""Settings and enrolment agree with firmware/settings.cddl, by a validator that knows neither side's code."""

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import cbor2
import make_settings
import pytest
from box.core import config_check, strict_json
from cddl_verifier import Validator
from hypothesis import example, given
from hypothesis import strategies as st

TESTS = Path(__file__).parents[1]
STRATEGIES = runpy.run_path(str(TESTS / "unit" / "strategies_config.py"))["STRATEGIES"]
CONTRACT = Validator(TESTS.parent / "firmware" / "settings.cddl")
VECTORS = [
    (rule, vector)
    for rule in ("settings", "enrolment")
    for vector in json.loads((TESTS / "vectors" / f"{rule}.json").read_text(encoding="utf-8"))
]
# What the contract says in capitals, because no rule of CDDL can: both sides check it themselves.
NOT_IN_THE_CONTRACT = {
    "the same number twice",
    "the same rank twice",
    "the same Wi-Fi twice",
    "the same bip twice",
    "two bips of one number",
    "a double press weaker than a click",
    "a hold weaker than a double press",
    "a bip's hold weaker than its click",
    "a foot switch's hold weaker than its double press",
    "silent hours of no length",
}


def follows(rule: str, document: object) -> bool:
    return CONTRACT.validate(cbor2.dumps(document), root_type=rule).valid


@pytest.mark.parametrize("name", ["settings.json", "enrolment.json"])
def test_the_vectors_are_what_their_tables_make(name):
    assert (TESTS / "vectors" / name).read_text(encoding="utf-8") == make_settings.text_of(name)


@pytest.mark.parametrize(
    ("rule", "vector"), VECTORS, ids=lambda value: value["name"] if isinstance(value, dict) else ""
)
def test_the_vectors_follow_the_contract_or_break_it(rule, vector):
    assert follows(rule, vector["document"]) == (vector["path"] is None or vector["name"] in NOT_IN_THE_CONTRACT)


def test_what_the_contract_does_not_say_is_still_among_the_vectors():
    assert {vector["name"] for _, vector in VECTORS} >= NOT_IN_THE_CONTRACT


def fault_of(check: Callable[[object], None], document: object) -> str:
    try:
        check(document)
    except config_check.ConfigError as error:
        return str(error)
    return ""


@given(STRATEGIES["test_config.case_any_document_is_right_or_a_config_error"])
def test_the_box_takes_what_follows_the_contract(document):
    for rule, check in (("settings", config_check.check), ("enrolment", config_check.check_enrolment)):
        fault = fault_of(check, document)
        if "does not fit" not in fault and "is there twice" not in fault:  # which no rule of the contract says
            assert follows(rule, document) == (not fault), fault


def _strictly(text: str) -> object:
    """What Python's own reader makes of it, without the liberties it takes."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    def never(word: str) -> None:
        raise ValueError(word)

    value = json.loads(text, object_pairs_hook=once, parse_constant=never)
    json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair cannot be encoded
    return value


@given(STRATEGIES["test_config.case_any_text_is_json_or_refused"] | st.text("0123456789.-+eE", max_size=8))
@example('"\\ud83e\\udd8a"')
@example('["a\\/b\\u0000"]')
def test_the_box_reads_json_as_python_does(text):
    try:
        expected = _strictly(text)
    except ValueError:
        with pytest.raises(strict_json.JsonError):
            strict_json.loads(text.encode())
    else:
        assert repr(strict_json.loads(text.encode())) == repr(expected)
