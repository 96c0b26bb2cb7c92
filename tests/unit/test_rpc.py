"""The console's lines: found among noise, checked, answered within a line; and 10,000 hostile ones at the console."""

import asyncio
import gc
import json
import sys
from binascii import unhexlify

from box import log
from box.console import serial
from box.console.serial import Console
from box.core import rpc
from box.core.config import ConfigError
from box.errors import StorageError, TransportError
from test_doors import Noise

PING = b'\x1e{"jsonrpc":"2.0","id":7,"method":"echo","params":["a"]}\n'
PONG = {"jsonrpc": "2.0", "id": 7, "result": {"said": "a"}}


def decoded(line):
    """What a line says; it must be one of ours."""
    assert len(line) <= rpc.MOST_OUT and line[0] == 0x1E and line[-1] == 0x0A
    assert b"\n" not in line[:-1] and b"\x1e" not in line[1:]
    return json.loads(str(line[1:], "utf-8"))


class Input:
    """Standard input that holds these bytes, and its poll."""

    def __init__(self, data=b""):
        self.data = data
        self.at = 0

    def ipoll(self, timeout):
        return iter([(self, 1)] if self.at < len(self.data) else [])

    def readinto(self, buffer):
        buffer[0] = self.data[self.at]
        self.at += 1
        return 1


class Open:
    """An access that lets everybody; what was demanded is kept."""

    def __init__(self):
        self.demanded = []

    def demand(self, right, now_ms):
        self.demanded = (self.demanded + [right])[-3:]
        if right == 99:
            raise rpc.Refused("locked", "The box is locked.")

    def now(self):
        return 0


def echo(text):
    return {"said": text}


def fail(text="", more=""):
    raise KeyError(text)


def refuse():
    raise rpc.Refused("no", "x" * 1000, path="y" * 1000, s=3)


async def wait():
    await asyncio.sleep(0)
    return {"waited": True}


def long():
    return {"long": "é" * 200}


def wrong_setting():
    raise ConfigError("contacts.0.number", "contacts.0.number is no number")


def flash_fails():
    raise StorageError("flash fails")


def no_network():
    raise TransportError("no network")


def fail_later():
    return fails_later()


async def fails_later():
    await asyncio.sleep(0)
    raise ValueError("secret")


TABLE = {
    "echo": (echo, 0, "s"),
    "none": (lambda: {}, 1, ""),
    "fail": (fail, 0, "?**"),
    "fail_later": (fail_later, 0, ""),
    "refuse": (refuse, 0, ""),
    "wait": (wait, 0, ""),
    "long": (long, 0, ""),
    "by_name": (lambda name: {}, {"a": 0, "b": 99}, "s"),
    "setting": (wrong_setting, 0, ""),
    "flash": (flash_fails, 0, ""),
    "network": (no_network, 0, ""),
}


class Part:
    ROWS = {name: TABLE[name][1:] for name in TABLE}

    def __init__(self):
        for name in TABLE:
            setattr(self, name, TABLE[name][0])


class Bench:
    """A console on a fake line."""

    def __init__(self):
        self.written = []
        self.input = Input()
        self.access = Open()
        self.console = Console((Part(),), self.access, self.access, (self.input, self.input, self.written.append))

    async def send(self, data):
        """What the console answers to these bytes."""
        del self.written[:]
        self.input.data, self.input.at = data, 0
        while self.input.at < len(data):
            assert await self.console.drain()
        return [decoded(line) for line in self.written]


def talk(*sent):
    """What a console answers to each of these."""

    async def all_of_it():
        bench = Bench()
        answers = []
        for data in sent:
            answers.append(await bench.send(data))
        return answers

    return quietly(all_of_it)


def quietly(coroutine):
    """Run it without the log on the test's output."""
    add, log.tail.add, log.now = log.tail.add, lambda line: None, lambda: 0
    write, log.sys = log.sys, Nowhere
    try:
        return asyncio.run(coroutine())
    finally:
        log.tail.add, log.sys = add, write


class Nowhere:
    class stdout:
        @staticmethod
        def write(text):
            lines[:] = [text]


lines = []


def answer_to(method, *params, number=1):
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
    (answer,) = talk(b"\x1e" + json.dumps(request).encode() + b"\n")[0]
    return answer


def error_to(text):
    """The error's code and the id in the answer to this text between RS and LF."""
    (answer,) = talk(b"\x1e" + text + b"\n")[0]
    return answer["error"]["code"], answer["id"]


def test_a_request_is_answered_in_one_write():
    assert talk(PING) == [[PONG]]


def test_a_request_may_come_in_pieces():
    assert talk(PING[:10], PING[10:]) == [[], [PONG]]


def test_what_stands_outside_a_frame_is_skipped():
    assert talk(b"\x0312 INFO app armed\r\n\xff\x00" + PING + b"{}\n") == [[PONG]]


def test_a_half_line_is_forgotten_when_a_new_one_begins():
    assert talk(PING[:30], PING) == [[], [PONG]]


