"""The locked box: who gets in, for how long, and how slowly it can be guessed at."""

import json
from binascii import unhexlify

from box.core import access, p256
from box.core.rpc import Refused

with open(__file__.rsplit("/", 2)[0] + "/vectors/console.json") as file:
    VECTORS = json.load(file)
NOW = VECTORS["now"]
CHALLENGE = unhexlify(VECTORS["challenge"])
SIGNATURE = unhexlify(VECTORS["unlock"]["signature"])
CERTIFICATES = VECTORS["certificates"]


def certificate(name="all rights"):
    return unhexlify([one["message"] for one in CERTIFICATES["good"] if one["name"] == name][0])


def closed_box(locked=True):
    return access.Access(unhexlify(VECTORS["box"]), unhexlify(VECTORS["town"]), locked)


def refusal(function, *arguments):
    """The key of the Refused that a call ends in; None if it ends well."""
    try:
        result = function(*arguments)
        if hasattr(result, "send"):
            p256.finish(result)
    except Refused as error:
        return error.data["code"]
    return None


def opened(name="all rights", at_ms=0):
    box = closed_box()
    p256.finish(box.show(certificate(name), NOW, at_ms))
    box.challenge(CHALLENGE, at_ms)
    p256.finish(box.unlock(SIGNATURE, NOW, at_ms))
    return box


def fail(box, at_ms):
    """One failed try; what it and the try right after it end in."""
    box.challenge(CHALLENGE, at_ms)
    return refusal(box.unlock, bytes(63) + b"\x01", NOW, at_ms)


def test_good_certificates_show_what_they_say():
    for vector in CERTIFICATES["good"]:
        technician = p256.finish(closed_box().show(unhexlify(vector["message"]), NOW, 0))
        found = (technician.name, technician.expires, technician.rights)
        assert found == (vector["technician"], vector["expires"], vector["rights"]), vector["name"]


def test_bad_certificates_are_refused_and_forgotten():
    for vector in CERTIFICATES["refused"]:
        box = closed_box()
        assert refusal(box.show, unhexlify(vector["message"]), NOW, 0) == vector["code"], vector["name"]
        after_ms = 1000 * 1000
        box.challenge(CHALLENGE, after_ms)
        assert refusal(box.unlock, SIGNATURE, NOW, after_ms) == "no-certificate", vector["name"]


def test_every_changed_byte_of_a_certificate_is_refused():
    whole = certificate()
    for at in range(len(whole)):
        changed = whole[:at] + bytes((whole[at] ^ 4,)) + whole[at + 1 :]
        assert refusal(closed_box().show, changed, NOW, 0) in ("certificate", "expired"), at


def test_a_box_without_a_towns_key_takes_no_certificate_and_cannot_be_locked():
    box = access.Access(bytes(8), b"", False)
    assert refusal(box.show, certificate(), NOW, 0) == "no-town"
    assert refusal(box.lock) == "no-town"
    assert not box.locked


def test_an_open_box_demands_nothing():
    assert refusal(closed_box(locked=False).demand, access.ENROL, 0) is None


def test_a_closed_box_refuses_whatever_needs_a_right():
    box = closed_box()
    for right in (1, 2, 4, 8, 16, 32):
        assert refusal(box.demand, right, 0) == "locked"
    assert refusal(box.demand, 0, 0) is None


def test_the_right_signature_opens():
    box = opened()
    assert box.session(0).name == "Zoé Martin"
    for right in (1, 2, 4, 8, 16, 32):
        assert refusal(box.demand, right, 0) is None
    assert box.locked


def test_a_session_has_its_certificates_rights_and_no_others():
    box = opened("no rights")
    assert refusal(box.demand, access.READ, 0) == "locked"


def test_wrong_signatures_do_not_open():
    for name, signature in VECTORS["unlock"]["refused"].items():
        box = closed_box()
        p256.finish(box.show(certificate(), NOW, 0))
        box.challenge(CHALLENGE, 0)
        assert refusal(box.unlock, unhexlify(signature), NOW, 0) == "signature", name
        assert box.session(0) is None


def test_a_challenge_serves_once():
    box = opened()
    assert refusal(box.unlock, SIGNATURE, NOW, 0) == "no-challenge"


def test_a_failed_try_uses_the_challenge_up():
    box = closed_box()
    p256.finish(box.show(certificate(), NOW, 0))
    assert fail(box, 0) == "signature"
    assert refusal(box.unlock, SIGNATURE, NOW, 2000) == "no-challenge"


