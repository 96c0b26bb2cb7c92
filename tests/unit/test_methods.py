"""What the console's methods do to the box, on fakes: settings whole or not at all, deeds only when they may be."""

import asyncio
import gc
import json
import os
from binascii import a2b_base64, b2a_base64, crc32, unhexlify

from box import log
from box.console import deeds, lock
from box.console.deeds import Deeds
from box.console.documents import Documents
from box.console.facts import Facts
from box.console.lock import Lock
from box.console.serial import Console
from box.core import access, alert, conditions, config, config_schema, p256, rpc, signer, strict_json
from box.core.commissioning import LASTS_MS, TestMode
from box.errors import StorageError, TransportError
from box.status import Status
from box.version import BUILT, VERSION
from test_doors import Noise, heap

with open(__file__.rsplit("/", 2)[0] + "/vectors/console.json") as file:
    VECTORS = json.load(file)
with open(__file__.rsplit("/", 2)[0] + "/vectors/enrolment.json") as file:
    ENROLMENT = json.load(file)[0]["document"]
KEY = "unguessed"
if not hasattr(gc, "mem_alloc"):  # CPython
    gc.mem_alloc = lambda: 90000
SETTINGS = {
    "version": 2,
    "shop": {"name": "Café", "latitude": 48.5, "longitude": 2.25},
    "wifi": [{"ssid": "shop", "key": KEY}, {"ssid": "open", "key": ""}],
    "contacts": [{"name": "Zoé", "number": "+33612345678", "rank": 1}],
}
logged = []


class Quiet:
    class stdout:
        @staticmethod
        def write(text):
            logged.append(text)


class Clock:
    def __init__(self):
        self.ms = 0
        self.state = 1
        self.time = VECTORS["now"]

    def now(self):
        return self.ms

    def utc(self):
        return self.time

    @property
    def is_set(self):
        return self.state == 2

    def correct(self, utc):
        self.time, self.state = utc, 2


class Impatient(Clock):
    """Time passes while somebody waits."""

    def now(self):
        self.ms += 100
        return self.ms


class Store:
    def __init__(self, document=None):
        self.document = document
        self.damaged = False

    def load(self):
        if self.damaged:
            raise StorageError("damaged")
        return self.document or config.default()

    def load_steps(self):
        yield
        return self.load()

    def store_steps(self, document):
        yield
        self.save(document)

    def save(self, document):
        config.check_enrolment(document) if "secret" in document else config.check(document)
        self.document = document
        self.damaged = False


class Journal:
    next_sequence = 7

    def __init__(self):
        self.presses = 0
        self.states = {5: 0, 4: alert.RECEIVED, 3: alert.IN_CHARGE}

    def undelivered(self):
        return 2

    def undelivered_presses(self):
        return self.presses

    def state(self, sequence):
        return self.states.get(sequence)


class Issuer:
    def __init__(self, journal):
        self.journal = journal
        self.issued = []
        self.fails = False

    @property
    def is_wanted(self):
        return self.journal.undelivered_presses() > 0

    def issue(self, kind, source):
        self.issued.append((kind, source))
        self.journal.next_sequence += not self.fails


class Events:
    boot = 12

    def last(self, count, skip=0):
        newest = 100 - skip
        return [
            {"id": n, "boot": 1, "utc": 2, "uptime": 3, "event": "link up", "detail": ""}
            for n in range(newest, max(newest - count, 0), -1)
        ]


class Wifi:
    connected = True

    def __init__(self):
        self.heard = [["shop", -40, False], ["open", -60, True]]

    def scan(self):
        return self.heard

    async def probe(self, ssid, key, is_wanted):
        if is_wanted():
            raise TransportError("an alert has to go out")
        return "192.0.2.7"


class Identity:
    def __init__(self):
        private, self.public = p256.finish(signer.generate_key(os.urandom))
        self.box = unhexlify(VECTORS["box"])
        self.signer = signer.Signer(private, 1, os.urandom)


IDENTITY = Identity()


