"""`alertbox status`, `console` and `test-alert` as a person and a script use them, in both languages."""

import json
import os
import sys
from collections.abc import Callable

import pexpect
import pytest
from alertbox import cli, texts
from alertbox.commands import console as console_command
from alertbox.commands.status import _ROWS
from alertbox.contract.console_rpc import _SENTENCES, METHODS
from console_box import LOG, ConsoleBox
from hypothesis import given
from hypothesis import strategies as st
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

STATUS = {
    "uptime": 93784,
    "boot": 12,
    "utc": 1795312000,
    "clock": "saved",
    "enrolled": True,
    "locked": False,
    "unlocked": None,
    "wifi": True,
    "link": False,
    "undelivered": 3,
    "mains": True,
    "test_mode": False,
    "fault": None,
    "heap": 51234,
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def box():
    with ConsoleBox(status=STATUS) as box:
        yield box


@pytest.fixture
def alertbox(monkeypatch, capsys) -> Run:
    """Run the command line in this process; gives its exit status, output and errors."""
    monkeypatch.setattr(texts, "_chosen", None)
    monkeypatch.setenv("LC_ALL", "C")

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        read, write = os.pipe()
        os.write(write, stdin.encode())
        os.close(write)
        monkeypatch.setattr(sys, "argv", ["alertbox", *arguments])
        with os.fdopen(read) as pipe:
            monkeypatch.setattr(sys, "stdin", pipe)
            with pytest.raises(SystemExit) as end:
                cli.main()
        output = capsys.readouterr()
        return int(end.value.code or 0), output.out, output.err

    return run


# ---- status ----


def test_status_is_a_table_for_people(box, alertbox):
    status, output, errors = alertbox("status", box.path)
    assert (status, errors) == (0, "")
    rows = {line[:24].strip(): line[24:].strip() for line in output.splitlines()}
    width = max(map(len, rows))
    assert all(line[width : width + 2] == "  " for line in output.splitlines())
    assert rows["Box"] == "00112233445566ff"
    assert rows["Running for"] == "1 d 2:03:04"
    assert rows["Receiver reached"] == "no"
    assert rows["Fault"] == "none"
    assert rows["Clock"] == "from memory, not yet confirmed"
    assert len(rows) == len(_ROWS)


def test_status_is_told_in_french(box, alertbox):
    box.answers["status"] = STATUS | {"fault": "Le bouton est coincé."}
    _, output, _ = alertbox("--lang", "fr", "status", box.path)
    assert "Boîtier" in output
    assert "Alertes non transmises" in output
    assert "Le bouton est coincé." in output
    assert "1 j 2:03:04" in output


@pytest.mark.parametrize("value", [None, "x\x1b[2J", -1, 10**30, 1e300, [], {}, True])
def test_status_shows_whatever_the_box_tells(box, alertbox, value):
    box.answers["status"] = dict.fromkeys(STATUS, value)
    status, output, errors = alertbox("status", box.path)
    assert (status, errors) == (0, "")
    assert "\x1b" not in output


def test_status_of_an_older_box_lacks_what_it_does_not_tell(box, alertbox):
    box.answers["status"] = {"boot": 3}
    status, output, _ = alertbox("status", box.path)
    assert (status, len(output.splitlines())) == (0, 4)


def test_status_that_is_none_ends_in_a_sentence(box, alertbox):
    box.answers["status"] = [1]
    status, _, errors = alertbox("status", box.path)
    assert (status, len(errors.splitlines())) == (1, 1)


def test_a_port_that_is_not_there_ends_in_one_sentence_and_status_1(alertbox):
    status, output, errors = alertbox("status", "/dev/ttyUSB99")
    assert (status, output) == (1, "")
    assert errors == (
        "alertbox: There is no port /dev/ttyUSB99: plug the box in with a USB cable that carries data, "
        "or name another port.\n"
    )


def test_without_a_port_the_box_that_answers_is_taken(box, alertbox, monkeypatch):
    port = ListPortInfo(box.path)
    port.vid = 0x10C4
    monkeypatch.setattr(list_ports, "comports", lambda: [port])
    status, output, _ = alertbox("status")
    assert status == 0
    assert "00112233445566ff" in output


def test_without_any_port_the_next_step_is_told(alertbox, monkeypatch):
    monkeypatch.setattr(list_ports, "comports", list)
    status, _, errors = alertbox("--lang", "fr", "status")
    assert status == 1
    assert errors.startswith("alertbox: Aucun port série USB")


# ---- test-alert ----


def test_a_test_alert_that_arrives_tells_how_long_it_took(box, alertbox):
    states = iter(["waiting", "unknown", "waiting", "received"])
    box.answers |= {"test": {"sequence": 41}, "delivery": lambda sequence: {"state": next(states)}}
    status, output, errors = alertbox("test-alert", box.path)
    assert (status, errors) == (0, "")
    assert "Test alert 41" in output
    assert "The receiver has it, after 0." in output
    assert [params for method, params in box.requests if method == "delivery"] == [[41]] * 4


def test_one_that_somebody_took_charge_of_has_arrived(box, alertbox):
    box.answers |= {"test": {"sequence": 41}, "delivery": {"state": "in-charge"}}
    assert alertbox("test-alert", box.path)[0] == 0


def test_a_test_alert_that_does_not_arrive_in_time_is_status_1(box, alertbox):
    box.answers |= {"test": {"sequence": 41}, "delivery": {"state": "waiting"}}
    status, _, errors = alertbox("test-alert", box.path, "--timeout", "0.2")
    assert status == 1
    assert "after 0.2 s" in errors
    assert box.count("test") == 1


@pytest.mark.parametrize("answer", [None, {}, [], {"sequence": {}}])
def test_a_test_alert_without_a_sequence_ends_in_a_sentence(box, alertbox, answer):
    box.answers |= {"test": answer, "delivery": answer}
    status, _, errors = alertbox("test-alert", box.path)
    assert (status, len(errors.splitlines())) == (1, 1)


# ---- technician ----


def test_a_technician_unlocks_before_the_command(box, alertbox, tmp_path, monkeypatch):
    class Ada:
        certificate = b"ada" * 50

        def sign(self, data: bytes) -> bytes:
            return b"s" * 64

    folders = {tmp_path: Ada()}
    monkeypatch.setattr("alertbox.commands._with_box.Technician.open", lambda path, ask: folders.pop(path))
    status, _, errors = alertbox("status", box.path, "--technician", str(tmp_path))
    assert (status, errors) == (0, "")
    assert box.unlocked_by == b"s" * 64
    assert box.requests[-1] == ("status", [])


@pytest.mark.parametrize("command", ["status", "console", "test-alert"])
def test_a_technician_without_a_key_ends_in_a_sentence(box, alertbox, tmp_path, command):
    status, _, errors = alertbox(command, box.path, "--technician", str(tmp_path / "none"))
    assert (status, len(errors.splitlines())) == (1, 1)
    assert box.requests == []


# ---- console ----


def test_a_script_talks_line_by_line(box, alertbox):
    box.answers |= {"get": lambda path: {"value": path}, "set": {}}
    script = 'get shop.name\n\n# a remark\nset shop.name "Boulangerie Martin"\nset contacts.0 {"name": "A B"}\n'
    status, output, errors = alertbox("console", box.path, stdin=script)
    assert (status, errors) == (0, "")
    assert json.loads(output.split("}")[0] + "}") == {"value": "shop.name"}
    assert box.requests[1:] == [
        ("get", ["shop.name"]),
        ("set", ["shop.name", "Boulangerie Martin"]),
        ("set", ["contacts.0", {"name": "A B"}]),
    ]


def test_a_script_ends_at_the_first_line_that_fails(box, alertbox):
    status, _, errors = alertbox("console", box.path, stdin="nonsense\nstatus\n")
    assert status == 1
    assert len(errors.splitlines()) == 1
    assert box.count("status") == 0


def test_a_script_ends_at_exit(box, alertbox):
    assert alertbox("console", box.path, stdin="exit\nstatus\n")[0] == 0
    assert box.count("status") == 0


def test_read_gives_a_whole_document(box, alertbox):
    box.documents["settings"] = json.dumps({"version": 2, "shop": {"name": "É" * 200}}, ensure_ascii=False).encode()
    _, output, _ = alertbox("console", box.path, stdin="read settings\n")
    assert json.loads(output)["shop"]["name"] == "É" * 200


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_help_lists_every_method_in_the_person_s_language(box, alertbox, language):
    status, output, _ = alertbox("--lang", language, "console", box.path, stdin="help\n")
    assert status == 0
    starts = [line.split()[0] for line in output.splitlines() if line]
    assert set(METHODS) <= set(starts)
    assert all(say and say in output for say in (texts.catalogue(language)[f"console-help-{name}"] for name in METHODS))


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_sentence_that_is_looked_up_by_a_name_is_there(language):
    known = texts.catalogue(language).keys()
    wanted = [f"console-status-{name}" for name, _ in _ROWS] + [f"console-refused-{word}" for word in _SENTENCES]
    assert [key for key in wanted if key not in known] == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  status  ", ["status"]),
        ("set a.b true", ["set", "a.b", True]),
        ("set a null 3 -1.5", ["set", "a", None, 3, -1.5]),
        ("set a truer", ["set", "a", "truer"]),
        ("set n +33612345678", ["set", "n", "+33612345678"]),
        ("set n 0612345678", ["set", "n", "0612345678"]),
        ('set n "12345678"', ["set", "n", "12345678"]),
        ('set n "open', ["set", "n", '"open']),
        ("set n {a: 1}", ["set", "n", "{a:", "1}"]),
        ("set n [1, 2]x", ["set", "n", "[1,", "2]x"]),
        ("set n NaN 1e999 Infinity", ["set", "n", "NaN", "1e999", "Infinity"]),
        ("time\t5", ["time", 5]),
    ],
)
def test_words_are_json_or_bare(line, expected):
    assert console_command.words(line) == expected