def test_a_line_of_200_bytes_is_read_and_one_of_201_is_refused():
    whole = PING[:-2] + b" " * (198 - len(PING[1:-1])) + b"}\n"
    assert len(whole) == 200
    assert talk(whole) == [[PONG]]
    (refusal,) = talk(whole[:-1] + b" \n")[0]
    assert refusal["error"]["code"] == -32600


def test_a_good_request_is_answered_after_an_endless_line():
    endless = b"\x1e" + b"x" * 5000
    assert talk(endless, PING) == [[], [PONG]]
    (refusal,), (pong,) = talk(endless + b"\n", PING)
    assert refusal["error"]["code"] == -32600
    assert pong == PONG


def test_bad_requests_have_the_standards_codes():
    for text, code, number in (
        (b"", -32700, None),
        (b"{", -32700, None),
        (b"\xff\xfe", -32700, None),
        (b'{"a":1,}', -32700, None),
        (b'"\\ud83d"', -32700, None),
        (b'"\xed\xa0\x80"', -32700, None),
        (b"[]", -32600, None),
        (b"7", -32600, None),
        (b"{}", -32600, None),
        (b'{"jsonrpc":"2.0","method":"echo","params":["a"]}', -32600, None),
        (b'{"jsonrpc":"2.0","id":"a","method":"echo","params":["a"]}', -32600, None),
        (b'{"jsonrpc":"2.0","id":true,"method":"echo","params":["a"]}', -32600, None),
        (b'{"jsonrpc":"2.0","id":-1,"method":"echo","params":["a"]}', -32600, None),
        (b'{"jsonrpc":"2.0","id":2147483648,"method":"echo","params":["a"]}', -32600, None),
        (b'{"jsonrpc":"1.0","id":1,"method":"echo","params":["a"]}', -32600, 1),
        (b'{"jsonrpc":"2.0","id":1,"params":["a"]}', -32600, 1),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600, 1),
        (b'{"jsonrpc":"2.0","id":1,"method":"nothing"}', -32601, 1),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"a"}}', -32602, 1),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}', -32602, 1),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo"}', -32602, 1),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":["a","b"]}', -32602, 1),
        (b'{"jsonrpc":"2.0","id":1,"method":"by_name","params":["c"]}', -32602, 1),
    ):
        assert error_to(text) == (code, number), text


def test_parameters_are_held_to_their_form():
    for form, good, bad in (
        ("", [[]], [[1]]),
        ("s", [[""]], [[], [1], [None], ["a", "b"]]),
        ("u", [[0], [0xFFFFFFFF]], [[-1], [0x100000000], [True], ["1"], [1.0]]),
        ("b", [[True], [False]], [[1], [None]]),
        ("s*", [["a", None], ["a", {}]], [["a"]]),
        ("?u", [[], [1]], [["a"], [1, 1]]),
        ("u?b", [[1], [1, True]], [[], [1, 1]]),
    ):
        for params in good:
            rpc.check(params, form)
        for params in bad:
            try:
                rpc.check(params, form)
            except rpc.RpcError as error:
                assert error.code == rpc.PARAMS
                continue
            raise AssertionError((form, params))


def test_a_long_deed_is_waited_for():
    assert answer_to("wait")["result"] == {"waited": True}


def test_a_mistake_in_a_method_is_an_internal_error_and_names_no_value():
    for method, params in (("fail", ["secret"]), ("fail_later", [])):
        del lines[:]
        error = answer_to(method, *params)["error"]
        assert error["code"] == -32603
        assert "secret" not in json.dumps(error) and "secret" not in "".join(lines)
        assert "a method failed" in lines[0] and method in lines[0]


def test_the_boxs_refusals_have_a_key_and_a_sentence():
    for method, data, message in (
        ("setting", {"code": "setting", "path": "contacts.0.number"}, "contacts.0.number is no number"),
        ("flash", {"code": "storage"}, "flash fails"),
        ("network", {"code": "network"}, "no network"),
    ):
        error = answer_to(method)["error"]
        assert (error["code"], error["data"], error["message"]) == (-32000, data, message)


def test_a_right_is_demanded_by_the_method_or_by_the_name_in_its_first_parameter():
    async def all_of_it():
        bench = Bench()
        for request in (b'"none"', b'"echo","params":["a"]', b'"by_name","params":["b"]'):
            (answer,) = await bench.send(b'\x1e{"jsonrpc":"2.0","id":1,"method":' + request + b"}\n")
        assert bench.access.demanded == [1, 0, 99]
        return answer["error"]["data"]["code"]

    assert quietly(all_of_it) == "locked"


def test_a_result_that_does_not_fit_is_refused():
    assert answer_to("long")["error"]["data"]["code"] == "too-long"


def test_a_refusal_that_does_not_fit_is_cut():
    error = answer_to("refuse")["error"]
    assert error["data"]["code"] == "no" and error["data"]["s"] == 3
    assert error["message"].startswith("xxx") and error["data"]["path"].startswith("yyy")


def test_the_largest_result_fits_with_the_largest_id():
    result = {"a": "x" * (rpc.MOST_RESULT - len('{"a":""}'))}
    assert rpc.size(result) == rpc.MOST_RESULT
    assert len(rpc.result_line(0x7FFFFFFF, result)) == rpc.MOST_OUT