class Bench:
    """All methods on fakes, in one table, called as the console calls them."""

    def __init__(self, clock=None, town=True):
        self.clock = clock or Clock()
        self.settings, self.enrolment, self.journal, self.wifi = Store(SETTINGS), Store(), Journal(), Wifi()
        self.issuer, self.mode = Issuer(self.journal), TestMode()
        self.access = access.Access(IDENTITY.box, unhexlify(VECTORS["town"]) if town else b"", False)
        self.status, self.events, self.signer, self.test_mode = Status(), Events(), IDENTITY.signer, self.mode
        self.board, self.identity, self.mains, self.busy = "unix", IDENTITY, True, False
        # The record of its parts that the console gets. One object stands for several of them here.
        self.stored = self.network = self.pins = self.button = self.battery = self
        self.status.inputs = (self,)
        self.connected = self.login = True
        self.let_go_ms = 0
        self.done = []
        self.mark = "build/locked.test"
        facts = Facts(self, self.access)
        lock = Lock(self, self.access, self.mark, lambda n: unhexlify(VECTORS["challenge"]))
        self.reset, self.forget, self.kbd_intr = self.did("reset"), self.did("forget"), self.done.append
        self.random = os.urandom
        deeds = Deeds(self, self)
        documents = Documents(self.settings, self.enrolment, lock.show, self.status)
        self.parts = (facts, lock, deeds, documents)
        self.table = {}
        for part in self.parts:
            for name in part.ROWS:
                assert name not in self.table
                self.table[name] = (getattr(part, name),) + part.ROWS[name]

    def did(self, what):
        return lambda: self.done.append(what)

    @property
    def open(self):
        return self.busy

    def mv(self):
        return 3900

    def is_down(self):
        return self.clock.ms < self.let_go_ms

    def call(self, method, *params):
        """The method's result; what it raises comes through."""
        function, _, form = self.table[method]
        rpc.check(list(params), form)

        async def complete():
            result = function(*params)
            if hasattr(result, "send"):
                result = await result
            for _ in range(10):  # turns in which a restart that was begun goes on
                await asyncio.sleep(0)
            return result

        deeds._RESTART_S = deeds._PATIENCE_S = lock._PATIENCE_S = 0
        write, log.sys, log.now = log.sys, Quiet, lambda: 0
        try:
            result = asyncio.run(complete())
        finally:
            log.sys = write
        assert len(rpc.result_line(0x7FFFFFFF, result)) <= rpc.MOST_OUT or method == "get"
        return result

    def refusal(self, method, *params):
        """The key of the refusal, or the class of another error."""
        try:
            self.call(method, *params)
        except rpc.Refused as error:
            return error.data["code"]
        except Exception as error:  # noqa: BLE001 - the caller compares it
            return type(error)
        return None

    def put(self, name, data, size=81):
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            text = b2a_base64(piece).decode().strip()
            assert self.call("put", name, at, text, crc32(piece)) == {"next": at + len(piece)}

    def read(self):
        data = b""
        while True:
            answer = self.call("read", "settings", len(data))
            data += a2b_base64(answer["data"])
            if len(data) == answer["size"]:
                assert crc32(data) == answer["crc"]
                return json.loads(data.decode())


# ---- facts ----


def test_the_identity_is_the_keys():
    answer = Bench().call("identity")
    assert answer == {"box": IDENTITY.box.hex(), "public": IDENTITY.public.hex(), "version": VERSION, "board": "unix"}


def test_the_status_says_how_the_box_is():
    bench = Bench()
    bench.clock.ms = 61500
    answer = bench.call("status")
    assert answer == {
        "uptime": 61, "boot": 12, "utc": VECTORS["now"], "clock": "saved", "enrolled": True, "locked": False,
        "unlocked": None, "wifi": True, "link": True, "undelivered": 2, "mains": True, "test_mode": False,
        "battery_mv": 3900, "fault": None, "heap": answer["heap"],
    }  # fmt: skip
    assert answer["heap"] > 1000
    bench.wifi.connected = bench.connected = bench.mains = False
    bench.status.set(conditions.CASE_OPEN, True)
    answer = bench.call("status")
    assert [answer[name] for name in ("wifi", "link", "mains")] == [False, False, False]
    assert answer["fault"] == "The case is open: close it."


def test_the_longest_fault_is_cut_to_a_line():
    bench = Bench()
    bench.status.set(conditions.STORED, True, "flash cannot be programmed, " * 20)
    assert bench.call("status")["fault"].startswith("flash")


