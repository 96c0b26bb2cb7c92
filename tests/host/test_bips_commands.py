"""`alertbox bips` and `alertbox survey` as a person and a script use them."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from alertbox import cli, texts
from alertbox.box.labels import BipLabel
from alertbox.commands import bips as bips_command
from alertbox.commands import survey as survey_command
from alertbox.errors import UserError
from console_box import ConsoleBox, Refuse

KEY = "00112233445566778899aabbccddeeff"
ROWS = [
    [1, "Caisse", "5448e68f8001", 80, 12, -61, 3, 0, []],
    [2, "Réserve", "5448e68f8002", None, None, None, 0, 5, ["lost", "forged"]],
    [16, "Cave", "5448e68f8010", 9, 3, -93, 1, 0, ["battery low"]],
]
LEARNING = {
    "state": "listening",
    "left": 60,
    "presses": 0,
    "bip": None,
    "mac": None,
    "presence": False,
    "buzzer": False,
    "plain": False,
    "sealed": False,
}
BOUND = LEARNING | {"state": "bound", "presses": 3, "bip": 4, "mac": "5448e68f8004", "left": 50}
Run = Callable[..., tuple[int, str, str]]


def paged(rows: list[Any], a_page: int = 2) -> Callable[..., Any]:
    return lambda *params: {"bips": rows[params[-1] : params[-1] + a_page]}


@pytest.fixture
def box():
    with ConsoleBox(bips=paged(ROWS), learn=LEARNING, bip_repair=LEARNING) as box:
        yield box


@pytest.fixture
def alertbox(monkeypatch, capsys) -> Run:
    monkeypatch.setattr(texts, "_chosen", None)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(bips_command, "_ASK_AGAIN_S", 0)
    monkeypatch.setattr(survey_command, "_ASK_AGAIN_S", 0)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["alertbox", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        output = capsys.readouterr()
        return int(end.value.code or 0), output.out, output.err

    return run


def states(*given: dict[str, Any]) -> Callable[..., Any]:
    """The answers of learn_state, in turn; the last one stays."""
    left = list(given)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def asked(box: ConsoleBox, method: str) -> list[list[Any]]:
    return [params for name, params in box.requests if name == method]


# ---- list ----


def test_every_bip_is_listed_however_many_lines_the_box_needs(box, alertbox):
    status, output, _ = alertbox("bips", "list", box.path)
    lines = output.splitlines()
    assert status == 0
    assert lines[0] == "1  Caisse  5448e68f8001  battery 80 %, heard 12 s ago, -61 dBm, 3 presses"
    assert "not heard since the start" in lines[1]
    assert [line.strip() for line in lines[2:4]] == ["fault: lost", "fault: forged"]
    assert asked(box, "bips") == [[0], [2], [3]]


def test_the_list_is_json_for_scripts(box, alertbox):
    rows = json.loads(alertbox("bips", "list", "--json", box.path)[1])
    assert [(row["number"], row["rssi"], row["faults"]) for row in rows][2] == (16, -93, ["battery low"])


def test_a_box_without_bips_says_how_to_get_one(box, alertbox):
    box.answers["bips"] = {"bips": []}
    assert "alertbox bips learn --name" in alertbox("bips", "list", box.path)[1]


@pytest.mark.parametrize("answer", [None, {"bips": 3}, {"bips": [[1, 2]]}, {"bips": [3]}])
def test_a_list_that_makes_no_sense_is_a_sentence(box, alertbox, answer):
    box.answers["bips"] = answer
    status, _, errors = alertbox("bips", "list", box.path)
    assert (status, errors.count("\n")) == (1, 1)


# ---- pairing ----


def test_learning_tells_each_press_and_what_is_wrong_with_the_bip(box, alertbox):
    heard = [LEARNING, LEARNING | {"presses": 1}, LEARNING | {"presses": 2}, LEARNING | {"presses": 2}]
    over = BOUND | {"left": 0, "buzzer": True}
    box.answers["learn_state"] = states(*heard, BOUND, BOUND, over)
    status, output, _ = alertbox("bips", "learn", "--name", "Caisse", "--key", KEY.upper(), box.path)
    assert status == 0
    assert asked(box, "learn") == [["Caisse", None, KEY, 0]]
    assert [line for line in output.splitlines() if "of 3" in line] == [f"Press {i} of 3." for i in (1, 2, 3)]
    assert "bip 4, address 5448e68f8004" in output
    assert "buzzer" in output
    assert "beacon mode" in output


def test_a_bip_without_a_key_is_paired_where_that_is_asked_for_and_its_limits_are_told(box, alertbox):
    box.answers["learn_state"] = states(BOUND | {"presence": True})
    status, output, _ = alertbox("bips", "learn", "--name", "Porte", "--no-key", box.path)
    assert status == 0
    assert asked(box, "learn") == [["Porte", None, "", 0]]
    assert "only informs" in output
    for more in (("--key", KEY), ("--policy", "help,help,alarm")):
        status, _, errors = alertbox("bips", "learn", "--name", "Porte", "--no-key", *more, box.path)
        assert (status, "only informs" in errors) == (1, True)
    box.answers["learn_state"] = states(LEARNING, LEARNING | {"state": "over", "sealed": True})
    assert "with its key" in alertbox("bips", "learn", "--name", "Porte", "--no-key", box.path)[2]


def test_a_label_has_name_and_key_and_a_policy_is_three_kinds(box, alertbox):
    box.answers["learn_state"] = states(BOUND | {"presence": True})
    label = f"BIP:54:48:E6:8F:80:04;{KEY.upper()};Cave"
    status, output, _ = alertbox(
        "bips", "learn", "--label", label, "--policy", "help,help,alarm", "--supervise", "60", box.path
    )
    assert status == 0
    assert asked(box, "learn") == [["Cave", {"click": "help", "double": "help", "hold": "alarm"}, KEY, 60]]
    assert "beacon" not in output
    assert alertbox("bips", "learn", "--name", "x", "--key", KEY, "--policy", "loud", box.path)[0] == 2


@pytest.mark.parametrize(
    ("end", "word"),
    [
        ({"state": "over"}, "No bip was heard"),
        ({"state": "over", "sealed": True}, "not its key"),
        ({"state": "over", "sealed": True, "plain": True}, "does not encrypt"),
        ({"state": "failed"}, "could not store"),
    ],
)
def test_learning_in_vain_says_what_to_do(box, alertbox, end, word):
    box.answers["learn_state"] = states(LEARNING, LEARNING | end)
    status, _, errors = alertbox("bips", "learn", "--name", "x", "--key", KEY, box.path)
    assert status == 1
    assert word in errors


def test_a_bip_is_paired_again_in_one_step_and_the_old_key_is_warned_of(box, alertbox):
    box.answers["learn_state"] = states(BOUND | {"presence": True})
    assert "new key" in alertbox("bips", "repair", "4", box.path)[1]
    assert "new key" not in alertbox("bips", "repair", "4", "--key", KEY, box.path)[1]
    assert asked(box, "bip_repair") == [[4], [4, KEY]]


def test_a_kind_is_learnt_or_said(box, alertbox):
    box.answers |= {"bip_kind": {}, "learn_state": states(BOUND | {"presence": True, "kind": "switch"})}
    learn = ("bips", "learn", "--name", "Mur", "--key", KEY)
    assert "held" in alertbox(*learn, box.path)[1]
    assert asked(box, "bip_kind") == []
    assert alertbox(*learn, "--kind", "button", box.path)[0] == 0
    assert "kind switch" in alertbox("bips", "kind", "2", "switch", box.path)[1]
    assert asked(box, "bip_kind") == [[4, "button"], [2, "switch"]]
    assert alertbox("bips", "kind", "2", "loud", box.path)[0] == 2


def test_renaming_and_removing(box, alertbox):
    box.answers |= {"bip_rename": {}, "bip_remove": {}}
    assert alertbox("bips", "rename", "2", "Cave", box.path)[0] == 0
    assert alertbox("bips", "remove", "2", box.path)[0] == 0
    assert (asked(box, "bip_rename"), asked(box, "bip_remove")) == ([[2, "Cave"]], [[2]])


def test_a_number_that_no_bip_has_is_a_sentence(box, alertbox):
    def refuse(number: int) -> None:
        raise Refuse("There is no bip with this number.", "no-bip")

    box.answers["bip_remove"] = refuse
    status, _, errors = alertbox("--lang", "fr", "bips", "remove", "9", box.path)
    assert (status, errors.strip()) == (
        1,
        "alertbox: Le boîtier n'a pas de bip de ce numéro : `alertbox bips list` les montre.",
    )


def test_a_kits_bips_are_stored_by_their_labels(box, alertbox):
    held = {"id": 2, "mac": "5448e68f8002", "key": None, "name": "old"}
    box.documents["settings"] = json.dumps({"version": 2, "shop": {"name": "Tabac"}, "bips": [held]}).encode()
    labels = [f"BIP:5448E68F800{i};{KEY};Bip {i}" for i in (1, 2)]
    status, output, errors = alertbox("bips", "add", "--label", labels[0], "--label", labels[1], box.path)
    assert status == 0, errors
    stored = json.loads(box.documents["settings"])
    assert stored["shop"]["name"] == "Tabac"
    assert [(bip["id"], bip["mac"], bip["key"], bip["name"]) for bip in stored["bips"]] == [
        (2, "5448e68f8002", KEY, "Bip 2"),
        (1, "5448e68f8001", KEY, "Bip 1"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "BIP:5448e68f8001", f"BIP:5448e68f800;{KEY};a", f"BIP:5448e68f8001;{KEY[1:]};a", f"BIP:5448e68f8001;{KEY};"],
)
def test_a_label_that_is_none_is_refused(text):
    with pytest.raises(UserError):
        BipLabel.parse(text)


# ---- survey ----


def surveyed(*looks: list[list[Any]]) -> Callable[..., Any]:
    left = [list(look) for look in looks]

    def answer(on: bool, skip: int = 0) -> dict[str, Any]:
        if not on or skip:
            return {"bips": [] if not on else left[0][skip:]}
        return {"bips": left.pop(0) if len(left) > 1 else left[0]}

    return answer


def test_a_survey_gives_a_verdict_per_bip_and_is_kept(box, alertbox, tmp_path):
    box.answers |= {"commission": {"until": 1800}, "bips": paged(ROWS, 16)}
    silent = [2, None, None, 0, 0]
    box.answers["survey"] = surveyed(
        [[1, -60, 100, 4, 2], silent, [16, -80, 50, 3, 1]],
        [[1, -70, 100, 9, 5], silent, [16, -90, 50, 8, 3]],
        [[1, -65, 100, 20, 10], silent, [16, -85, 50, 9, 9]],
    )
    file = tmp_path / "survey.json"
    status, output, errors = alertbox("survey", "--presses", "10", "--seconds", "0.2", "--save", str(file), box.path)
    assert (status, "Ctrl-C" in errors) == (0, True)
    document = json.loads(file.read_text())
    assert document["box"] == "00112233445566ff"
    found = {row["name"]: (row["verdict"], row["loss"], row["presses"]) for row in document["bips"]}
    assert found["Caisse"] == ("good", 0.0, 10)
    assert found["Réserve"] == ("no", None, 0)
    assert found["Cave"][0] == "no"
    assert found["Cave"][1] == pytest.approx(0.1)
    assert document["bips"][0]["dbm"] == {"min": -70, "max": -60, "last": -65}
    assert "move" not in output.splitlines()[1]
    assert asked(box, "commission") == [[True], [False]]


def test_a_survey_that_is_broken_off_ends_test_mode(box, alertbox):
    box.answers["commission"] = {"until": 1800}
    box.answers["survey"] = lambda *params: {"bips": 7 if params[0] else []}
    assert alertbox("survey", box.path)[0] == 1
    assert asked(box, "commission") == [[True], [False]]


def test_a_survey_without_bips_says_so(box, alertbox):
    box.answers["bips"] = {"bips": []}
    status, _, errors = alertbox("survey", box.path)
    assert (status, "pair them first" in errors) == (1, True)
    assert asked(box, "commission") == []
