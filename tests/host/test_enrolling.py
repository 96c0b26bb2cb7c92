"""Enrolment over the network: an invite works once, for whom it is meant, and with the right receiver."""

import base64
import contextlib
import hashlib
import http.client
import http.server
import json
import socket
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from alertbox import texts
from alertbox.errors import UserError
from alertbox.receiver import Accounts, ReceiverThread
from alertbox.receiver.log import JsonLog
from alertbox.town import Town, authority, invites
from alertbox.town.authority import Authority
from alertbox.town.invites import Enrolled, Invite
from cryptography import x509
from fake_box import FakeBox, Refused

SHOP = "Boulangerie"
SEED = 20264


def key_of(error: pytest.ExceptionInfo[UserError]) -> str:
    """Which sentence; that it can be said in both languages is shown on the way."""
    for language in texts.LANGUAGES:
        texts.choose(language)
        assert "{" not in str(error.value)
    texts.choose(None)
    return error.value.key


def refused(invite: Invite, box: FakeBox, name: str | None = None) -> str:
    with pytest.raises(UserError) as error:
        invite.redeem(box.public.hex(), name)
    assert invite.token not in str(error.value)
    return key_of(error)


def give(box: FakeBox, enrolled: Enrolled) -> None:
    """What the tool does with a real box: its two documents."""
    box.account = enrolled.enrolment | enrolled.receiver
    # Where this machine is reached; the certificate says localhost, too.
    assert enrolled.receiver["server_name"] == "localhost"


def enrol(receiver: ReceiverThread, name: str = SHOP) -> FakeBox:
    box = FakeBox()
    give(box, receiver.invite(name).redeem(box.public.hex()))
    return box


def acknowledged(box: FakeBox, sequence: int = 1) -> bool:
    with box.connected() as connection:
        connection.publish(box.alert(sequence))
        return connection.ack() == sequence


# ---- what an invite is


def test_an_invite_is_one_line_and_is_read_back_whole(town):
    invite = Accounts.open(town).invite("Café « L'Étoile »")
    assert Invite.parse(f"  {invite.line}\n") == invite
    assert invite.line.startswith("ab1.")
    assert invite.line.isascii()
    assert not any(character.isspace() for character in invite.line)
    assert (invite.host, invite.port, len(invite.line) < 400) == ("localhost", 8884, True)


def test_an_invite_holds_what_the_contract_says(town):
    coded = Accounts.open(town).invite().line.removeprefix("ab1.")
    fields = json.loads(base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)))
    assert fields.keys() == {"h", "p", "f", "t", "n"}
    assert fields["f"] == hashlib.sha256(town.ca_der()).hexdigest()[:32]
    assert len(bytes.fromhex(fields["t"])) == 16
    assert (fields["h"], fields["p"], fields["n"]) == ("localhost", 8884, None)


def test_an_invite_shows_its_token_to_nobody_who_prints_it(town):
    invite = Accounts.open(town).invite()
    assert invite.token not in repr(invite)


def line_of(**changed: Any) -> str:
    fields = {"h": "localhost", "p": 8884, "f": "ab" * 16, "t": "cd" * 16, "n": None} | changed
    fields = {key: value for key, value in fields.items() if value != "absent"}
    return "ab1." + base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()


def test_the_line_that_the_bad_ones_are_made_of_is_good():
    assert Invite.parse(line_of()).host == "localhost"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ab1.",
        "ab1.é",
        "ab2" + line_of()[3:],
        line_of()[:-8],
        line_of()[4:],
        line_of(n="x" * 3000),
        "ab1." + base64.urlsafe_b64encode(b"[" * 900).decode(),
        "ab1." + base64.urlsafe_b64encode(b"[]").decode(),
        line_of(x=1),
        line_of(p="absent"),
        line_of(p=0),
        line_of(p=True),
        line_of(p="8884"),
        line_of(h=""),
        line_of(h="a b"),
        line_of(h="a\r\nb"),
        line_of(h=None),
        line_of(f="ab" * 15),
        line_of(f="zz" * 16),
        line_of(t=5),
        line_of(t="CD" * 16),
        line_of(n=7),
        line_of(n="a\nb"),
    ],
)
def test_what_is_no_invite_is_a_sentence(line):
    with pytest.raises(UserError) as error:
        Invite.parse(line)
    assert key_of(error) == "enrolment-bad-invite"