def test_the_log_is_shown_newest_first_and_as_much_as_fits():
    bench = Bench()
    for number in range(30):
        log.tail.add("1 INFO test number=%d" % number)
    lines = bench.call("log")["lines"]
    assert lines[:2] == ["1 INFO test number=29", "1 INFO test number=28"]
    assert bench.call("log", len(lines))["lines"][0] == "1 INFO test number=%d" % (29 - len(lines))
    assert bench.call("log", 10000) == {"lines": []}


def test_the_logs_tail_keeps_the_newest_lines_whole_in_its_room():
    for size in (64, 100, 127):
        tail = log.Tail(size, 30)
        assert tail.lines() == []
        for number in range(200):
            tail.add("%d %s" % (number, "x" * (number % 40)))
            lines = tail.lines()
            assert lines[0] == ("%d %s" % (number, "x" * (number % 40)))[:30]
            assert sum([len(line) + 1 for line in lines]) <= size
            assert [int(line.split(" ")[0]) for line in lines] == list(range(number, number - len(lines), -1))


def test_events_are_shown_newest_first():
    bench = Bench()
    rows = bench.call("events")["events"]
    assert rows[0] == [100, 1, 2, 3, "link up", ""]
    assert bench.call("events", len(rows))["events"][0][0] == 100 - len(rows)


def test_the_time_is_told_and_set_but_not_to_one_long_past():
    bench = Bench()
    assert bench.call("time") == {"utc": VECTORS["now"]}
    assert bench.call("time", 1900000000) == {"utc": 1900000000}
    assert bench.refusal("time", BUILT - 1) == "time"
    assert bench.refusal("time", "now") == rpc.RpcError
    assert bench.clock.time == 1900000000


# ---- settings ----


def test_a_field_is_read_with_its_default_and_without_its_secret():
    bench = Bench()
    assert bench.call("get", "shop.name") == {"value": "Café"}
    assert bench.call("get", "receiver.port") == {"value": 8883}
    assert bench.call("get", "wifi.0") == {"value": {"ssid": "shop", "key": None}}
    assert bench.refusal("get", "shop.title") == config.ConfigError


def test_a_field_is_set_only_if_the_whole_is_right():
    bench = Bench()
    assert bench.call("set", "shop.name", "Tabac") == {}
    assert bench.settings.document["shop"]["name"] == "Tabac"
    before = bench.settings.document
    for path, value in (("shop.name", "x" * 61), ("shop.latitude", None), ("shop.colour", "red"), ("", {})):
        assert bench.refusal("set", path, value) == config.ConfigError
        assert bench.settings.document is before


def test_setting_logs_the_path_and_never_the_value():
    bench = Bench()
    del logged[:]
    bench.call("set", "wifi.0.key", "another secret")
    bench.call("set", "contacts.0.number", "+33687654321")
    text = "".join(logged)
    assert "wifi.0.key" in text and "contacts.0.number" in text
    assert "secret" not in text and "8765" not in text


def test_null_takes_an_item_out_of_a_list_and_keeps_a_secret():
    bench = Bench()
    bench.call("set", "wifi.1", None)
    bench.call("set", "wifi.0", {"ssid": "shop", "key": None})
    assert bench.settings.document["wifi"] == [{"ssid": "shop", "key": KEY}]
    assert bench.refusal("set", "wifi.0", {"ssid": "other", "key": None}) == config.ConfigError


def test_a_field_goes_back_to_its_default():
    bench = Bench()
    bench.call("default", "contacts")
    assert bench.call("get", "contacts") == {"value": []}


def test_settings_come_out_in_pieces_and_go_in_again_unchanged():
    bench = Bench()
    exported = bench.read()
    assert exported["wifi"][0]["key"] is None and exported["shop"] == SETTINGS["shop"]
    data = json.dumps(exported).encode()
    bench.put("settings", data)
    assert bench.call("diff") == {"changes": [], "more": False}
    assert bench.call("commit", "settings", crc32(data)) == {"changes": 0}
    assert bench.settings.document == SETTINGS


