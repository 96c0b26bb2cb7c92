"""The tool's end of the console against a box on a real pty: noise, lost replies, restarts, cables that come out."""

import base64
import json
import random
import time
import zlib
from contextlib import suppress
from typing import Any

import pytest
from alertbox.box import session
from alertbox.box.session import BoxConsole, BoxRefused
from alertbox.contract import console_rpc
from alertbox.contract.console_rpc import RS, Lines
from alertbox.errors import UserError
from console_box import BOOT_NOISE, CHALLENGE, LOG, ConsoleBox, Refuse
from hypothesis import given, settings
from hypothesis import strategies as st
from mistakes import key_of

QUICK = 0.25  # seconds, where a test has to see that nothing comes
PROMPT = b"\r\nMicroPython v1.29.0; Generic ESP32 module\r\n>>> "


@pytest.fixture
def box():
    with ConsoleBox() as box:
        yield box


def enter(path: str) -> None:
    with BoxConsole(path, patience=QUICK):
        pass


def refusing(*arguments: Any, **options: Any) -> Any:
    def answer(*_: Any) -> None:
        raise Refuse(*arguments, **options)

    return answer


# ---- asking ----


def test_a_box_tells_who_it_is_when_the_console_is_entered(box):
    with BoxConsole(box.path) as console:
        assert console.identity == box.identity
        assert console.box == "00112233445566ff"


def test_a_request_is_one_line_of_json_after_rs(box):
    box.answers["set"] = {}
    value = "Épicerie\n\x1e\x03\ud83d"  # half a surrogate pair, too
    with BoxConsole(box.path) as console:
        assert console.call("set", "shop.name", value) == {}
    line = box.heard[-1]
    assert line.startswith(RS)
    assert (line.count(RS), line.count(b"\n"), line.count(b"\x03")) == (1, 1, 0)
    request = json.loads(line[1:])
    assert request["jsonrpc"] == "2.0"
    assert 0 < request["id"] < 100_000
    assert request["params"] == ["shop.name", value]


def test_a_request_of_more_than_200_bytes_does_not_leave(box):
    box.answers["set"] = {}
    with BoxConsole(box.path) as console:
        console.call("set", "shop.name", "x" * 110)
        assert key_of(console.call, "set", "shop.name", "x" * 150) == "console-too-long"
    assert box.count("set") == 1


def test_log_lines_around_replies_reach_the_caller(box):
    box.wrap = lambda reply: LOG + BOOT_NOISE + reply + LOG
    lines: list[str] = []
    with BoxConsole(box.path, on_line=lines.append) as console:
        assert console.call("status")["boot"] == 7
        while lines.count("1234 INFO app armed") < 4:
            console.listen(0.01)
    assert all(line.isprintable() for line in lines)
    assert not any("jsonrpc" in line for line in lines)


def test_a_reply_may_stand_behind_half_a_line_of_noise(box):
    box.wrap = lambda reply: b"\x00\xffets Jul 29 2019" + reply
    with BoxConsole(box.path) as console:
        assert console.call("status")["boot"] == 7


def test_a_reply_may_stand_behind_half_a_reply(box):
    box.wrap = lambda reply: reply[:-20] + reply
    with BoxConsole(box.path) as console:
        assert console.call("status")["boot"] == 7


def test_a_reply_to_an_earlier_session_is_ignored(box):
    def stale(reply: bytes) -> bytes:
        old = json.loads(reply[1:])
        others = [old["id"] + 1, old["id"] - 1, str(old["id"]), float(old["id"]), True, [old["id"]]]
        return b"".join(RS + json.dumps(old | {"id": other, "result": "old"}).encode() + b"\n" for other in others)

    box.wrap = lambda reply: stale(reply) + reply
    with BoxConsole(box.path) as console:
        assert console.call("status")["boot"] == 7