@given(st.text())
def test_the_words_of_any_line_can_be_sent_as_json(line):
    for word in console_command.words(line):
        json.dumps(word, allow_nan=False)


@pytest.mark.parametrize("line", ["[1] x", "{}", '{"a": 1} status', "null", "é\u2028x", "[" * 5000])
def test_a_line_that_is_no_method_ends_in_a_sentence_or_nothing(box, alertbox, line):
    status, _, errors = alertbox("console", box.path, stdin=line + "\n")
    assert (status, len(errors.splitlines())) in ((1, 1), (0, 0))


@pytest.fixture
def person(box):
    """`alertbox console` on a terminal."""
    program = pexpect.spawn(
        sys.executable,
        ["-c", "from alertbox.cli import main; main()", "--lang", "fr", "console", box.path],
        env=os.environ | {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=20,
        dimensions=(40, 200),
    )
    program.expect("Boîtier 00112233445566ff")
    program.expect("alertbox>")
    yield program
    program.close(force=True)


def test_a_person_s_prompt_shows_answers_mistakes_and_the_log(box, person):
    box.answers["get"] = {"value": "Martin"}
    person.sendline("get shop.name")
    person.expect('"value": "Martin"')
    box.say(LOG)
    person.expect("1234 INFO app armed")
    person.sendline("nonsense")
    person.expect("ne connaît pas cette commande")
    person.sendline("status")
    person.expect('"heap"')
    person.expect("alertbox>")  # the terminal is the prompt's again
    person.sendeof()
    person.expect(pexpect.EOF)
    person.wait()
    assert person.exitstatus == 0


def test_a_cable_pulled_at_the_prompt_ends_it_with_a_sentence(box, person):
    box.pull()
    person.expect("alertbox: La liaison avec")
    person.expect(pexpect.EOF)
    person.wait()
    assert person.exitstatus == 1