def test_what_was_put_is_compared_and_stored_whole():
    bench = Bench()
    document = dict(SETTINGS)
    document["shop"] = {"name": "Tabac"}
    data = json.dumps(document).encode()
    bench.put("settings", data)
    changes = bench.call("diff")["changes"]
    assert sorted(changes) == ["shop.latitude", "shop.longitude", "shop.name"]
    assert bench.settings.document is SETTINGS
    assert bench.call("commit", "settings", crc32(data)) == {"changes": 3}
    assert bench.settings.document == document


def test_more_changes_than_fit_a_line_are_said_to_be_more():
    bench = Bench()
    contacts = [{"name": "n%d" % i, "number": "+3361234567%d" % i, "rank": i + 1, "by": "sms"} for i in range(5)]
    templates = {"language": "en", "inform": "a", "help": "b", "alarm": "c"}
    policy = {"contacts": {"inform": "both", "help": "both", "alarm": "both"}}
    document = {"version": 2, "contacts": contacts, "templates": templates, "policy": policy}
    lte = {"apn": "internet", "user": "user", "password": "password", "pin": "1234"}
    document.update({"lte": lte, "receiver": {"host": "a", "port": 1, "server_name": "b"}})
    document["siren"] = {"allowed": True, "form": "form", "max_s": 20}
    document["shop"] = {"name": "a", "address": "b"}
    bench.put("settings", json.dumps(document).encode())
    answer = bench.call("diff")
    assert answer["more"] is True and answer["changes"]


def test_wrong_documents_are_refused_and_nothing_is_stored():
    for text, wanted in (
        (b"{", config.ConfigError),
        (b"\xff\xfe", config.ConfigError),
        (b"[]", config.ConfigError),
        (b'{"version":2,"shop":{"name":7}}', config.ConfigError),
        (b'{"version":2,"wifi":[{"ssid":"new","key":null}]}', config.ConfigError),
    ):
        bench = Bench()
        bench.put("settings", text)
        assert bench.refusal("commit", "settings", crc32(text)) == wanted, text
        assert bench.settings.document is SETTINGS


def test_a_wrong_sum_stores_nothing():
    bench = Bench()
    bench.put("settings", b'{"version":2}')
    assert bench.refusal("commit", "settings", 1) == "checksum"
    assert bench.refusal("commit", "settings", crc32(b'{"version":2}')) == "checksum"  # it was forgotten
    assert bench.settings.document is SETTINGS


def test_pieces_come_whole_in_order_and_from_one_document():
    bench = Bench()
    piece = b2a_base64(b"abcdef").decode().strip()
    assert bench.refusal("put", "settings", 0, piece, 1) == "checksum"
    assert bench.refusal("put", "settings", 0, "?", 0) == "checksum"
    assert bench.refusal("put", "settings", 6, piece, crc32(b"abcdef")) == "offset"
    bench.put("settings", b"abcdef")
    assert bench.refusal("put", "settings", 12, piece, crc32(b"abcdef")) == "offset"
    assert bench.refusal("put", "enrolment", 6, piece, crc32(b"abcdef")) == "offset"
    bench.call("put", "settings", 6, piece, crc32(b"abcdef"))
    assert bench.call("put", "settings", 0, piece, crc32(b"abcdef")) == {"next": 6}


def test_a_document_has_at_most_8_kib():
    bench = Bench()
    bench.put("settings", b" " * 8190, 90)
    piece = b"abc"
    assert bench.refusal("put", "settings", 8190, b2a_base64(piece).decode().strip(), crc32(piece)) == "too-long"


def test_damaged_settings_can_be_replaced():
    bench = Bench()
    bench.settings.damaged = True
    assert bench.refusal("get", "") == StorageError
    assert bench.refusal("set", "shop.name", "x") == StorageError
    data = b'{"version":2,"shop":{"name":"new"}}'
    bench.put("settings", data)
    assert bench.call("commit", "settings", crc32(data)) == {"changes": 1}
    assert bench.call("get", "shop.name") == {"value": "new"}


def test_an_enrolment_is_stored_and_never_read_back():
    bench = Bench()
    data = json.dumps(ENROLMENT).encode()
    bench.put("enrolment", data)
    assert bench.call("commit", "enrolment", crc32(data)) == {"changes": 1}
    assert bench.enrolment.document["version"] == 2
    assert "enrolment" not in bench.table["read"][1]


# ---- lock ----