def test_the_box_s_refusal_has_its_code_and_data(box):
    box.answers["set"] = refusing("Number 3 is not E.164.", "bad-value", path="contacts.3.number")
    with BoxConsole(box.path) as console, pytest.raises(BoxRefused) as error:
        console.call("set", "contacts.3.number", "12")
    assert (error.value.code, error.value.data["path"]) == ("bad-value", "contacts.3.number")
    assert "Number 3 is not E.164." in str(error.value)


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (refusing("Locked.", "locked"), "console-refused-locked"),
        (refusing("Wait.", "wait", s=8), "console-refused-wait"),
        (refusing("?", number=-32601), "console-refused-method"),
        (refusing("?", number=-32602), "console-refused-params"),
    ],
)
def test_a_refusal_that_is_known_has_a_sentence_of_ours(box, answer, key):
    box.answers["lock"] = answer
    with BoxConsole(box.path) as console:
        assert key_of(console.call, "lock") == key


def test_the_box_s_words_cannot_steer_the_terminal(box):
    box.answers["lock"] = refusing("\x1b[2Jgone")
    with BoxConsole(box.path) as console, pytest.raises(BoxRefused) as error:
        console.call("lock")
    assert str(error.value).isprintable()


# ---- replies that do not come ----


def test_a_lost_reply_is_asked_for_again_where_twice_is_once(box):
    box.answers["get"] = {"value": 3}
    box.lose["get"] = 1
    with BoxConsole(box.path) as console:
        assert console.call("get", "lte", timeout=QUICK) == {"value": 3}
    assert box.count("get") == 2
    assert box.heard[-1] == box.heard[-2]  # the same number: a reply that was only late is taken


@pytest.mark.parametrize("method", ["test", "set", "default", "commit", "unlock", "factory_reset", "of_the_future"])
def test_a_lost_reply_is_not_asked_for_again_where_twice_is_not_once(box, method):
    box.answers[method] = lambda *_: {}
    box.lose[method] = 1
    with BoxConsole(box.path) as console:
        assert key_of(console.call, method, timeout=QUICK) == "console-no-answer"
    assert box.count(method) == 1