def test_an_invite_names_a_host_that_the_certificate_has(tmp_path):
    town = Town.create(tmp_path / "town", ["alerts.example.org"])
    assert Accounts.open(town).invite().host == "alerts.example.org"
    assert Accounts.open(town).invite(host="127.0.0.1").host == "127.0.0.1"
    with pytest.raises(UserError) as error:
        Accounts.open(town).invite(host="other.example.org")
    assert key_of(error) == "enrolment-host-not-named"


# ---- enrolment


def test_an_invited_box_is_enrolled_and_its_alert_acknowledged(receiver):
    box = FakeBox()
    enrolled = receiver.invite(SHOP).redeem(box.public.hex())
    assert enrolled.fingerprint == box.id
    assert enrolled.receiver == {"host": "127.0.0.1", "port": receiver.port, "server_name": "localhost"}
    give(box, enrolled)
    assert acknowledged(box)
    assert [alert.name for alert in receiver.alerts()] == [SHOP]


def test_the_enrolment_is_the_document_of_the_contract(receiver):
    document = receiver.invite(SHOP).redeem(FakeBox().public.hex()).enrolment
    assert document.keys() == {"version", "issued", "user", "password", "secret", "ca", "town"}
    assert document["version"] == 2
    assert abs(document["issued"] - datetime.now(UTC).timestamp()) < 60
    assert len(bytes.fromhex(document["secret"])) == 32
    ca = x509.load_der_x509_certificate(bytes.fromhex(document["ca"]))
    assert ca == x509.load_pem_x509_certificate((receiver.town.path / "ca.pem").read_bytes())
    assert bytes.fromhex(document["town"]) == receiver.town.technicians_public()


def test_the_town_gives_the_same_document_without_the_network(town):
    box = FakeBox()
    document = Accounts.open(town).enrolment(box.public, SHOP)
    assert document.keys() == {"version", "issued", "user", "password", "secret", "ca", "town"}
    assert (document["user"], document["ca"]) == (box.id, town.ca_der().hex())


def test_an_invite_without_a_name_takes_the_technicians(receiver):
    receiver.invite().redeem(FakeBox().public.hex(), "Pharmacie")
    assert [box.name for box in receiver.accounts.boxes()] == ["Pharmacie"]


def test_what_is_printed_of_an_enrolment_holds_no_secret(receiver):
    enrolled = receiver.invite(SHOP).redeem(FakeBox().public.hex())
    assert enrolled.enrolment["password"] not in repr(enrolled)
    assert enrolled.enrolment["secret"] not in repr(enrolled)


def test_an_invite_works_once(receiver):
    invite = receiver.invite(SHOP)
    first = FakeBox()
    invite.redeem(first.public.hex())
    assert refused(invite, FakeBox()) == "enrolment-token-used"
    assert refused(invite, first) == "enrolment-token-used", "who knows a public key would get its secrets"
    assert [box.id for box in receiver.accounts.boxes()] == [first.id]


def test_of_many_who_come_with_one_invite_at_once_one_gets_in(receiver):
    invite = receiver.invite(SHOP)
    outcomes: list[str] = []

    def come() -> None:
        try:
            outcomes.append(invite.redeem(FakeBox().public.hex()).fingerprint)
        except UserError as error:
            outcomes.append(error.key)

    comers = [threading.Thread(target=come) for _ in range(8)]
    for comer in comers:
        comer.start()
    for comer in comers:
        comer.join(30)
    assert outcomes.count("enrolment-token-used") == 7
    assert [box.id for box in receiver.accounts.boxes()] == [one for one in outcomes if one != "enrolment-token-used"]


