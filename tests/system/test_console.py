"""The technician's console on the whole firmware: what it does to a box, and what it must never do to one.

The clock is stepped, so an answer that takes the box time is asked for while time is made to pass (`answer`). The
serial line keeps its real pace: it belongs to the host.
"""

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest
from alertbox.box.session import BoxConsole, BoxRefused
from alertbox.contract import formats
from alertbox.contract.console_rpc import METHODS
from alertbox.errors import UserError
from alertbox.receiver import Accounts, ReceiverThread
from alertbox.receiver.store.records import StoredAlert
from alertbox.sim import VirtualBox
from alertbox.town import Town
from alertbox.town.technicians import RIGHTS, Technician
from board_program import Holder
from gestures import edges
from stepping import advance_until

pytestmark = pytest.mark.needs(
    "edges",
    "serial",
    "wifi",
    "advance",
    "begin_edges",
    "plug",
    "power_cut_at_flash_operation",
    "power_on",
    "set_networks",
    "unplug",
)

MINUTE_MS = 60_000
SERVICE = [right for right in RIGHTS if right != "develop"]
CONTACT: dict[str, Any] = {"name": "Marie Durand", "number": "+33612345678", "rank": 1}
SHOP = {"name": "Tabac de la Gare", "address": "12 rue de la Gare"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town.create(tmp_path_factory.mktemp("console") / "town")


@pytest.fixture(scope="module")
def receiver(town: Town) -> Iterator[ReceiverThread]:
    with ReceiverThread(town) as running:
        yield running


@pytest.fixture
def box(make_box: Callable[..., VirtualBox], receiver: ReceiverThread) -> VirtualBox:
    """In service: its link up, Ctrl-C off."""
    box = make_box(receiver, clock="stepped")
    advance_until(box, lambda: any(line.text.startswith("connected") for line in box.log))
    box.advance(2000)
    return box


@pytest.fixture
def console(box: VirtualBox) -> Iterator[BoxConsole]:
    with BoxConsole(box.serial) as console:
        yield console


@dataclass
class Closed:
    """A locked box of the town, with a shop's settings on it, and a technician of the town."""

    box: VirtualBox
    console: BoxConsole
    ada: Technician


def technician(folder: Path, town: Town, name: str, rights: list[str] = SERVICE) -> Technician:
    person = Technician.create(folder / name)
    person.install(town.technician(name, person.public, 30, rights))
    return person


@pytest.fixture(scope="module")
def one_closed(receiver: ReceiverThread, town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    folder = tmp_path_factory.mktemp("closed")
    with VirtualBox(receiver, clock="stepped", folder=folder / "box", name="Closed") as box:
        advance_until(box, lambda: any(line.text.startswith("connected") for line in box.log))
        with BoxConsole(box.serial) as console:
            console.call("set", "shop", SHOP)
            console.call("set", "contacts.0", CONTACT)
            yield Closed(box, console, technician(folder, town, "Ada"))


@pytest.fixture
def closed(one_closed: Closed) -> Closed:
    """The same box for several tests: locked, nobody's session, no guess counted."""
    wait_out(one_closed.box, one_closed.console)
    one_closed.console.call("lock")
    one_closed.console.unlock(one_closed.ada)
    one_closed.console.call("lock")
    return one_closed


# ---- what tests do ----


def store(console: BoxConsole, name: str, document: object) -> Any:
    data = json.dumps(document).encode()
    console.put(name, data)
    return console.commit(name, data)


def answer(box: VirtualBox, console: BoxConsole, method: str, *params: object, step_ms: int = 100) -> Any:
    """What a method answers that takes the box time. Some steps go by before it has the request."""
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(console.call, method, *params)
        while not result.done():
            box.advance(step_ms)
        return result.result()


def restart(box: VirtualBox, console: BoxConsole) -> None:
    mark = len(box.log)
    console.call("restart")
    box.advance(1000)
    box.wait_log("app", "armed", since=mark)
    console.wait_restart()


def press(box: VirtualBox, receiver: ReceiverThread, *durations_ms: int) -> StoredAlert:
    """Press, and return the alert that the receiver stored."""
    mark = len(box.log)
    box.edges("button", edges(*(durations_ms or (120,))))
    if box.clock == "stepped":
        box.advance(700)
    sequence = int(box.wait_log("issuer", "journalled", since=mark).fields["seq"])
    if box.clock == "stepped":
        advance_until(box, lambda: any(line.text.startswith(f"sending seq={sequence} ") for line in box.log[mark:]))
    return alert_of(box, receiver, sequence)


def alert_of(box: VirtualBox, receiver: ReceiverThread, sequence: int) -> StoredAlert:
    own = formats.box_id(public_key(box)).hex()
    return receiver.wait_for(lambda alert: alert.box == own and alert.sequence == sequence)


def public_key(box: VirtualBox) -> bytes:
    assert box.public_key is not None
    return box.public_key


def refused(code: str, deed: Callable[..., object], *arguments: object) -> BoxRefused:
    with pytest.raises(BoxRefused) as found:
        deed(*arguments)
    assert found.value.code == code, found.value.message
    return found.value


# ---- the box stays armed ----


def test_presses_during_a_transfer_are_classified_and_received(make_box, receiver):
    """On real clocks: the line's pace decides how much of a gesture a transfer covers."""
    box = make_box(receiver)
    box.wait_log("mqtt", "connected")
    document = json.dumps({"version": 2, "shop": SHOP}).encode().ljust(4000)
    enough, pieces = Event(), [0]

    def transfer() -> None:
        with BoxConsole(box.serial) as console:
            while not enough.is_set():
                console.put("settings", document, lambda *_: pieces.__setitem__(0, pieces[0] + 1))
                console.commit("settings", document)

    with ThreadPoolExecutor(1) as pool:
        transfers = pool.submit(transfer)
        try:
            for durations_ms, kind in (((120,), "inform"), ((120, 100, 120), "help"), ((1700,), "alarm")):
                before = pieces[0]
                assert press(box, receiver, *durations_ms).kind_name == kind
                assert pieces[0] > before + 2
        finally:
            enough.set()
        transfers.result()
    assert box.serial_dropped == 0
    with BoxConsole(box.serial) as console:
        assert console.call("get", "shop.name")["value"] == SHOP["name"]


def frame(text: bytes) -> bytes:
    return b"\x1e" + text + b"\n"


# What comes over the line, and the number of the error that must come back, if any.
NONSENSE = {
    "bad JSON": (frame(b'{"jsonrpc": "2.0", "id": 1, "method": "set", "params": ["shop.name", "X"'), -32700),
    "no request": (frame(b'["set", "shop.name", "X"]'), -32600),
    "an unknown method": (frame(b'{"jsonrpc":"2.0","id":1,"method":"eval","params":["1"]}'), -32601),
    "wrong parameters": (frame(b'{"jsonrpc":"2.0","id":1,"method":"set","params":["shop.name"]}'), -32602),
    "an overlong line": (
        frame(b'{"jsonrpc":"2.0","id":1,"method":"set","params":["shop.name","%s"]}' % (b"x" * 200)),
        -32600,
    ),
    "an endless line": (b"\x1e" + b"x" * 3000, None),
    "nesting": (frame(b"[" * 190), -32700),
    "binary garbage": (Random(4).randbytes(4000), None),
    "text without a frame": (b'{"jsonrpc":"2.0","id":1,"method":"restart"}\n' * 5, None),
    "Ctrl-C, Ctrl-D, Ctrl-A": (b"\x03\x03\x04\x01\x02" * 20, None),
    "half a line": (b'\x1e{"jsonrpc":"2.0","id":1,"method":"set","params":["shop.na', None),
}


def test_nonsense_leaves_the_box_armed_and_its_console_answering(box: VirtualBox, receiver: ReceiverThread):
    with BoxConsole(box.serial) as console:
        console.call("set", "shop", SHOP)
        before = console.read("settings")
    for name, (sent, error) in NONSENSE.items():
        mark = len(box.log)
        with Holder(box.serial) as holder:
            holder.write(sent)
            if error is not None:
                reply = json.loads(holder.read_until(b"\n").rpartition(b"\x1e")[2])
                assert reply["error"]["code"] == error, name
        assert press(box, receiver).kind_name == "inform", name
        box.advance(MINUTE_MS)  # silence
        with Holder(box.serial) as holder:  # the first line that is whole again is understood
            holder.write(frame(b'{"jsonrpc":"2.0","id":77,"method":"identity"}'))
            holder.read_until(b'"id":77')
        with BoxConsole(box.serial) as console:
            assert console.read("settings") == before, name
        assert not [line for line in box.log[mark:] if line.level == "ERROR"], name
    assert box.serial_dropped == 0
    assert not [line for line in box.log if "start " in line.text and line.fields.get("reset") not in ("1", None)]


def test_a_cable_that_vanishes_in_the_middle_of_a_put_leaves_the_former_settings(box, receiver):
    data = json.dumps({"version": 2, "shop": SHOP}).encode().ljust(2000)

    def pull(sent: int, whole: int) -> None:
        if sent > 900:
            box.unplug()

    with BoxConsole(box.serial) as console:
        before = console.read("settings")
        with pytest.raises(UserError) as cut:
            console.put("settings", data, pull)
    assert cut.value.key == "console-cable"
    assert press(box, receiver).kind_name == "inform"
    box.plug()
    with BoxConsole(box.serial) as console:
        assert console.read("settings") == before
        refused("checksum", console.commit, "settings", data)  # what is there of it is no document
        assert console.read("settings") == before
        assert store(console, "settings", {"version": 2, "shop": SHOP})["changes"] > 0


def named(name: str) -> bytes:
    """Settings of a shop of this name, long enough for a file with blocks of its own in littlefs."""
    templates = dict.fromkeys(("inform", "help", "alarm"), "x" * 160)
    return json.dumps({"version": 2, "shop": {"name": name}, "templates": templates}).encode()


def cut_while_committing(box: VirtualBox, operation: int) -> bool:
    """Commit new settings, the power going at this flash operation; False if it takes fewer."""
    with BoxConsole(box.serial) as console, ThreadPoolExecutor(1) as pool:
        console.put("settings", named("new"))
        mark = len(box.log)
        box.power_cut_at_flash_operation(operation, seed=operation)
        committed = pool.submit(console.commit, "settings", named("new"))
        box.wait_for(lambda: not box.is_on or any(line.text.startswith("settings stored") for line in box.log[mark:]))
        if box.is_on:
            committed.result()
            return False
        box.unplug()  # nobody waits for the answer
        with pytest.raises(UserError):
            committed.result()
        box.plug()
        return True


def test_power_that_goes_during_a_commit_leaves_the_old_settings_or_the_new(make_box):
    """A sample on the whole box; test_settings_power_cuts.py has every operation."""
    box = make_box(clock="stepped")
    found: list[str] = []
    holds = ["older", "old"]  # so that both slots are used
    while True:
        with BoxConsole(box.serial) as console:
            for name in holds:
                console.put("settings", named(name))
                console.commit("settings", named(name))
        if not cut_while_committing(box, 1 + 3 * len(found)):
            break
        box.power_on()
        with BoxConsole(box.serial) as console:
            found.append(console.call("get", "shop.name")["value"])
            assert console.call("status")["fault"] == "It is not enrolled: provision this box."
        holds = [] if found[-1] == "old" else ["old"]
    assert set(found) <= {"old", "new"}
    assert found.count("old") >= 2


# ---- lock and unlock ----


def test_what_a_locked_box_answers_to_anybody(closed: Closed, receiver: ReceiverThread):
    box, console = closed.box, closed.console
    own = ("challenge", "identity", "status", "lock")
    refused("no-challenge", console.call, "unlock", "00" * 64)
    told = json.dumps([console.call(method) for method in own]) + json.dumps(console.identity)
    for personal in (*SHOP.values(), CONTACT["name"], CONTACT["number"]):
        assert str(personal) not in told
    assert console.call("status")["locked"] is True
    needs: dict[str, list[object]] = {
        "get": ["shop.name"],
        "set": ["shop.name", "X"],
        "default": ["shop.name"],
        "read": ["settings", 0],
        "put": ["settings", 0, "e30=", zlib.crc32(b"{}")],
        "commit": ["enrolment", 0],
        "delivery": [1],
        "commission": [True],
        "develop": [True],
        "wifi_test": ["shop", "shop-key"],
        "learn": ["Comptoir", None, "", 0],
        "bip_rename": [1, "Comptoir"],
        "bip_remove": [1],
        "bip_repair": [1, ""],
        "survey": [True],
    }
    for method in METHODS.keys() - {*own, "unlock", "factory_reset"}:
        refused("locked", console.call, method, *needs.get(method, []))
    refused("button", console.call, "factory_reset")
    assert press(box, receiver).kind_name == "inform"


def test_a_technician_of_the_town_opens_a_locked_box(closed: Closed):
    console = closed.console
    console.unlock(closed.ada)
    assert console.call("status")["unlocked"] == "Ada"
    assert console.call("get", "contacts.0.number")["value"] == CONTACT["number"]
    refused("locked", console.call, "develop", True)
    console.call("lock")
    refused("locked", console.call, "get", "shop.name")


def test_rights_that_a_certificate_lacks_are_refused(closed: Closed, town: Town, tmp_path: Path):
    console = closed.console
    console.unlock(technician(tmp_path, town, "Tester", ["test"]))
    assert console.call("commission", False) == {"until": None}
    for method, params in (("get", ["shop.name"]), ("set", ["shop.name", "X"]), ("restart", [])):
        refused("locked", console.call, method, *params)


@dataclass
class Forger:
    """Shows a certificate and signs as it likes."""

    certificate: bytes
    sign: Callable[[bytes], bytes] = lambda data: bytes(64)  # noqa: E731


def test_wrong_certificates_and_signatures_open_nothing(closed: Closed, town: Town, tmp_path: Path):
    box, console, person = closed.box, closed.console, closed.ada
    other = Town.create(tmp_path / "other")
    good = person.certificate
    expired = town.technician("Old", person.public, -1, SERVICE)
    more = bytearray(good)
    more[good.index(b"Ada")] ^= 1
    tries = {
        "another town's": (technician(tmp_path, other, "Eve"), "certificate"),
        "expired": (Forger(expired, person.sign), "expired"),
        "altered": (Forger(bytes(more), person.sign), "certificate"),
        "cut": (Forger(good[:-1], person.sign), "certificate"),
        "garbage": (Forger(Random(4).randbytes(200)), "certificate"),
        "no signature": (Forger(good), "signature"),
        "another box's": (Forger(good, lambda data: person.sign(data[:17] + bytes(8) + data[25:])), "signature"),
        "altered signature": (
            Forger(good, lambda data: bytes([person.sign(data)[0] ^ 1]) + person.sign(data)[1:]),
            "signature",
        ),
    }
    for name, (who, code) in tries.items():
        refusal = refused(code, console.unlock, who)
        assert console.call("status")["unlocked"] is None, name
        refused("locked", console.call, "get", "shop.name")
        assert refusal.data["code"] == code
        wait_out(box, console)
    console.unlock(person)
    assert console.call("get", "shop.name")["value"] == SHOP["name"]


def wait_out(box: VirtualBox, console: BoxConsole) -> None:
    """Until the box takes another try."""
    try:
        console.call("challenge")
    except BoxRefused as refusal:
        box.advance(refusal.data["s"] * 1000)


def signed(console: BoxConsole, person: Technician, challenge: str) -> str:
    return person.sign(b"alertbox/unlock/1" + bytes.fromhex(console.box + challenge)).hex()


def test_a_challenge_counts_once_and_for_a_minute(closed: Closed):
    box, console, person = closed.box, closed.console, closed.ada
    console.unlock(person)
    console.call("lock")
    challenge = console.call("challenge")["challenge"]
    proof = signed(console, person, challenge)
    console.call("unlock", proof)
    console.call("lock")
    refused("no-challenge", console.call, "unlock", proof)
    late = signed(console, person, console.call("challenge")["challenge"])
    box.advance(MINUTE_MS)
    refused("no-challenge", console.call, "unlock", late)
    first = signed(console, person, console.call("challenge")["challenge"])
    console.call("challenge")
    refused("signature", console.call, "unlock", first)
    assert console.call("status")["unlocked"] is None


def test_guesses_are_slowed_down_and_a_press_is_not(closed: Closed, receiver: ReceiverThread):
    box, console, person = closed.box, closed.console, closed.ada
    console.put("certificate", person.certificate)
    console.commit("certificate", person.certificate)
    for wait_s in (2, 4, 8):
        console.call("challenge")
        refused("signature", console.call, "unlock", "11" * 64)
        assert refused("wait", console.call, "challenge").data["s"] == wait_s
        refused("wait", console.call, "unlock", "11" * 64)
        refused("wait", console.unlock, person)
        box.advance(wait_s * 1000 - 100)
        refused("wait", console.call, "challenge")
        box.advance(100)
    assert press(box, receiver).kind_name == "inform"
    console.unlock(person)
    assert console.call("status")["unlocked"] == "Ada"


def test_a_session_ends_after_ten_minutes_without_a_request(closed: Closed):
    box, console = closed.box, closed.console
    console.unlock(closed.ada)
    box.advance(10 * MINUTE_MS)
    assert console.call("status")["unlocked"] is None
    refused("locked", console.call, "get", "shop.name")


def test_a_locked_box_is_locked_after_a_restart_and_so_is_an_opened_one(closed: Closed):
    box, console = closed.box, closed.console
    console.unlock(closed.ada)
    restart(box, console)
    status = console.call("status")
    assert (status["locked"], status["unlocked"]) == (True, None)
    refused("locked", console.call, "get", "shop.name")


def test_a_box_without_a_town_s_key_cannot_be_locked(make_box):
    box = make_box(clock="stepped")
    with BoxConsole(box.serial) as console:
        refused("no-town", console.call, "lock")
        assert console.call("status")["locked"] is False


# ---- secrets ----

SECRETS: dict[str, Any] = {
    "version": 2,
    "shop": SHOP,
    "contacts": [CONTACT],
    "wifi": [{"ssid": "shop", "key": "shop-key"}, {"ssid": "Voisin", "key": "clef-du-voisin"}],
    "lte": {"apn": "orange", "user": "u", "password": "mot-de-passe", "pin": "7391"},
    "bips": [{"id": 1, "mac": "a4c138000001", "key": "00112233445566778899aabbccddeeff", "name": "Comptoir"}],
}


def test_secrets_come_neither_in_the_log_nor_in_an_answer(make_box, receiver: ReceiverThread, town: Town):
    box = make_box(receiver, enrol=False, clock="stepped")
    with BoxConsole(box.serial) as console:
        enrolment = Accounts.open(town).enrolment(bytes.fromhex(console.identity["public"]), "Secrets")
        where = {"host": "localhost", "port": receiver.port, "server_name": "localhost"}
        store(console, "settings", {**SECRETS, "receiver": where})
        store(console, "enrolment", enrolment)
        restart(box, console)
        advance_until(box, lambda: console.call("status")["link"])
        console.call("set", "wifi.1.key", "clef-du-voisin")
        console.call("set", "contacts.0", CONTACT)
        # What goes wrong tells of the place, not of what stood there.
        for path, value in (
            ("wifi.1.key", "clef du voisiné"),
            ("contacts.0.number", CONTACT["number"] + "x"),
            ("lte.pin", "7391x"),
            ("bips.0.key", "00112233445566778899aabbccddeef"),
        ):
            refused("setting", console.call, "set", path, value)
        torn = json.dumps(SECRETS).replace('"clef-du-voisin"', '"clef-du-voisin').encode()
        console.put("settings", torn)
        refused("setting", console.commit, "settings", torn)
        store(console, "settings", json.loads(console.read("settings")))  # with its nulls
        everything = [console.call("get", part)["value"] for part in ("wifi", "lte", "bips", "contacts")]
        everything += [json.loads(console.read("settings")), console.call("log"), console.call("events")]
        press(box, receiver)
    kept = [
        *(network["key"] for network in SECRETS["wifi"]),
        *list(SECRETS["lte"].values())[2:],
        SECRETS["bips"][0]["key"],
    ]
    kept += [enrolment["password"], enrolment["secret"]]
    said = "\n".join(box.console_lines)
    replies = [json.loads(line.partition("\x1e")[2]) for line in box.console_lines if "\x1e" in line]
    pieces = [base64.b64decode(reply["result"]["data"]) for reply in replies if "data" in reply.get("result", {})]
    exported = b"".join(pieces).decode()
    assert CONTACT["number"] in exported
    for secret in kept:
        assert secret not in said + exported + json.dumps(everything)
    logged = "\n".join(line for line in box.console_lines if "\x1e" not in line)
    assert "settings stored" in logged
    for personal in (CONTACT["number"], CONTACT["number"][3:], CONTACT["name"], *SHOP.values()):
        assert personal not in logged


# ---- deeds ----


def test_a_factory_reset_makes_a_new_box_and_the_hold_raises_an_alarm(box, console, receiver):
    console.call("set", "shop", SHOP)
    console.call("lock")
    old = public_key(box)
    box.edges("button", [(0, 1)])
    box.advance(2000)
    alarm = alert_of(box, receiver, int(box.wait_log("issuer", "journalled").fields["seq"]))
    assert (alarm.kind_name, "test-mode" in alarm.flags) == ("alarm", False)
    box.wait_log("outbox", f"received seq={alarm.sequence}")
    mark = len(box.log)
    assert answer(box, console, "factory_reset") == {}
    box.advance(1000)
    box.wait_log("app", "armed", since=mark)
    console.wait_restart()
    box.edges("button", [(0, 0)])
    box.advance(1000)  # settings are read once the gesture is over
    status = console.call("status")
    assert (status["locked"], status["enrolled"]) == (False, False)
    assert json.loads(console.read("settings")) == {"version": 2}
    assert console.identity["public"] != old.hex()


def test_a_factory_reset_does_not_throw_undelivered_presses_away_unless_forced(box, console):
    box.wifi(False)
    box.edges("button", [(0, 1)])
    box.advance(2000)
    box.wait_log("issuer", "journalled")
    refusal = pytest.raises(BoxRefused, answer, box, console, "factory_reset").value
    assert refusal.code == "undelivered"
    key = box.public_key
    mark = len(box.log)
    assert answer(box, console, "factory_reset", True) == {}
    box.advance(1000)
    box.wait_log("app", "armed", since=mark)
    assert box.public_key != key


def test_a_factory_reset_whose_button_is_let_go_changes_nothing(box, console):
    console.call("set", "shop", SHOP)
    box.begin_edges("button", edges(8000))
    box.advance(100)
    refusal = pytest.raises(BoxRefused, answer, box, console, "factory_reset").value
    assert refusal.code == "button"
    assert console.call("get", "shop.name")["value"] == SHOP["name"]


def test_development_mode_turns_ctrl_c_on_until_it_is_turned_off(box: VirtualBox):
    for on, answers in ((True, False), (False, True), (True, False)):
        with BoxConsole(box.serial) as console:
            console.call("develop", on)
        with Holder(box.serial) as holder:
            holder.write(b"\x03")
            if answers:
                with BoxConsole(box.serial) as console:
                    assert console.call("identity")
            else:
                break
    with Holder(box.serial) as holder:
        holder.write(b"\x03")
        holder.read_until(b">>> ")
    assert box.at_prompt


def test_test_mode_marks_and_calls_nobody_but_for_a_held_press_and_ends_by_itself(box, console, receiver):
    assert console.call("commission", True)["until"] >= 1800
    click = press(box, receiver)
    hold = press(box, receiver, 1800)
    assert ("test-mode" in click.flags, "test-mode" in hold.flags) == (True, True)
    box.advance(30 * MINUTE_MS)
    assert console.call("status")["test_mode"] is False
    after = press(box, receiver)
    assert "test-mode" not in after.flags
    dispatched = lambda: [alert.sequence for alert in receiver.dispatched if alert.box == click.box]  # noqa: E731
    receiver.wait_until(lambda: after.sequence in dispatched())
    assert [sequence for sequence in dispatched() if sequence in (click.sequence, hold.sequence, after.sequence)] == [
        hold.sequence,
        after.sequence,
    ]


def test_networks_are_heard_and_tried_and_the_configured_one_comes_back(make_box, receiver: ReceiverThread):
    around = {"shop": "shop-key", "Voisin": "clef-du-voisin", "Mairie": ""}
    box = make_box(receiver, clock="stepped", networks=around)
    with BoxConsole(box.serial) as console:
        linked = lambda: console.call("status")["link"]  # noqa: E731
        advance_until(box, linked)
        assert console.call("wifi_scan")["networks"] == [
            ["shop", -50, False],
            ["Voisin", -57, False],
            ["Mairie", -64, True],
        ]
        assert answer(box, console, "wifi_test", "Voisin", "clef-du-voisin")["address"] == "192.0.2.20"
        advance_until(box, linked, most_ms=5000)
        mark = len(box.log)
        box.set_networks({"shop": "shop-key"})  # gone, but it is not on that one
        box.advance(2000)
        assert not [line for line in box.log[mark:] if line.text.startswith("lost")]
        box.set_networks(around)
        for network, reason in (
            (("Voisin", "une-autre-clef"), "the key is wrong"),
            (("Nulle part", "une-autre-clef"), "no network of this name can be heard"),
        ):
            refusal = pytest.raises(BoxRefused, answer, box, console, "wifi_test", *network).value
            assert (refusal.code, refusal.message) == ("network", reason)
        advance_until(box, linked, most_ms=5000)
        assert press(box, receiver).kind_name == "inform"
        assert console.call("get", "wifi.0.ssid")["value"] == "shop"


def test_a_press_ends_the_trial_of_a_network_and_goes_out(make_box, receiver: ReceiverThread):
    box = make_box(receiver, clock="stepped")
    with BoxConsole(box.serial) as console, ThreadPoolExecutor(1) as pool:
        advance_until(box, lambda: console.call("status")["link"])
        mark = len(box.log)
        trial = pool.submit(console.call, "wifi_test", "Nulle part", "une-clef")
        advance_until(box, lambda: any(line.text.startswith("lost") for line in box.log[mark:]))
        assert press(box, receiver).kind_name == "inform"
        refusal = pytest.raises(BoxRefused, trial.result).value
        assert refusal.message == "an alert has to go out: try again when it has"


def test_a_restart_waits_for_a_gesture(box: VirtualBox, console: BoxConsole):
    box.begin_edges("button", edges(1400))
    box.advance(200)
    refusal = pytest.raises(BoxRefused, answer, box, console, "restart", step_ms=5).value
    assert refusal.code == "busy"