def test_a_request_that_the_box_could_not_read_is_sent_again_at_once(box):
    box.answers["get"] = {"value": 3}
    with BoxConsole(box.path) as console:
        unread = iter([RS + b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}\n'])
        box.wrap = lambda reply: next(unread, reply)
        assert console.call("get", "lte", timeout=600) == {"value": 3}
    assert box.count("get") == 2


def test_a_box_that_says_nothing_is_no_answer(box):
    box.raw = lambda data: b""
    assert key_of(enter, box.path) == "console-no-answer"


def test_a_box_that_only_logs_is_no_answer(box):
    box.raw = lambda data: LOG
    assert key_of(enter, box.path) == "console-no-answer"


@pytest.mark.parametrize(
    "text", [PROMPT, b"\r\n>>> ", b"raw REPL; CTRL-B to exit\r\n>"], ids=["banner", "prompt", "raw"]
)
def test_a_micropython_prompt_is_named(box, text):
    box.raw = lambda data: text
    assert key_of(enter, box.path) == "console-repl"


def test_a_raw_repl_that_keeps_still_is_brought_to_show_itself(box):
    box.raw = lambda data: PROMPT if b"\x02" in data else b""
    assert key_of(enter, box.path) == "console-repl"


@pytest.mark.parametrize(
    "text",
    [b"$GPGGA,123519,4807.038,N*47\r\n", RS + b'{"type":"Feature"}\n$GPGGA\n', b"\xff\x00" * 700 + b"\n"],
    ids=["lines", "a text sequence of another kind", "binary"],
)
def test_another_device_is_named(box, text):
    box.raw = lambda data: text
    assert key_of(enter, box.path) == "console-not-a-box"


@pytest.mark.parametrize(
    "identity",
    [None, [], {}, {"box": "12"}, {"box": "00112233445566ff"}, refusing("no", number=-32601)],
    ids=["null", "list", "empty", "short", "half", "refused"],
)
def test_what_has_no_identity_is_no_box(box, identity):
    box.answers["identity"] = identity
    assert key_of(enter, box.path) == "console-not-a-box"


def test_an_overlong_reply_is_noise(box):
    box.answers["get"] = {"value": "x" * 2000}
    with BoxConsole(box.path) as console:
        assert key_of(console.call, "get", "", timeout=QUICK) == "console-no-answer"


# ---- the cable ----


def test_a_cable_pulled_while_the_box_should_answer(box):
    box.answers["get"] = lambda path: box.pull()
    with BoxConsole(box.path) as console:
        assert key_of(console.call, "get", "") == "console-cable"


def test_a_cable_pulled_in_the_middle_of_a_transfer(box):
    def put(name: str, offset: int, *_: Any) -> Any:
        if offset > 300:
            box.pull()
        return {"next": offset + 84}

    box.answers["put"] = put
    with BoxConsole(box.path) as console:
        assert key_of(console.put, "settings", bytes(2000)) == "console-cable"


def test_a_cable_pulled_before_the_request_leaves(box):
    with BoxConsole(box.path) as console:
        box.pull()
        assert key_of(console.call, "status") == "console-cable"
        assert key_of(console.listen, 1) == "console-cable"


def test_the_port_is_free_after_the_console_was_left_or_not_entered(box):
    box.answers["identity"] = {}
    assert key_of(enter, box.path) == "console-not-a-box"
    box.answers["identity"] = box.identity
    enter(box.path)
    enter(box.path)


# ---- documents ----


@pytest.mark.parametrize("size", [1, 83, 84, 85, 1000, 8192])
def test_a_document_arrives_in_lines_of_at_most_200_bytes(box, size):
    data = random.Random(size).randbytes(size)
    seen: list[tuple[int, int]] = []
    with BoxConsole(box.path) as console:
        console.put("certificate", data, lambda done, of: seen.append((done, of)))
        assert console.commit("certificate", data) == {"changes": 1}
    assert box.documents["certificate"] == data
    assert max(map(len, box.heard)) <= 200
    assert seen[-1] == (size, size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_each_chunk_has_its_crc(box):
    with BoxConsole(box.path) as console:
        console.put("settings", b"a" * 200)
    chunks = [params for method, params in box.requests if method == "put"]
    assert all(zlib.crc32(base64.b64decode(chunk)) == crc for _, _, chunk, crc in chunks)
    assert len(chunks) == 3


def test_a_document_too_long_for_the_box_does_not_leave(box):
    with BoxConsole(box.path) as console:
        assert key_of(console.put, "settings", bytes(8193)) == "console-document-too-long"
    assert box.count("put") == 0


def test_a_chunk_whose_reply_is_lost_is_put_again_and_stands_there_once(box):
    data = random.Random(1).randbytes(500)
    box.lose["put"] = 1
    original = BoxConsole.call

    with BoxConsole(box.path) as console:
        console.call = lambda *a, **o: original(console, *a, **o, timeout=QUICK)  # type: ignore[method-assign]
        console.put("settings", data)
        console.commit("settings", data)
    assert box.documents["settings"] == data
    assert box.count("put") == 7


def test_a_box_that_restarts_in_the_middle_gets_the_document_from_the_beginning(box):
    restarted: list[int] = []
    put = box.answers["put"]

    def put_with_restart(name: str, offset: int, *rest: Any) -> Any:
        if offset > 300 and not restarted:
            restarted.append(offset)
            box.forget()
        return put(name, offset, *rest)

    box.answers["put"] = put_with_restart
    data = random.Random(2).randbytes(700)
    with BoxConsole(box.path) as console:
        console.put("settings", data)
        console.commit("settings", data)
    assert restarted
    assert box.documents["settings"] == data


@pytest.mark.parametrize("following", [0, -1, 10**9, 84.0, True, None, "84"])
def test_a_box_that_answers_a_chunk_with_nonsense_does_not_hold_the_tool(box, following):
    box.answers["put"] = {"next": following}
    with BoxConsole(box.path) as console:
        assert key_of(console.put, "settings", bytes(500)) == "console-garbled"


@pytest.mark.parametrize("size", [0, 1, 180, 181, 5000])
def test_a_document_is_read_whole(box, size):
    box.documents["settings"] = random.Random(size).randbytes(size)
    with BoxConsole(box.path) as console:
        assert console.read("settings") == box.documents["settings"]


def test_a_document_that_changes_while_it_is_read_is_read_anew(box):
    old, new = bytes(500), b"n" * 400
    box.documents["settings"] = old
    read = box.answers["read"]

    def change(name: str, offset: int) -> Any:
        if offset == 360:
            box.documents["settings"] = new
        return read(name, offset)

    box.answers["read"] = change
    with BoxConsole(box.path) as console:
        assert console.read("settings") == new


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": "", "size": 5, "crc": 0},
        {"data": "AA==", "size": 1, "crc": 1},
        {"data": "*", "size": 1, "crc": 0},
        {"data": "é", "size": 1, "crc": 0},
        {"data": "AA==", "size": -1, "crc": 0},
        {"data": "AA==", "size": 10**9, "crc": 0},
    ],
)
def test_a_read_that_does_not_fit_together_ends(box, answer):
    box.answers["read"] = answer
    with BoxConsole(box.path) as console:
        assert key_of(console.read, "settings") == "console-garbled"