def unlock(bench):
    data = unhexlify(VECTORS["certificates"]["good"][0]["message"])
    bench.put("certificate", data)
    shown = bench.call("commit", "certificate", crc32(data))
    assert shown == {"name": "Zoé Martin", "expires": VECTORS["now"] + 86400, "rights": 63}
    assert bench.call("challenge") == {"challenge": VECTORS["challenge"]}
    return bench.call("unlock", VECTORS["unlock"]["signature"])


def test_a_technician_locks_and_unlocks():
    bench = Bench()
    assert bench.call("lock") == {}
    os.stat(bench.mark)
    os.remove(bench.mark)
    assert bench.access.locked
    assert unlock(bench) == {"name": "Zoé Martin", "expires": VECTORS["now"] + 86400}
    assert bench.call("status")["unlocked"] == "Zoé Martin"


def test_a_signature_of_another_form_is_no_try():
    bench = Bench()
    for text in ("", "00", "x" * 128, "é" * 64):
        assert bench.refusal("unlock", text) == rpc.RpcError, text
    assert bench.refusal("unlock", "00" * 64) == "no-certificate"


def test_a_box_without_a_town_is_not_locked():
    bench = Bench(town=False)
    assert bench.refusal("lock") == "no-town"
    assert not bench.access.locked


def largest(mark):
    """Settings in which everything is there, and differs by `mark`."""
    gestures = {"click": "inform", "double": "help", "hold": "alarm"}
    return {
        "version": 2,
        "shop": {"name": "T" * 59 + mark, "address": "\u00e9" * 119 + mark},
        "contacts": [{"name": "c" + mark, "number": "+3361234567%d" % i, "rank": i + 1} for i in range(5)],
        "policy": {"button": gestures, "foot": gestures, "bip": gestures, "contacts": {"help": "both"}},
        "wifi": [{"ssid": "network %d" % i, "key": "k" * 62 + mark} for i in range(3)],
        "bips": [
            {"id": i + 1, "mac": "a4c1380000%02x" % i, "key": "0f" * 16, "name": "b" + mark, "policy": gestures}
            for i in range(16)
        ],
        "templates": dict.fromkeys(("inform", "help", "alarm"), "t" * 150 + mark),
    }


def test_between_two_steps_of_a_commit_little_is_done_however_large_the_settings():
    documents = Documents(Store(largest("o")), None, None, None)
    counts = [0, 0]
    fields, take = config_schema.fields, strict_json._Reader._take

    def counting_fields(name):
        counts[0] += 1
        return fields(name)

    def counting_take(reader, byte):
        counts[1] += 1
        return take(reader, byte)

    config_schema.fields, strict_json._Reader._take = counting_fields, counting_take
    most, steps = [0, 0], documents._compared(json.dumps(largest("n")).encode())
    try:
        while True:
            counts[:] = [0, 0]
            next(steps)
            most = [max(pair) for pair in zip(most, counts)]
    except StopIteration as stop:
        assert len(stop.value[1]) == 29
    finally:
        config_schema.fields, strict_json._Reader._take = fields, take
    # A bip and what its gestures mean: two objects' rows, and their two dozen names, texts and marks.
    assert most[0] <= 2 and most[1] <= 80, most


def test_no_step_begins_while_a_gesture_is_open():
    begun = []

    class Press:
        """Open for three looks, anew after each step."""

        looks = 4

        @property
        def busy(self):
            self.looks -= 1
            return self.looks > 0

    press = Press()

    def steps():
        for _ in range(3):
            begun.append(press.looks > 0)
            press.looks = 4
            yield

    lock._PATIENCE_S = 0
    asyncio.run(lock.patiently(steps(), press))
    assert begun == [False] * 3


def test_a_gesture_is_read_while_a_signature_is_verified():
    seen = []

    class Press:
        @property
        def open(self):
            seen.append(len(seen))
            return len(seen) in (3, 4, 5)

    steps = iter([None] * 4)

    async def verify():
        status = Status()
        status.inputs = (Press(),)
        return await lock.patiently(steps, status)

    lock._PATIENCE_S = 0
    assert asyncio.run(verify()) is None
    assert len(seen) == 8  # once before each of four steps and the end, and three more times while it was open


# ---- deeds ----


