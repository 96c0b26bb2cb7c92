"""Technicians: their key stays in its folder, and the town's certificate says what it opens, and until when."""

import json
import stat
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from alertbox import texts
from alertbox.errors import UserError
from alertbox.town import Town
from alertbox.town.technicians import (
    RIGHTS,
    Certificate,
    Technician,
    certificate_from_line,
    certificate_to_line,
    load_key,
    public_bytes,
)
from box.core import access
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from fake_box import FakeBox


def key_of(error: pytest.ExceptionInfo[UserError]) -> str:
    """Which sentence; that it can be said in both languages is shown on the way."""
    for language in texts.LANGUAGES:
        texts.choose(language)
        assert "{" not in str(error.value)
    texts.choose(None)
    return error.value.key


def verify(public: bytes, signature: bytes, data: bytes) -> None:
    """With the library alone; InvalidSignature if it does not hold."""
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


@pytest.fixture
def technician(tmp_path: Path) -> Technician:
    return Technician.create(tmp_path / "me")


@pytest.fixture(autouse=True)
def _no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERTBOX_TECHNICIAN_PASSPHRASE", raising=False)


# ---- the certificate


def test_a_certificate_is_the_cose_message_of_the_contract(town, technician):
    """Read here with the library alone."""
    before = datetime.now(UTC)
    data = town.technician("Zoé Faure", technician.public, 90, ["read", "test", "enrol"])
    message = cbor2.loads(data)
    protected, unprotected, payload, signature = message.value
    assert (message.tag, cbor2.loads(protected), unprotected) == (18, {1: -7}, {})
    verify(
        town.technicians_public(),
        signature,
        cbor2.dumps(["Signature1", protected, b"alertbox/technician/1", payload]),
    )
    body = cbor2.loads(payload)
    assert list(body) == [1, 2, 3, 4, 5]
    assert (body[1], body[2], body[3], body[5]) == (1, "Zoé Faure", technician.public, 1 | 4 | 16)
    assert 0 <= body[4] - int((before + timedelta(days=90)).timestamp()) <= 60


def test_the_largest_certificate_fits_the_boxs_console(town, technician):
    assert len(town.technician("é" * 40, technician.public, 366, list(RIGHTS))) < 300


def test_rights_have_the_bits_of_the_contract():
    assert RIGHTS == {"read": 1, "settings": 2, "test": 4, "restart": 8, "enrol": 16, "develop": 32}


def test_a_certificate_is_read_back_and_only_as_its_towns(town, technician, tmp_path):
    data = town.technician("Zoé", technician.public, 90, ["read", "develop"])
    about = Certificate.read(data, town.technicians_public())
    assert (about.name, about.public, set(about.rights)) == ("Zoé", technician.public, {"read", "develop"})
    with pytest.raises(ValueError, match="not signed by this town"):
        Certificate.read(data, Town.create(tmp_path / "other").technicians_public())


def test_a_changed_certificate_is_not_the_towns(town, technician):
    data = town.technician("Zoé", technician.public, 90, ["read"])
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(ValueError, match="not "):
            Certificate.read(bytes(changed), town.technicians_public())


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", cbor2.dumps(1), cbor2.dumps([]), cbor2.dumps(cbor2.CBORTag(18, 5)), b"\xd2\x84\x43\xa1\x01\x26"],
)
def test_what_is_no_certificate_is_said_to_be_none(data):
    with pytest.raises(ValueError, match="not a technician's certificate"):
        Certificate.read(data)


@pytest.mark.parametrize(
    ("name", "public", "rights", "expected"),
    [
        ("", None, ["read"], "enrolment-technician-bad-name"),
        ("x" * 41, None, ["read"], "enrolment-technician-bad-name"),
        ("a\nb", None, ["read"], "enrolment-technician-bad-name"),
        ("A", b"\4" + b"\1" * 64, ["read"], "enrolment-technician-bad-public"),
        ("A", b"", ["read"], "enrolment-technician-bad-public"),
        ("A", None, ["all"], "enrolment-technician-bad-rights"),
        ("A", None, [], "enrolment-technician-bad-rights"),
    ],
)
def test_what_cannot_be_certified_is_a_sentence(town, technician, name, public, rights, expected):
    with pytest.raises(UserError) as error:
        town.technician(name, technician.public if public is None else public, 90, rights)
    assert key_of(error) == expected


def test_a_certificate_travels_as_one_line_of_text(town, technician):
    data = town.technician("Zoé", technician.public, 90, ["read"])
    line = certificate_to_line(data)
    assert line.isascii()
    assert not any(character.isspace() for character in line)
    assert certificate_from_line(f" {line}\n") == data
    for bad in (line[5:], "ab1." + line[5:], line + "!", "atc1.é", ""):
        with pytest.raises(UserError) as error:
            certificate_from_line(bad)
        assert key_of(error) == "enrolment-technician-bad-certificate"


# ---- the key