def test_as_many_items_as_fit_are_taken():
    for room in range(2, 60):
        taken = rpc.fitting(["abc", "de", "fghijk", "l" * 30], room)
        assert rpc.size(taken) <= room
        more = ["abc", "de", "fghijk", "l" * 30][: len(taken) + 1]
        assert len(taken) == 4 or rpc.size(more) > room


def test_a_closed_input_is_told():
    class Closed(Input):
        def readinto(self, buffer):
            return 0

    class Broken(Input):
        def readinto(self, buffer):
            raise OSError(5)

    for kind in (Closed, Broken):
        source = kind(b"x")
        console = Console((), None, None, (source, source, None))
        assert asyncio.run(console.drain()) is False


def test_a_flood_leaves_the_rest_of_the_box_its_turn():
    async def all_of_it():
        bench = Bench()
        bench.input.data = bytes(1000)
        await bench.console.drain()
        return bench.input.at

    assert quietly(all_of_it) == 260


REAL = [
    PING,
    b'\x1e{"jsonrpc":"2.0","id":1,"method":"none"}\n',
    b'\x1e{"jsonrpc":"2.0","id":2,"method":"by_name","params":["b"]}\n',
    b'\x1e{"jsonrpc":"2.0","id":3,"method":"fail","params":[null,[1,{"a":"\\u00e9"}]]}\n',
    b'\x1e{"jsonrpc":"2.0","id":4,"method":"refuse","params":[]}\n',
    b'\x1e{"jsonrpc":"2.0","id":5,"method":"long","params":[]}\n',
]


async def hostile_traffic(bench, count):
    noise = Noise(7)
    good = answered = half = 0
    for i in range(count):
        answers = await bench.send(noise.message(REAL))
        good += sum(["result" in answer for answer in answers])
        answered += len(answers)
        if i % 10 == 0:
            # A new request begins anew, whatever came before it.
            assert await bench.send(PING) == [PONG]
        if i == count // 2:
            half = heap()
    return good, answered, heap() - half


def heap():
    gc.collect()
    return gc.mem_alloc() if sys.implementation.name == "micropython" else 0


def test_ten_thousand_hostile_inputs():
    async def all_of_it():
        return await hostile_traffic(Bench(), 10000)

    good, answered, grown = quietly(all_of_it)
    assert 0 < good < answered < 10000
    assert grown < 2048, "the heap grows"


def case_any_traffic_leaves_the_reader_ready(data):
    """Whatever came before, a good request is answered; all answers are lines. Returns the answers' codes."""

    async def all_of_it():
        bench = Bench()
        answers = await bench.send(unhexlify(data))
        assert await bench.send(PING) == [PONG]
        return answers

    answers = quietly(all_of_it)
    return [answer.get("error", {}).get("code", 0) for answer in answers]


def test_ctrl_c_goes_off_two_seconds_after_the_start():
    class Started:
        def __init__(self, ms):
            self.ms = ms

        def now(self):
            return self.ms

    slept, codes = [], []

    class Time:
        @staticmethod
        async def sleep(seconds):
            slept.append(seconds)

    serial.asyncio = Time
    try:
        for ms in (500, 5000):
            asyncio.run(serial.close_window(codes.append, Started(ms)))
    finally:
        serial.asyncio = asyncio
    assert slept == [1.5, 0] and codes == [-1, -1]


def test_an_errors_line_is_json_rpc_with_its_number_code_text_and_data():
    error = rpc.RpcError(rpc.INVALID, "No such thing.", {"where": "a", "line": 3})
    assert decoded(rpc.error_line(error, 7)) == {
        "jsonrpc": "2.0", "id": 7,
        "error": {"code": rpc.INVALID, "message": "No such thing.", "data": {"where": "a", "line": 3}},
    }  # fmt: skip
    assert decoded(rpc.error_line(error, None))["id"] is None


def test_the_texts_of_an_error_take_what_room_there_is_and_no_more():
    for length in range(200, 330):
        line = rpc.error_line(rpc.RpcError(rpc.INVALID, "x" * length), 1)
        assert len(line) <= rpc.MOST_OUT
        message = decoded(line)["error"]["message"]
        whole = len(line) - len(message) + length
        assert len(message) == length or whole > rpc.MOST_OUT - 3
        assert len(message) < length or whole <= rpc.MOST_OUT
    for length in (57, 58, 59, 60):
        data = decoded(rpc.error_line(rpc.RpcError(rpc.INVALID, "", {"a": "y" * length}), 1))["error"]["data"]
        assert (len(data["a"]) == length) == (length + 2 <= 60)


def test_the_largest_id_has_31_bits():
    for number, right in ((0x7FFFFFFF, True), (0x80000000, False)):
        try:
            assert rpc.parse(b'{"jsonrpc":"2.0","id":%d,"method":"m"}' % number) == (number, "m", []) and right
        except rpc.RpcError:
            assert not right


def test_what_fits_is_what_was_there():
    assert rpc.fitting(["abc", 5, {"a": 1}]) == ["abc", 5, {"a": 1}]