def test_a_restart_is_refused_while_somebody_presses():
    bench = Bench()
    bench.busy = True
    assert bench.refusal("restart") == "busy"
    bench.busy = False
    assert bench.call("restart") == {}
    assert bench.done == ["reset"]


def test_a_restart_is_not_refused_for_a_button_that_a_stall_left_unread():
    looks = [True, True]

    class Restless(Bench):
        @property
        def open(self):
            return bool(looks) and looks.pop()

    bench = Restless()
    assert bench.call("restart") == {}
    assert bench.done == ["reset"]


def test_ctrl_c_is_switched():
    bench = Bench()
    bench.call("develop", True)
    bench.call("develop", False)
    assert bench.done == [3, -1]


def test_a_factory_reset_wants_the_button_held_for_ten_seconds():
    bench = Bench(Impatient())
    assert bench.refusal("factory_reset") == "button"
    assert bench.clock.ms < 1000
    bench.let_go_ms = 9000
    assert bench.refusal("factory_reset") == "button"
    assert bench.clock.ms >= 9000 and bench.done == []


def test_a_factory_reset_forgets_everything_and_restarts():
    bench = Bench(Impatient())
    bench.let_go_ms = 1 << 30
    assert bench.call("factory_reset") == {}
    assert bench.clock.ms >= 10000 and bench.done == ["forget", "reset"]


def test_a_factory_reset_waits_for_presses_unless_forced():
    bench = Bench(Impatient())
    bench.let_go_ms, bench.journal.presses = 1 << 30, 1
    assert bench.refusal("factory_reset") == "undelivered"
    assert bench.refusal("factory_reset", False) == "undelivered"
    assert bench.done == []
    bench.call("factory_reset", True)
    assert bench.done == ["forget", "reset"]


# ---- trials ----


def test_a_test_alert_is_issued_and_followed():
    bench = Bench()
    assert bench.call("test") == {"sequence": 7}
    assert bench.issuer.issued == [(alert.TEST, 0)]
    for sequence, state in ((5, "waiting"), (4, "received"), (3, "in-charge"), (2, "unknown")):
        assert bench.call("delivery", sequence) == {"state": state}


def test_a_test_alert_that_flash_does_not_take_is_told():
    bench = Bench()
    bench.issuer.fails = True
    assert bench.refusal("test") == "storage"