def test_an_invite_that_nobody_made_or_that_has_expired_is_refused(receiver):
    made_up = Invite.make("127.0.0.1", receiver.enrol_port, receiver.town.ca_der(), bytes(16), SHOP)
    assert refused(made_up, FakeBox()) == "enrolment-token-unknown"
    assert refused(receiver.invite(SHOP, hours=0), FakeBox()) == "enrolment-token-expired"
    assert receiver.accounts.boxes() == []
    assert receiver.counters()["refused"] == {"enrolment": 2}


def test_an_invite_for_one_shop_enrols_no_other(receiver):
    invite = receiver.invite(SHOP)
    assert refused(invite, FakeBox(), "Pharmacie") == "enrolment-other-shop"
    assert receiver.accounts.boxes() == []


def test_a_refused_enrolment_does_not_use_up_the_invite(receiver):
    old = enrol(receiver)
    receiver.accounts.revoke(SHOP)
    invite = receiver.invite()
    assert refused(invite, old, SHOP) == "key-revoked"
    assert refused(invite, FakeBox(), " ") == "bad-box-name"
    assert refused(invite, FakeBox()) == "bad-box-name"
    with pytest.raises(UserError) as error:
        invite.redeem("04" + "01" * 64, SHOP)
    assert key_of(error) == "bad-public-key"
    with pytest.raises(UserError) as error:
        invite.redeem("zz", SHOP)
    assert key_of(error) == "bad-public-key"
    assert invite.redeem(FakeBox().public.hex(), SHOP)


def test_a_damaged_town_does_not_use_up_the_invite(receiver):
    invite = receiver.invite(SHOP)
    key = receiver.town.path / "technicians.key"
    good = key.read_bytes()
    key.write_bytes(b"nonsense")
    assert refused(invite, FakeBox()) == "enrolment-receiver-trouble"
    key.write_bytes(good)
    assert invite.redeem(FakeBox().public.hex())


def test_enrolling_a_name_anew_revokes_the_old_box_and_ends_its_connection(receiver):
    old = enrol(receiver)
    with old.connected() as connection:
        connection.publish(old.alert(1))
        assert connection.ack() == 1
        new = enrol(receiver)
        assert connection.ended.wait(10), "the revoked box stayed connected"
    with pytest.raises(Refused), old.connected():
        pass
    assert acknowledged(new)
    assert {box.id: box.revoked_at is not None for box in receiver.accounts.boxes()} == {old.id: True, new.id: False}


def test_the_same_box_enrolled_anew_gets_acknowledgements_under_its_new_secret(receiver):
    box = enrol(receiver)
    assert acknowledged(box, 1)
    give(box, receiver.invite(SHOP).redeem(box.public.hex()))
    assert acknowledged(box, 2)
    assert [one.revoked_at for one in receiver.accounts.boxes()] == [None]


# ---- secrets


def test_tokens_and_secrets_are_in_no_file_and_no_log(town):
    stream = StringIO()
    box = FakeBox()
    with ReceiverThread(town, log=JsonLog(stream)) as receiver:
        invite = receiver.invite(SHOP)
        document = invite.redeem(box.public.hex()).enrolment
        refused(invite, FakeBox())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["box"] for line in lines if line["event"] == "enrolled"] == [box.id]
    secrets = [invite.token, document["password"], document["secret"], SHOP]
    assert [secret for secret in secrets if secret in stream.getvalue()] == []
    kept = b"".join(file.read_bytes() for file in town.path.iterdir())
    forms = [invite.token.encode(), bytes.fromhex(invite.token), invite.token.encode().upper()]
    assert [form for form in [*forms, document["password"].encode()] if form in kept] == []


