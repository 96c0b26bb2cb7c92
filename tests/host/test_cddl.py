"""Messages of both sides agree with firmware/alert.cddl, by a validator that knows neither side's code."""

import json
import runpy
from pathlib import Path

import cbor2
import make_vectors
import pytest
import test_alert
from box.core import cose
from cddl_verifier import Validator
from hypothesis import given

TESTS = Path(__file__).parents[1]
STRATEGIES = runpy.run_path(str(TESTS / "unit" / "strategies_formats.py"))["STRATEGIES"]
ALERTS = json.loads((TESTS / "vectors" / "alerts.json").read_text(encoding="utf-8"))
ACKS = json.loads((TESTS / "vectors" / "acks.json").read_text(encoding="utf-8"))
CONTRACT = Validator(TESTS.parent / "firmware" / "alert.cddl")


def complaints(rule: str, data: bytes) -> list[str]:
    """Return what the validator finds wrong with a message under a rule of the contract."""
    result = CONTRACT.validate(data, root_type=rule)
    assert result.valid == (not result.diagnostics)
    return [str(diagnostic) for diagnostic in result.diagnostics]


def alert_of(body: bytes) -> bytes:
    return make_vectors.sign1(body)


@pytest.mark.parametrize("vector", ALERTS["alerts"], ids=lambda vector: vector["name"])
def test_alerts_follow_the_contract(vector):
    assert complaints("alert", bytes.fromhex(vector["message"])) == []


@pytest.mark.parametrize("name", ALERTS["newer_bodies"])
def test_unknown_kinds_and_keys_are_within_the_contract(name):
    assert complaints("alert", alert_of(bytes.fromhex(ALERTS["newer_bodies"][name]))) == []


@pytest.mark.parametrize("vector", ACKS["acks"], ids=lambda vector: vector["name"])
def test_acknowledgements_follow_the_contract(vector):
    assert complaints("ack", bytes.fromhex(vector["message"])) == []


@given(STRATEGIES["test_alert.case_alert"])
def test_alerts_made_by_the_box_follow_the_contract(fields):
    body = bytes.fromhex(test_alert.case_alert(fields))
    assert complaints("alert", cose.sign1(body, bytes(64))) == []


# What no rule of the contract says and both sides check themselves: deterministic encoding, and that a tag is right.
# That sequences begin at 1 is said in a comment of the contract only.
NOT_IN_THE_CONTRACT = {
    "sequence 0",
    "a list of indefinite length",
    "the tag's number in two bytes",
    "another box's secret",
    "the key of commands",
    "the context of alerts",
}


@pytest.mark.parametrize("name", sorted(ALERTS["refused"].keys() - NOT_IN_THE_CONTRACT))
def test_malformed_alerts_break_the_contract(name):
    assert complaints("alert", bytes.fromhex(ALERTS["refused"][name]))


@pytest.mark.parametrize("name", sorted(ALERTS["broken_bodies"].keys() - NOT_IN_THE_CONTRACT))
def test_broken_alert_bodies_break_the_contract(name):
    assert complaints("alert", alert_of(bytes.fromhex(ALERTS["broken_bodies"][name])))


@pytest.mark.parametrize("name", sorted(ACKS["refused"].keys() - NOT_IN_THE_CONTRACT))
def test_malformed_acknowledgements_break_the_contract(name):
    assert complaints("ack", bytes.fromhex(ACKS["refused"][name]))


@pytest.mark.parametrize("name", sorted(ACKS["broken_bodies"].keys() - NOT_IN_THE_CONTRACT))
def test_broken_acknowledgement_bodies_break_the_contract(name):
    assert complaints("ack", make_vectors.mac0(bytes.fromhex(ACKS["broken_bodies"][name])))


def test_an_alert_is_no_acknowledgement_under_the_contract():
    assert complaints("ack", bytes.fromhex(ALERTS["alerts"][0]["message"]))


def test_every_key_of_the_alert_is_required():
    body = cbor2.loads(bytes.fromhex(ALERTS["alerts"][0]["body"]))
    for key in body:
        rest = {other: value for other, value in body.items() if other != key}
        assert complaints("alert", alert_of(make_vectors.encode(rest))), key
