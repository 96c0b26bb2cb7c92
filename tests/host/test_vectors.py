"""The vectors are what the host's libraries make, and those libraries read what the box's code makes."""

import hashlib
import random
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import cbor2
import make_vectors
import pytest
import test_alert
import test_cbor
import test_p256
import test_signer
from box.core import alert, cose, p256, signer
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given

TESTS = Path(__file__).parents[1]
STRATEGIES = runpy.run_path(str(TESTS / "unit" / "strategies_formats.py"))["STRATEGIES"]
CDDL = (TESTS.parent / "firmware" / "alert.cddl").read_text(encoding="utf-8")


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Raise InvalidSignature unless `cryptography` finds the signature r || s right."""
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def sig_structure(protected: bytes, body: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected, b"alertbox/alert/1", body])


@pytest.mark.parametrize("name", make_vectors.FILES)
def test_the_checked_in_vectors_are_what_make_vectors_writes(name):
    assert (TESTS / "vectors" / name).read_text(encoding="utf-8") == make_vectors.text_of(name)


def test_the_signatures_in_the_vectors_are_right():
    for vector in make_vectors.alert_vectors()["alerts"]:
        protected, _, body, signature = cbor2.loads(bytes.fromhex(vector["message"])).value
        verify(make_vectors.PUBLIC, sig_structure(protected, body), signature)


def test_three_hundred_random_alerts_of_the_box_are_read_and_verified_by_the_hosts_libraries():
    source = random.Random(124)
    private, public = p256.finish(signer.generate_key(source.randbytes))
    box_signer = signer.Signer(private, 1, source.randbytes)
    for sequence in range(1, 301):
        fields: dict[str, Any] = {
            "boot": source.getrandbits(32),
            "sequence": sequence,
            "kind": source.choice(list(alert.KINDS)),
            "source": source.getrandbits(8),
            "pressed": source.choice([None, source.getrandbits(32)]),
            "uptime": source.getrandbits(32),
            "back": source.getrandbits(16),
            "flags": source.getrandbits(8),
        }
        body = alert.encode(box=alert.box_id(public), **fields)
        message = cose.sign1(body, box_signer.sign(cose.signed_part(body)))

        envelope = cbor2.loads(message)
        protected, unprotected, received, signature = envelope.value
        assert (envelope.tag, cbor2.loads(protected), unprotected) == (18, {1: -7}, {})
        verify(public, sig_structure(protected, received), signature)
        expected = {make_vectors.KEYS[name]: value for name, value in fields.items()}
        assert cbor2.loads(received) == {1: 1, 2: hashlib.sha256(public).digest()[:8], **expected}
        with pytest.raises(InvalidSignature):
            verify(public, sig_structure(protected, received + b"\x00"), signature)


# The next three run the properties that tests/unit also replays under MicroPython, whose results must be equal to
# CPython's: so what the host's libraries find right here is right there.


@given(STRATEGIES["test_signer.case_signature"])
def test_signatures_of_the_property_verify(data):
    public = make_vectors.public_bytes(int(data["private"], 16))
    verify(public, bytes.fromhex(data["message"]), bytes.fromhex(test_signer.case_signature(data)))


@given(STRATEGIES["test_p256.case_pair"])
def test_pairs_of_the_property_are_the_hosts(text):
    scalar = int(text, 16)
    inverse, r = (int(part, 16) for part in test_p256.case_pair(text))
    assert inverse == pow(scalar, -1, make_vectors.ORDER)
    assert r == int.from_bytes(make_vectors.public_bytes(scalar)[1:33], "big") % make_vectors.ORDER


@given(STRATEGIES["test_cbor.case_round_trip"])
def test_values_of_the_property_are_read_and_written_alike(node):
    encoded = bytes.fromhex(test_cbor.case_round_trip(node))
    value = test_cbor.build(node)
    assert cbor2.loads(encoded) == value
    if "'map'" not in repr(node):  # cbor2's canonical maps follow the older rule, which sorts by length first
        assert cbor2.dumps(value, canonical=True) == encoded


@given(STRATEGIES["test_alert.case_alert"])
def test_bodies_of_the_property_are_the_hosts(fields):
    expected = {make_vectors.KEYS[name]: value for name, value in fields.items() if name != "box"}
    body = make_vectors.encode({1: 1, 2: bytes.fromhex(fields["box"]), **expected})
    assert test_alert.case_alert(fields) == body.hex()


def test_doubled_table_entries_give_the_right_multiple_or_none():
    """Where the addition formulas could meet equal points, the result is right or ArithmeticError."""
    wrong, raised = [], 0
    for index in range(16):
        entry = 2**208 + sum((1 if index >> tooth & 1 else -1) * 2 ** (52 * tooth) for tooth in range(4))
        for factor in (-4, -3, -2, -1, 1, 2, 3, 4):
            scalar = factor * entry % make_vectors.ORDER
            try:
                public = p256.finish(p256.public_key(scalar))
            except ArithmeticError:
                raised += 1
                continue
            if public != make_vectors.public_bytes(scalar):
                wrong.append((index, factor))
    assert not wrong
    assert raised == 1


def bytecodes_run(scalar: int) -> list[tuple[str, int]]:
    """Return the bytecodes of p256 that a pair for this scalar runs, in order, as (function, offset)."""
    codes = []

    def tracer(frame, event, _argument):
        if frame.f_code.co_filename != p256.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            codes.append((frame.f_code.co_name, frame.f_lasti))
        return tracer

    previous = sys.gettrace()
    sys.settrace(tracer)
    try:
        p256.finish(p256.pair(scalar))
    finally:
        sys.settrace(previous)
    return codes


def test_the_same_bytecodes_run_in_the_same_order_for_every_scalar():
    """A branch on a secret would show here even if it cost no multiplication and no look-up."""
    scalars = [int.from_bytes(hashlib.sha256(b"bytecodes %d" % n).digest(), "big") % p256.N for n in range(20)]
    expected = bytecodes_run(1)
    assert len(expected) > 10 * 1590
    for scalar in [*scalars, 2, p256.N - 1, p256.N - 2]:
        # Not `==` alone: pytest would explain the difference of two lists this long for minutes.
        same = bytecodes_run(scalar) == expected
        assert same, scalar


def test_names_and_numbers_of_kinds_flags_and_states_are_the_contracts():
    def enumeration(rule: str) -> dict[str, int]:
        block = re.search(rf"^{rule} = &\((.*?)\)", CDDL, re.DOTALL | re.MULTILINE)
        assert block is not None
        return {name: int(number) for name, number in re.findall(r"([a-z-]+): (\d+)", block[1])}

    assert {name: kind for kind, name in alert.KINDS.items()} == enumeration("kind")
    for rule, prefix in (("kind", ""), ("flag", "FLAG_"), ("ack-state", "")):
        for name, number in enumeration(rule).items():
            value = getattr(alert, prefix + name.upper().replace("-", "_"))
            assert value == (1 << number if rule == "flag" else number), name