# ---- lock and restart ----


class Ada:
    """A technician, whose signature shows what was signed."""

    certificate = b"certificate" * 20

    def sign(self, data: bytes) -> bytes:
        self.signed = data
        return bytes(64)


def test_unlocking_signs_the_box_and_its_challenge(box):
    ada = Ada()
    with BoxConsole(box.path) as console:
        assert console.unlock(ada) == {"name": "Ada", "expires": 1900000000}
    assert ada.signed == b"alertbox/unlock/1" + bytes.fromhex("00112233445566ff") + CHALLENGE
    assert box.documents["certificate"] == ada.certificate
    assert box.unlocked_by == bytes(64)
    assert max(map(len, box.heard)) <= 200


@pytest.mark.parametrize("challenge", [None, {}, {"challenge": 5}, {"challenge": "zz"}])
def test_a_challenge_that_is_none_ends_unlocking(box, challenge):
    box.answers["challenge"] = challenge
    with BoxConsole(box.path) as console:
        assert key_of(console.unlock, Ada()) == "console-garbled"


@pytest.mark.parametrize("stays", [0, 1, 5])
def test_a_restart_is_over_when_the_box_answers_in_its_next_life(box, stays):
    box.stays = stays
    with BoxConsole(box.path) as console:
        console.call("restart")
        console.wait_restart()
        assert console.call("status")["boot"] == 8


def test_a_box_that_does_not_come_back_is_named(box):
    box.stays = 10**6
    with BoxConsole(box.path) as console:
        console.call("restart")
        assert key_of(console.wait_restart, timeout=QUICK) == "console-no-restart"


def test_a_box_that_is_heard_while_it_starts_is_waited_for_longer(box):
    box.stays = 10**6
    box.wrap = lambda reply: LOG + reply
    with BoxConsole(box.path) as console:
        console.call("restart")
        began = time.monotonic()
        assert key_of(console.wait_restart, timeout=QUICK) == "console-no-restart"
        assert time.monotonic() - began >= 3 * QUICK


def test_a_box_that_says_nothing_for_a_while_is_waited_for(box):
    with BoxConsole(box.path, patience=QUICK) as console:
        console.call("restart")
        box.lose["identity"] = 3
        console.wait_restart()
    assert box.lose["identity"] == 0


def test_another_box_behind_the_same_port_is_named(box):
    with BoxConsole(box.path) as console:
        console.call("restart")
        box.identity["box"] = "ff" * 8
        assert key_of(console.wait_restart) == "console-other-box"


def test_after_a_factory_reset_the_box_has_another_name_and_may_count_from_one_again(box):
    box.boot = 0
    with BoxConsole(box.path) as console:
        console.call("factory_reset", False)
        box.boot = 0
        box.identity["box"] = "ff" * 8
        console.wait_restart()
        assert console.box == "ff" * 8