def test_a_challenge_holds_for_a_minute():
    for at_ms, outcome in ((59999, None), (60000, "no-challenge")):
        box = closed_box()
        p256.finish(box.show(certificate(), NOW, 0))
        box.challenge(CHALLENGE, 0)
        assert refusal(box.unlock, SIGNATURE, NOW, at_ms) == outcome


def test_a_certificate_that_expires_meanwhile_does_not_open():
    box = closed_box()
    p256.finish(box.show(certificate("in its last second"), NOW, 0))
    box.challenge(CHALLENGE, 0)
    assert refusal(box.unlock, SIGNATURE, NOW + 1, 1000) == "expired"


def test_without_a_time_no_certificate_holds():
    assert refusal(closed_box().show, certificate(), None, 0) == "expired"


def test_a_session_ends_ten_minutes_after_the_last_request():
    box = opened()
    assert refusal(box.demand, 0, 599999) is None
    assert refusal(box.demand, access.READ, 599999 + 599999) is None
    assert refusal(box.demand, access.READ, 2 * 599999 + 600000) == "locked"
    assert box.session(2 * 599999 + 600000) is None


def test_locking_ends_the_session():
    box = opened()
    box.lock()
    assert refusal(box.demand, access.READ, 0) == "locked"


def test_failed_tries_double_the_wait_up_to_ten_minutes():
    box = closed_box()
    p256.finish(box.show(certificate(), NOW, 0))
    at_ms = 0
    for wait_s in (2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600):
        assert fail(box, at_ms) == "signature"
        for function, arguments in (
            (box.challenge, (CHALLENGE,)),
            (box.unlock, (SIGNATURE, NOW)),
            (box.show, (certificate(), NOW)),
        ):
            assert refusal(function, *arguments, at_ms + wait_s * 1000 - 1) == "wait"
        at_ms += wait_s * 1000
    box.challenge(CHALLENGE, at_ms)
    assert refusal(box.unlock, SIGNATURE, NOW, at_ms) is None


def test_the_wait_is_told_in_seconds_rounded_up():
    box = closed_box()
    p256.finish(box.show(certificate(), NOW, 0))
    fail(box, 0)
    for now_ms, seconds in ((0, 2), (500, 2), (999, 2), (1000, 1), (1001, 1), (1999, 1)):
        try:
            box.challenge(CHALLENGE, now_ms)
            raise AssertionError("no wait")
        except Refused as error:
            assert error.data == {"code": "wait", "s": seconds}, now_ms


def test_a_forged_certificate_is_a_failed_try():
    box = closed_box()
    forged = [one["message"] for one in CERTIFICATES["refused"] if one["name"] == "signed by another town"][0]
    assert refusal(box.show, unhexlify(forged), NOW, 0) == "certificate"
    assert refusal(box.challenge, CHALLENGE, 0) == "wait"


def test_success_forgets_the_failures():
    box = closed_box()
    p256.finish(box.show(certificate(), NOW, 0))
    fail(box, 0)
    box.challenge(CHALLENGE, 2000)
    p256.finish(box.unlock(SIGNATURE, NOW, 2000))
    fail(box, 2000)
    assert refusal(box.challenge, CHALLENGE, 4000) is None


def case_whatever_happens_a_closed_box_opens_only_by_the_right_signature(steps):
    """Steps in any order with time passing; the box is open only after the right signature over its challenge."""
    box = closed_box()
    at_ms, shown, challenged, until, failures, quiet_until = 0, False, None, 0, 0, 0
    outcomes = []
    for what, passed_ms in steps:
        at_ms += passed_ms
        waiting = at_ms < quiet_until
        if what == "show":
            outcomes.append(refusal(box.show, certificate(), NOW, at_ms))
            shown = shown or not waiting
        elif what == "challenge":
            outcomes.append(refusal(box.challenge, CHALLENGE, at_ms))
            challenged = challenged if waiting else at_ms
        elif what == "lock":
            box.lock()
            until = 0
        elif what == "request":
            outcomes.append(refusal(box.demand, access.READ, at_ms))
            assert (outcomes[-1] is None) == (at_ms < until)
            until = at_ms + 600000 if at_ms < until else 0
        else:
            signature = SIGNATURE if what == "unlock" else bytes(31) + b"\x01" + bytes(31) + b"\x01"
            outcomes.append(refusal(box.unlock, signature, NOW, at_ms))
            if not waiting and shown:
                fresh = challenged is not None and at_ms < challenged + 60000
                challenged = None
                if fresh and what == "unlock":
                    until, failures = at_ms + 600000, 0
                elif fresh:
                    failures += 1
                    quiet_until = at_ms + min(2**failures, 600) * 1000
        assert (box.session(at_ms) is not None) == (at_ms < until), (what, at_ms)
    return outcomes