def test_test_mode_ends_by_itself():
    bench = Bench()
    bench.clock.ms = 5000
    assert bench.call("commission", True) == {"until": (5000 + LASTS_MS) // 1000}
    assert bench.call("status")["test_mode"] is True
    bench.clock.ms += LASTS_MS
    assert bench.call("status")["test_mode"] is False
    bench.call("commission", True)
    assert bench.call("commission", False) == {"until": None}
    assert not bench.mode.is_on(bench.clock.ms)


def test_networks_are_shown_as_many_as_fit():
    bench = Bench()
    assert bench.call("wifi_scan") == {"networks": bench.wifi.heard}
    bench.wifi.heard = [["network %d" % i, -40, False] for i in range(40)]
    shown = bench.call("wifi_scan")["networks"]
    assert shown == bench.wifi.heard[: len(shown)] and shown
    assert rpc.size({"networks": shown}) <= rpc.MOST_RESULT
    assert rpc.size({"networks": bench.wifi.heard[: len(shown) + 1]}) > rpc.MOST_RESULT


def test_a_network_is_tried_out_unless_a_press_needs_the_way():
    bench = Bench()
    assert bench.call("wifi_test", "shop", "12345678") == {"address": "192.0.2.7"}
    assert bench.call("wifi_test", "shop", "") == {"address": "192.0.2.7"}
    for ssid, key in (("", ""), ("é" * 17, ""), ("shop", "1234567"), ("shop", "x" * 64)):
        assert bench.refusal("wifi_test", ssid, key) == rpc.RpcError
    bench.journal.presses = 1
    assert bench.refusal("wifi_test", "shop", "") == TransportError


def test_the_self_test_checks_the_key_and_every_condition_of_its_lines():
    bench = Bench()
    bench.clock.correct(BUILT)
    names = ("key", "flash", "random", "bips", "senses", "clock", "wifi", "link")
    assert bench.call("self_test") == dict.fromkeys(names, "ok")
    for row, name in ((conditions.UPKEEP, "flash"), (conditions.DEAF, "bips"), (conditions.MAINS_LOST, "senses")):
        bench.status.set(row, True)
        answer = bench.call("self_test")
        assert [other for other in names if answer[other] != "ok"] == [name], name
        assert conditions.ROWS[row][conditions.SENTENCE].startswith(answer[name].rstrip("."))
        bench.status.set(row, False)
    bench.wifi.connected = bench.connected = False
    bench.clock.state = 1
    bench.random = lambda count: bytes(count)
    assert bench.call("self_test") == {
        "key": "ok", "flash": "ok", "bips": "ok", "senses": "ok", "random": "It repeats itself.",
        "clock": "Not set yet.", "wifi": "Not joined.", "link": "No receiver.",
    }  # fmt: skip


def test_long_findings_of_the_self_test_are_cut_to_a_line():
    bench = Bench()
    for row in (conditions.STORED, conditions.BIP, conditions.MAINS_LOST):
        bench.status.set(row, True, "Something is wrong here. " * 10)
    answer = bench.call("self_test")
    assert answer["random"] == "ok" and answer["bips"].startswith("Some") and answer["flash"].startswith("Some")


# ---- all of it, from outside ----


def requests():
    """A real request of each method, and the longer ones."""
    piece = b2a_base64(b'{"version":2}').decode().strip()
    found = [
        ("get", ["contacts.0.number"]), ("set", ["shop.name", "x"]), ("default", ["wifi"]), ("read", ["settings", 0]),
        ("put", ["settings", 0, piece, crc32(b'{"version":2}')]), ("put", ["certificate", 0, piece, 0]), ("diff", []),
        ("put", ["enrolment", 0, piece, crc32(b'{"version":2}')]), ("commit", ["settings", crc32(b'{"version":2}')]),
        ("commit", ["certificate", crc32(b'{"version":2}')]), ("time", [1900000000]),
        ("unlock", [VECTORS["unlock"]["signature"]]), ("commission", [True]), ("develop", [True]), ("log", [0]),
        ("factory_reset", [True]), ("delivery", [5]), ("events", [3]),
        ("wifi_test", ["shop", "12345678"]),
    ]  # fmt: skip
    found += [(name, []) for name in ("identity", "status", "restart", "wifi_scan", "test", "self_test", "challenge")]
    lines = []
    for name, params in found:
        text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": params}, separators=(",", ":"))
        assert len(text) <= 198, name
        lines.append(b"\x1e" + text.encode() + b"\n")
    return lines


class Line:
    """Standard input and its poll."""

    def __init__(self):
        self.data = b""

    def ipoll(self, timeout):
        return iter([self] if self.data else [])

    def readinto(self, buffer):
        buffer[0] = self.data[0]
        self.data = self.data[1:]
        return 1


def test_ten_thousand_hostile_inputs_leave_a_locked_box_closed_and_as_it_was():
    bench, line, noise, real = Bench(), Line(), Noise(11), requests()
    bench.access.lock()
    answers = []
    console = Console(bench.parts, bench.access, bench.clock, (line, line, answers.append))

    async def play():
        answered = half = 0
        for number in range(10000):
            bench.clock.ms += 700
            line.data = noise.message(real)
            while line.data:
                await console.drain()
            for answer in answers:
                assert len(answer) <= rpc.MOST_OUT
                decoded = json.loads(str(answer[1:], "utf-8"))
                assert decoded.get("error", {}).get("code") != rpc.INTERNAL, decoded
            answered += len(answers)
            del answers[:]
            del logged[:]
            if number == 5000:
                half = heap()
        line.data = real[-7]
        await console.drain()
        assert b'"box"' in answers[0]
        return answered, heap() - half

    write, log.sys, log.now = log.sys, Quiet, lambda: 0
    try:
        answered, grown = asyncio.run(play())
    finally:
        log.sys = write
    assert answered > 1000 and grown < 2048
    assert bench.access.locked and bench.access.session(bench.clock.ms) is None
    assert bench.settings.document is SETTINGS and bench.enrolment.document is None
    assert bench.done == [] and bench.issuer.issued == [] and bench.clock.time == VECTORS["now"]