def test_old_invites_are_forgotten(town):
    Accounts.open(town).invite(SHOP, hours=-24 * 91)
    Accounts.open(town).invite("Pharmacie")
    with contextlib.closing(sqlite3.connect(town.database)) as database:
        assert database.execute("SELECT name FROM invites").fetchall() == [("Pharmacie",)]


# ---- whom the laptop trusts


@contextmanager
def stranger(context: ssl.SSLContext, answers: dict[str, tuple[int, bytes]]) -> Iterator[tuple[int, list[bytes]]]:
    """An HTTPS server that gives what it is told to, by path: its port, and what was posted to it."""
    heard: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (0, b""))
            if status:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port, heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def to(port: int, town: Town) -> Invite:
    return Invite.make("127.0.0.1", port, town.ca_der(), bytes(16), SHOP)


def test_nothing_is_sent_to_another_authority(town, tmp_path):
    other = Town.create(tmp_path / "other")
    with stranger(other.server_context(), {"/ca": (200, other.ca_der())}) as (port, heard):
        assert refused(to(port, town), FakeBox()) == "enrolment-wrong-authority"
    assert heard == []


def test_nothing_is_sent_to_somebody_who_only_repeats_the_right_authority(town, tmp_path):
    other = Town.create(tmp_path / "other")
    with stranger(other.server_context(), {"/ca": (200, town.ca_der())}) as (port, heard):
        assert refused(to(port, town), FakeBox()) == "enrolment-not-trusted"
    assert heard == []


def test_nothing_is_sent_to_another_name_of_the_same_authority(town, tmp_path, monkeypatch):
    monkeypatch.setattr(authority, "ALWAYS", ())
    ca = Authority.load((town.path / "ca.key").read_bytes(), (town.path / "ca.pem").read_bytes())
    key, certificate = ca.issue(["alerts.example.org"])
    (tmp_path / "key").write_bytes(key)
    (tmp_path / "certificate").write_bytes(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with stranger(context, {"/ca": (200, town.ca_der())}) as (port, heard):
        assert refused(to(port, town), FakeBox()) == "enrolment-not-trusted"
    assert heard == []


@pytest.mark.parametrize(
    ("ca", "answer", "expected"),
    [
        (404, (200, b""), "enrolment-not-a-receiver"),
        (0, (200, b""), "enrolment-not-a-receiver"),
        (200, (0, b""), "enrolment-answer-lost"),
        (200, (200, b"nonsense"), "enrolment-not-a-receiver"),
        (200, (200, b"[]"), "enrolment-not-a-receiver"),
        (200, (200, b'{"enrolment": {}, "receiver": {}, "fingerprint": "00"}'), "enrolment-not-a-receiver"),
        (200, (500, b"oops"), "enrolment-receiver-trouble"),
        (200, (403, b'{"error": "cannot-write", "path": "/"}'), "enrolment-receiver-trouble"),
        (200, (403, b'{"error": ["x"]}'), "enrolment-receiver-trouble"),
        (200, (403, b"[" * 5000), "enrolment-receiver-trouble"),
        (200, (403, b'{"error": "key-revoked"}'), "enrolment-receiver-trouble"),
        (200, (429, b'{"error": "enrolment-too-many", "seconds": 60}'), "enrolment-too-many"),
    ],
)
def test_whatever_answers_ends_in_a_sentence(town, ca, answer, expected):
    answers = {"/ca": (ca, town.ca_der()), "/enrol": answer}
    with stranger(town.server_context(), answers) as (port, _):
        assert refused(to(port, town), FakeBox()) == expected


def test_nobody_there_is_a_sentence(town):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert refused(to(closed.getsockname()[1], town), FakeBox()) == "enrolment-unreachable"


def test_a_server_that_speaks_no_tls_or_never_answers_is_a_sentence(town, monkeypatch):
    monkeypatch.setattr(invites, "_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert refused(to(silent.getsockname()[1], town), FakeBox()) == "enrolment-unreachable"
