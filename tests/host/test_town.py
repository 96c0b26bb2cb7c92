"""A town's folder: what it holds, who may read it, whom it lets in."""

import os
import ssl
import stat
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alertbox import texts
from alertbox.errors import UserError
from alertbox.receiver import Accounts
from alertbox.receiver.store import database
from alertbox.receiver.store.models import metadata
from alertbox.receiver.store.registry import check_password, hash_password
from alertbox.town import Town
from alertbox.town.authority import Authority
from cryptography import x509
from fake_box import FakeBox


def key_of(error: pytest.ExceptionInfo[UserError]) -> str:
    """Which sentence; that it can be said in both languages is shown on the way."""
    for language in texts.LANGUAGES:
        texts.choose(language)
        assert "{" not in str(error.value)
    texts.choose(None)
    return error.value.key


def certificate(town: Town, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((town.path / name).read_bytes())


def test_only_the_owner_can_read_a_town(town):
    Accounts.open(town)
    assert stat.S_IMODE(town.path.stat().st_mode) == 0o700
    for file in town.path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_folder_with_anything_in_it_is_not_overwritten(town):
    before = (town.path / "ca.key").read_bytes()
    with pytest.raises(UserError) as error:
        Town.create(town.path)
    assert key_of(error) == "town-exists"
    assert (town.path / "ca.key").read_bytes() == before


def test_certificates_are_dated_a_day_back_and_the_ca_lives_long(town):
    now = datetime.now(UTC)
    ca, server = certificate(town, "ca.pem"), certificate(town, "server.pem")
    for one in (ca, server):
        assert timedelta(hours=23) < now - one.not_valid_before_utc < timedelta(hours=25)
    assert ca.not_valid_after_utc - now > timedelta(days=3650)
    assert timedelta(days=700) < server.not_valid_after_utc - now < timedelta(days=800)


def test_the_server_certificate_carries_the_names_and_the_loopback(tmp_path):
    town = Town.create(tmp_path / "town", ["alerts.example.org", "192.0.2.7"])
    names = certificate(town, "server.pem").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["alerts.example.org", "localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7", "127.0.0.1", "::1"]


def test_a_certificate_that_soon_expires_is_renewed_under_the_same_authority(town):
    authority = Authority.load((town.path / "ca.key").read_bytes(), (town.path / "ca.pem").read_bytes())
    key, old = authority.issue(["localhost"], life=timedelta(days=30))
    (town.path / "server.key").write_bytes(key)
    (town.path / "server.pem").write_bytes(old)
    again = Town.open(town.path)
    renewed = certificate(again, "server.pem")
    assert renewed.not_valid_after_utc - datetime.now(UTC) > timedelta(days=700)
    renewed.verify_directly_issued_by(certificate(town, "ca.pem"))


def test_enrolment_gives_the_account_of_the_box(town):
    box = FakeBox()
    enrolment = Accounts.open(town).enrol(box.public, "Boulangerie", "192.0.2.7", 8883)
    assert enrolment["version"] == 2
    assert (enrolment["host"], enrolment["port"], enrolment["server_name"]) == ("192.0.2.7", 8883, "localhost")
    assert enrolment["user"] == box.id
    assert len(bytes.fromhex(enrolment["secret"])) == 32
    assert bytes.fromhex(enrolment["ca"]) == ssl.PEM_cert_to_DER_cert((town.path / "ca.pem").read_text())


def test_the_database_keeps_no_password(town):
    password = Accounts.open(town).enrol(FakeBox().public, "Boulangerie", "localhost", 8883)["password"]
    assert all(password.encode() not in file.read_bytes() for file in town.path.iterdir())


def test_a_password_is_checked_against_its_hash():
    hashed = hash_password("right")
    assert hashed.startswith("$7$101$")
    assert check_password("right", hashed)
    assert not check_password("wrong", hashed)


def test_another_key_under_the_same_name_revokes_the_old_one(town):
    old, new = FakeBox(), FakeBox()
    Accounts.open(town).enrol(old.public, "Boulangerie", "localhost", 8883)
    Accounts.open(town).enrol(new.public, "Boulangerie", "localhost", 8883)
    assert {one.id: one.revoked_at is not None for one in Accounts.open(town).boxes()} == {old.id: True, new.id: False}
    with pytest.raises(UserError) as error:
        Accounts.open(town).enrol(old.public, "Boulangerie", "localhost", 8883)
    assert key_of(error) == "key-revoked"


def test_the_same_key_again_gets_new_secrets(town):
    box = FakeBox()
    first, second = (Accounts.open(town).enrol(box.public, name, "h", 1) for name in ("A", "B"))
    assert first["password"] != second["password"]
    assert first["secret"] != second["secret"]
    assert [(one.name, one.revoked_at) for one in Accounts.open(town).boxes()] == [("B", None)]


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        (lambda town: Town.open(town.path.parent), "not-a-town"),
        (lambda town: Town.create(town.path.parent / "x", ["not a name"]), "bad-name"),
        (lambda town: Town.create("/proc/town"), "cannot-write"),
        (lambda town: Accounts.open(town).enrol(b"\4" + b"\1" * 64, "A", "h", 1), "bad-public-key"),
        (lambda town: Accounts.open(town).enrol(b"", "A", "h", 1), "bad-public-key"),
        (lambda town: Accounts.open(town).enrol(FakeBox().public, "", "h", 1), "bad-box-name"),
        (lambda town: Accounts.open(town).enrol(FakeBox().public, "A\n", "h", 1), "bad-box-name"),
        (lambda town: Accounts.open(town).enrol(FakeBox().public, "A", "h", 0), "bad-port"),
        (lambda town: Accounts.open(town).enrol(FakeBox().public, "A", "no host", 1), "bad-name"),
        (lambda town: Accounts.open(town).revoke("A"), "no-such-box"),
    ],
)
def test_a_mistake_is_a_sentence(town, mistake, expected):
    with pytest.raises(UserError) as error:
        mistake(town)
    assert key_of(error) == expected


@pytest.mark.parametrize(
    ("file", "expected"),
    [("town.json", "town-damaged"), ("server.pem", "town-damaged"), ("receiver.db", "database-damaged")],
)
def test_a_damaged_file_is_a_sentence(town, file, expected):
    (town.path / file).write_bytes(os.urandom(5000))
    with pytest.raises(UserError) as error:
        Accounts.open(Town.open(town.path))
    assert key_of(error) == expected


def test_the_migrations_make_the_tables_of_the_models(town):
    Accounts.open(town)
    with database.open_engine(town.database).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_folder_of_an_earlier_version_gets_its_tables_and_its_key(town):
    (town.path / "technicians.key").unlink()
    Accounts.open(town)
    database.migrate(town.database, "0002")
    again = Town.open(town.path)
    assert Accounts.open(again).invite("Boulangerie")
    assert Accounts.open(again).false_alarms.counts() == []
    assert again.technicians_public() == Town.open(town.path).technicians_public()