def test_a_port_that_goes_with_the_box_is_opened_again_when_it_is_back(box, tmp_path):
    """As an ESP32's own USB does."""
    port = tmp_path / "port"
    port.symlink_to(box.path)
    with ConsoleBox() as back, BoxConsole(str(port)) as console:
        console.call("restart")
        back.boot = 8
        port.unlink()
        port.symlink_to(back.path)
        box.pull()
        console.wait_restart()
        assert console.call("status")["boot"] == 8


# ---- anything at all ----

NOISE = st.binary(max_size=3000).map(lambda noise: noise.replace(RS, b"?"))
PIECES = st.lists(st.binary(max_size=400), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
NAMES = ("next", "data", "size", "crc", "challenge", "box", "public", "version", "board", "boot", "code", "s")
ANSWERS = JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4)
ERRORS = st.dictionaries(st.sampled_from(["code", "message", "data"]), ANSWERS)


def fits(value: object) -> bool:
    """A longer one is noise, which takes its time to be told from silence."""
    return len(json.dumps(value)) < 900


def frames(lines: Lines, data: bytes) -> list[bytes]:
    return [line for framed, line in lines.feed(data) if framed]


@given(NOISE, st.lists(st.integers(0, 3200), max_size=10))
def test_a_good_reply_is_found_after_any_noise_without_rs_however_it_is_cut(noise, cuts):
    data = noise + RS + b'{"id":7,"result":{}}\r\n'
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    lines = Lines()
    found = [frame for start, end in zip(edges, edges[1:], strict=False) for frame in frames(lines, data[start:end])]
    assert [console_rpc.reply(frame) for frame in found] == [{"id": 7, "result": {}}]


@given(PIECES)
def test_any_bytes_give_lines_and_take_bounded_room(pieces):
    lines = Lines()
    for piece in pieces:
        for _, line in lines.feed(piece):
            assert not {RS[0], 10} & {*line}
            assert len(line) <= 1024
            console_rpc.reply(line)
    assert len(lines.partial) <= 1024


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_frame_is_a_reply_or_none(frame):
    found = console_rpc.reply(frame)
    assert found is None or "id" in found
    if found and "error" in found and "result" not in found:
        assert str(console_rpc.refusal(found["error"]))


def test_brackets_without_end_are_no_reply():
    assert console_rpc.reply(b"[" * 100_000) is None


def test_any_noise_on_a_real_line_is_survived(box):
    with BoxConsole(box.path) as console:

        @given(NOISE, NOISE)
        def one(before, after):
            box.wrap = lambda reply: before + reply + after
            assert console.call("status")["boot"] == 7

        one()


def test_any_answer_ends_in_a_result_or_a_sentence(box):
    with BoxConsole(box.path) as console:

        @given(ANSWERS.filter(fits), st.none() | ERRORS.filter(fits))
        def one(answer, error):
            def reply(*_: Any) -> Any:
                if error is None:
                    return answer
                refuse = Refuse("")
                refuse.error = error
                raise refuse

            for method in ("put", "commit", "read", "challenge", "unlock", "test"):
                box.answers[method] = reply
            for act in (
                lambda: console.put("settings", b"x"),
                lambda: console.read("settings"),
                lambda: console.unlock(Ada()),
                lambda: console.call("test"),
            ):
                with suppress(UserError):
                    act()

        one()


def test_any_bytes_on_a_real_line_end_in_a_sentence(box, monkeypatch):
    monkeypatch.setattr(session, "_SHOWN_S", 0.01)

    @settings(max_examples=40)  # each waits for what does not come
    @given(st.lists(st.binary(max_size=100) | JSON.map(lambda value: RS + json.dumps(value).encode() + b"\n")))
    def one(pieces):
        box.raw = lambda data: b"".join(pieces)
        assert key_of(enter_hasty, box.path).startswith("console-")

    def enter_hasty(path: str) -> None:
        with BoxConsole(path, patience=0.001):
            pass

    one()