def test_the_key_is_its_owners_alone(technician):
    assert stat.S_IMODE(technician.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((technician.path / "technician.key").stat().st_mode) == 0o600


def test_a_signature_is_64_bytes_that_the_public_key_verifies(technician):
    signature = technician.sign(b"alertbox/unlock/1")
    assert len(signature) == 64
    verify(technician.public, signature, b"alertbox/unlock/1")
    with pytest.raises(InvalidSignature):
        verify(technician.public, signature, b"alertbox/unlock/2")


def test_a_technician_opened_again_is_the_same(technician):
    assert Technician.open(technician.path).public == technician.public


def test_a_key_is_not_overwritten(technician):
    with pytest.raises(UserError) as error:
        Technician.create(technician.path)
    assert key_of(error) == "enrolment-technician-exists"
    assert Technician.open(technician.path).public == technician.public


def test_a_passphrase_protects_the_key(tmp_path, monkeypatch):
    made = Technician.create(tmp_path / "me", "Fougasse")
    with pytest.raises(ValueError, match="encrypted"):
        load_key((tmp_path / "me" / "technician.key").read_bytes())
    assert Technician.open(tmp_path / "me", lambda: "Fougasse").public == made.public
    with pytest.raises(UserError) as error:
        Technician.open(tmp_path / "me", lambda: "Pissaladière")
    assert key_of(error) == "enrolment-technician-wrong-passphrase"
    with pytest.raises(UserError) as error:
        Technician.open(tmp_path / "me")
    assert key_of(error) == "enrolment-technician-passphrase"
    monkeypatch.setenv("ALERTBOX_TECHNICIAN_PASSPHRASE", "Fougasse")
    assert Technician.open(tmp_path / "me").public == made.public


def test_a_folder_without_a_usable_key_is_a_sentence(tmp_path, technician):
    with pytest.raises(UserError) as error:
        Technician.open(tmp_path / "nowhere")
    assert key_of(error) == "enrolment-technician-none"
    (technician.path / "technician.key").write_text("nonsense")
    with pytest.raises(UserError) as error:
        Technician.open(technician.path)
    assert key_of(error) == "enrolment-technician-damaged"
    with pytest.raises(UserError) as error:
        Technician.create("/proc/technician")
    assert key_of(error) == "cannot-write"


# ---- both together


def test_an_installed_certificate_is_what_the_box_gets(town, technician):
    data = town.technician("Zoé", technician.public, 90, ["read"])
    technician.install(data)
    again = Technician.open(technician.path)
    assert again.certificate == data
    assert again.name == "Zoé"
    assert timedelta(days=89) < again.expires - datetime.now(UTC) < timedelta(days=91)


def test_a_newer_certificate_replaces_the_old(town, technician):
    for rights in (["read"], ["read", "develop"]):
        technician.install(town.technician("Zoé", technician.public, 90, rights))
    assert technician.about.rights == {"read", "develop"}


def test_a_certificate_of_another_key_or_out_of_date_or_none_is_not_installed(town, technician):
    cases = {
        "enrolment-technician-other-key": town.technician("Zoé", FakeBox().public, 90, ["read"]),
        "enrolment-technician-expired": town.technician("Zoé", technician.public, -1, ["read"]),
        "enrolment-technician-bad-certificate": b"nonsense",
    }
    for expected, data in cases.items():
        with pytest.raises(UserError) as error:
            technician.install(data)
        assert key_of(error) == expected
    with pytest.raises(UserError) as error:
        _ = technician.certificate
    assert key_of(error) == "enrolment-technician-no-certificate"


def test_a_certificate_that_has_expired_since_is_a_sentence_and_damage_too(town, technician):
    file = technician.path / "technician.cert"
    file.write_bytes(town.technician("Zoé", technician.public, -1, ["read"]))
    with pytest.raises(UserError) as error:
        _ = technician.certificate
    assert key_of(error) == "enrolment-technician-expired"
    file.write_bytes(b"nonsense")
    with pytest.raises(UserError) as error:
        _ = technician.name
    assert key_of(error) == "enrolment-technician-damaged"


# ---- the town's side


def test_the_towns_technicians_key_is_its_own_and_stays(town):
    file = town.path / "technicians.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert public_bytes(load_key(file.read_bytes())) == town.technicians_public()
    assert Town.open(town.path).technicians_public() == town.technicians_public()
    assert file.read_bytes() != (town.path / "ca.key").read_bytes()


def test_a_town_without_a_technicians_key_gets_one_and_a_damaged_one_stops_nothing_else(town):
    file = town.path / "technicians.key"
    file.unlink()
    assert len(Town.open(town.path).technicians_public()) == 65
    file.write_bytes(b"nonsense")
    again = Town.open(town.path)
    assert json.loads((again.path / "town.json").read_bytes())
    with pytest.raises(UserError) as error:
        again.technicians_public()
    assert key_of(error) == "town-damaged"
    assert file.read_bytes() == b"nonsense"


def test_a_closed_box_opens_to_an_installed_certificate_and_its_key(town, technician):
    """The box's own code, which shares none with the host's."""
    technician.install(town.technician("Zoé", technician.public, 90, ["read", "settings"]))
    box, challenge, now = bytes(range(8)), bytes(range(32)), int(datetime.now(UTC).timestamp())
    door = access.Access(box, town.technicians_public(), True)
    assert last(door.show(technician.certificate, now, 0)).name == "Zoé"
    door.challenge(challenge, 0)
    assert last(door.unlock(technician.sign(b"alertbox/unlock/1" + box + challenge), now, 0)).rights == 3


def last(generator: Generator[object, None, Any]) -> Any:
    """What it returns; the box does other things between its steps."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value
