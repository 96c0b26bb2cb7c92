"""False alarms: who may say so of what, what is counted and for how long, and how a person sees it."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alertbox import cli, texts
from alertbox.contract import formats
from alertbox.receiver import Accounts, ReceiverThread
from alertbox.receiver.log import JsonLog
from alertbox.receiver.silence.watch import PRESSES
from alertbox.receiver.store import database
from alertbox.receiver.store.false_alarms import TWELVE_MONTHS, SourceCount
from alertbox.receiver.store.records import StoredAlert
from alertbox.receiver.store.store import Store
from alertbox.town import Town
from fake_box import FakeBox
from mistakes import key_of

NOW = datetime.now(UTC).replace(microsecond=0)
INFORM, HELP, ALARM, TEST, HEARTBEAT, TAMPER = 1, 2, 3, 5, 6, 10
BUTTON, BIP_1, BIP_2 = 1, 16, 17
TEST_MODE = 1 << 5


def enrolled(town: Town, name: str = "Boulangerie") -> FakeBox:
    box = FakeBox()
    box.account = Accounts.open(town).enrol(box.public, name, "localhost", 8883)
    return box


def store(town: Town, box: FakeBox, *alerts: dict[str, Any]) -> list[StoredAlert]:
    """Store alerts as the receiver does; each needs a `sequence`."""

    async def story() -> list[Any]:
        store = Store(town.database, JsonLog())
        await store.open()
        try:
            pressed = int(NOW.timestamp())
            signed = [box.alert(**({"pressed": pressed, "source": BIP_2, "kind": ALARM} | alert)) for alert in alerts]
            key = formats.load_public_key(box.public)
            return [(await store.add(formats.decode_alert(one, key, box.box), NOW)).record for one in signed]
        finally:
            await store.close()

    return asyncio.run(story())


@pytest.fixture
def box(town) -> FakeBox:
    """Bip 2 was held twice, in two incidents."""
    box = enrolled(town)
    store(town, box, {"sequence": 1}, {"sequence": 2})
    return box


def counted(town: Town, **options: Any) -> list[tuple[str, int, int, int]]:
    rows = Accounts(town).false_alarms.counts(**options)
    return [(row.source, row.presses, row.false_alarms, row.shop_false_alarms) for row in rows]


# ---- saying it


def test_a_press_said_to_be_false_is_counted_for_its_bip(town, box):
    assert counted(town) == [("bip 2", 2, 0, 0)]
    alert = Accounts(town).false_alarms.say("Boulangerie", 2)
    assert (alert.box, alert.sequence, alert.source_name) == (box.id, 2, "bip 2")
    assert Accounts(town).false_alarms.counts() == [SourceCount("Boulangerie", "bip 2", 2, 1, 1)]


def test_to_say_it_twice_is_to_say_it_once(town, box):
    Accounts(town).false_alarms.say("Boulangerie", 2)
    Accounts(town).false_alarms.say(box.id, 2)
    assert counted(town) == [("bip 2", 2, 1, 1)]


def test_it_can_be_taken_back_once(town, box):
    Accounts(town).false_alarms.say("Boulangerie", 2)
    assert Accounts(town).false_alarms.take_back(box.id, 2) == "Boulangerie"
    assert counted(town) == [("bip 2", 2, 0, 0)]
    assert key_of(lambda: Accounts(town).false_alarms.take_back("Boulangerie", 2)) == "false-not-said"


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        (lambda false_alarms: false_alarms.say("Tabac", 1), "false-no-shop"),
        (lambda false_alarms: false_alarms.take_back("Tabac", 1), "false-no-shop"),
        (lambda false_alarms: false_alarms.counts("Tabac"), "false-no-shop"),
        (lambda false_alarms: false_alarms.alerts("Tabac"), "false-no-shop"),
        (lambda false_alarms: false_alarms.say("Boulangerie", 3), "false-no-alert"),
        (lambda false_alarms: false_alarms.take_back("Boulangerie", 3), "false-not-said"),
    ],
)
def test_an_unknown_shop_or_sequence_is_a_sentence(town, box, mistake, expected):
    assert key_of(lambda: mistake(Accounts(town).false_alarms)) == expected


@pytest.mark.parametrize("kind", sorted(formats.KINDS))
@pytest.mark.parametrize("flags", [0, TEST_MODE])
def test_only_a_press_that_called_people_counts_and_can_be_false(town, kind, flags):
    """By the rule of the records; the count asks the database, in SQL."""
    [alert] = store(town, enrolled(town), {"sequence": 1, "kind": kind, "flags": flags})
    if alert.for_people and kind in PRESSES:
        Accounts(town).false_alarms.say("Boulangerie", 1)
        assert counted(town) == [("bip 2", 1, 1, 1)]
    else:
        assert key_of(lambda: Accounts(town).false_alarms.say("Boulangerie", 1)) == "false-no-press"
        assert counted(town) == []


# ---- what is counted


def test_false_presses_of_one_incident_count_once(town):
    together = {"sequence": 1, "kind": HELP}, {"sequence": 2, "back": 1}, {"sequence": 3, "back": 2, "source": BIP_1}
    store(town, enrolled(town), *together)
    for sequence in (1, 2, 3):
        Accounts(town).false_alarms.say("Boulangerie", sequence)
    assert counted(town) == [("bip 1", 1, 1, 1), ("bip 2", 2, 1, 1)]


def test_a_shops_bips_and_buttons_are_counted_together_too(town, box):
    store(town, box, {"sequence": 3, "source": BIP_1}, {"sequence": 4, "source": BUTTON})
    store(town, enrolled(town, "Tabac"), {"sequence": 1})
    for sequence in (2, 3):
        Accounts(town).false_alarms.say("Boulangerie", sequence)
    assert counted(town, shop="Boulangerie") == [("button", 1, 0, 2), ("bip 1", 1, 1, 2), ("bip 2", 2, 1, 2)]
    assert counted(town, shop="Tabac") == [("bip 2", 1, 0, 0)]


def test_after_twelve_months_neither_press_nor_false_alarm_counts(town, box):
    Accounts(town).false_alarms.say("Boulangerie", 2)
    assert counted(town, now=NOW + TWELVE_MONTHS - timedelta(seconds=1)) == [("bip 2", 2, 1, 1)]
    assert counted(town, now=NOW + TWELVE_MONTHS) == []


def test_what_was_said_has_a_purpose_and_goes_after_twelve_months(town, box):
    Accounts(town).false_alarms.say("Boulangerie", 1)
    with database.transaction(town.database) as connection:
        row = connection.exec_driver_sql("SELECT * FROM false_alarms").mappings().one()
    assert row["purpose"]
    assert datetime.fromisoformat(row["delete_after"]) == (NOW + timedelta(days=366)).replace(tzinfo=None)
    [late] = store(town, box, {"sequence": 3})
    Accounts(town).false_alarms.say("Boulangerie", 3, now=late.pressed_at + TWELVE_MONTHS)
    with database.transaction(town.database) as connection:
        assert connection.exec_driver_sql("SELECT sequence FROM false_alarms").scalars().all() == [3]


def test_the_count_outlives_the_alert(town, box):
    Accounts(town).false_alarms.say("Boulangerie", 2)
    with database.transaction(town.database) as connection:
        connection.exec_driver_sql("DELETE FROM alerts")
    assert Accounts(town).false_alarms.alerts() == []
    assert counted(town) == [("bip 2", 1, 1, 1)]
    Accounts(town).false_alarms.take_back("Boulangerie", 2)
    assert counted(town) == []


def test_a_shop_keeps_its_history_when_its_box_is_replaced(town, box):
    Accounts(town).false_alarms.say("Boulangerie", 1)
    new = enrolled(town)
    store(town, new, {"sequence": 1}, {"sequence": 7})
    assert key_of(lambda: Accounts(town).false_alarms.say("Boulangerie", 1)) == "false-which-box"
    Accounts(town).false_alarms.say(new.id, 1)
    assert counted(town) == [("bip 2", 4, 2, 2)]
    assert counted(town, shop=new.id) == [("bip 2", 4, 2, 2)]
    assert key_of(lambda: Accounts(town).false_alarms.take_back("Boulangerie", 1)) == "false-which-box"
    Accounts(town).revoke("Boulangerie")
    Accounts(town).false_alarms.say("Boulangerie", 7)
    found = Accounts(town).false_alarms.alerts("Boulangerie")
    assert [(alert.box, alert.sequence, false) for alert, false in found] == [
        (new.id, 7, True),
        (new.id, 1, True),
        (box.id, 2, False),
        (box.id, 1, True),
    ]


def test_the_latest_alerts_are_listed_without_heartbeats(town, box):
    store(town, box, {"sequence": 3, "kind": TAMPER, "source": 0}, {"sequence": 4, "kind": HEARTBEAT, "source": 0})
    store(town, enrolled(town, "Tabac"), {"sequence": 9})

    def listed(*arguments: Any) -> list[tuple[str, int]]:
        return [(alert.name, alert.sequence) for alert, _ in Accounts(town).false_alarms.alerts(*arguments)]

    everything = [("Tabac", 9), ("Boulangerie", 3), ("Boulangerie", 2), ("Boulangerie", 1)]
    assert listed() == everything
    assert listed(None, 2) == everything[:2]
    assert listed("Boulangerie", 2) == everything[1:3]


def test_who_only_reads_needs_no_turn_among_the_writers(town, box):
    with database.transaction(town.database):
        assert counted(town) == [("bip 2", 2, 0, 0)]
        assert len(Accounts(town).false_alarms.alerts()) == 2


# ---- the commands

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def alertbox(town, monkeypatch, capsys) -> Run:
    """`alertbox town COMMAND`, run in the folder that holds the town."""
    monkeypatch.setattr(texts, "_chosen", None)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(town.path.parent)

    def run(command: str, *arguments: str, lang: str = "en") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["alertbox", "--lang", lang, "town", command, "town", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        output = capsys.readouterr()
        return int(end.value.code or 0), output.out, output.err

    return run


def test_alerts_are_listed_a_line_each(town, box, alertbox):
    store(
        town,
        box,
        {"sequence": 3, "kind": HELP, "back": 1, "source": BIP_1},
        {"sequence": 4, "kind": TEST, "source": BUTTON},
        {"sequence": 5, "kind": ALARM, "flags": TEST_MODE, "back": 2},
    )
    Accounts(town).false_alarms.say("Boulangerie", 3)
    at = f"{NOW.astimezone():%Y-%m-%d %H:%M:%S}"
    assert alertbox("alerts", "--last", "4") == (
        0,
        f"{at}  Boulangerie, bip 2: alarm, sequence 5, test, joins incident 3\n"
        f"{at}  Boulangerie, button: test, sequence 4, test\n"
        f"{at}  Boulangerie, bip 1: help, sequence 3, joins incident 2, false alarm\n"
        f"{at}  Boulangerie, bip 2: alarm, sequence 2\n",
        "",
    )
    assert alertbox("alerts", "--last", "3", lang="fr")[1].splitlines() == [
        f"{at}  Boulangerie, bip 2 : alarm, séquence 5, essai, rejoint l'incident 3",
        f"{at}  Boulangerie, button : test, séquence 4, essai",
        f"{at}  Boulangerie, bip 1 : help, séquence 3, rejoint l'incident 2, fausse alarme",
    ]
    assert json.loads(alertbox("alerts", "--shop", box.id, "--json")[1])[2] == {
        "pressed_at": NOW.isoformat(),
        "shop": "Boulangerie",
        "box": box.id,
        "source": "bip 1",
        "kind": "help",
        "sequence": 3,
        "incident": 2,
        "test": False,
        "false": True,
    }


def test_a_town_in_which_nothing_happened_says_so(town, alertbox):
    assert alertbox("alerts") == (0, "No alert is stored.\n", "")
    assert alertbox("bips") == (0, "Nothing was pressed within 12 months, tests aside.\n", "")
    assert (alertbox("alerts", "--json")[1], alertbox("bips", "--json")[1]) == ("[]\n", "[]\n")


def test_from_two_false_alarms_on_a_warning_says_what_is_at_stake(box, alertbox):
    assert alertbox("false", "Boulangerie", "1")[1].splitlines()[1:] == [
        "Boulangerie, bip 2: within 12 months, presses: 2, false alarms: 1"
    ]
    status, output, _ = alertbox("false", "Boulangerie", "2")
    listed, count, warning = output.splitlines()
    assert (status, listed.partition("  ")[2]) == (0, "Boulangerie, bip 2: alarm, sequence 2, false alarm")
    assert count == "Boulangerie, bip 2: within 12 months, presses: 2, false alarms: 2"
    assert warning == (
        "Boulangerie has 2 false alarms within 12 months: the response to it may be withdrawn. "
        "Find the cause with the shopkeeper now."
    )
    assert alertbox("bips")[1] == f"{count}\n{warning}\n"
    assert alertbox("bips", lang="fr")[1].splitlines() == [
        "Boulangerie, bip 2 : en 12 mois, appuis : 2, fausses alarmes : 2",
        "Boulangerie a 2 fausses alarmes en 12 mois : l'intervention peut lui être retirée. "
        "Cherchez-en la cause avec le commerçant sans attendre.",
    ]
    undone = alertbox("false", "--undo", box.id, "1", lang="fr")[1].splitlines()
    assert undone == [
        "Boulangerie, séquence 1 : ce n'est plus une fausse alarme.",
        "Boulangerie, bip 2 : en 12 mois, appuis : 2, fausses alarmes : 1",
    ]
    assert json.loads(alertbox("bips", "--json")[1]) == [
        {"shop": "Boulangerie", "source": "bip 2", "presses": 2, "false_alarms": 1, "shop_false_alarms": 1}
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("false", "Boulangerie", "9"), 1, "alertbox: Boulangerie n'a envoyé aucune alerte de séquence 9 : voyez-les"),
        (("bips", "--shop", "Tabac"), 1, "alertbox: Aucun boîtier de cette commune ne s'appelle ou ne s'appelait"),
        (("false", "Boulangerie", "0"), 2, "Usage:"),
        (("alerts", "--last", "0"), 2, "Usage:"),
    ],
)
def test_a_mistake_at_the_shell_is_a_sentence(box, alertbox, arguments, status, sentence):
    ended, _, errors = alertbox(*arguments, lang="fr")
    assert (ended, errors.startswith(sentence)) == (status, True)


def test_a_name_cannot_steer_the_terminal(town, box, alertbox):
    """Enrolment refuses such a name; a database may come from elsewhere."""
    with database.transaction(town.database) as connection:
        connection.exec_driver_sql("UPDATE boxes SET name = ?", ("Bou\x1b[2J",))
    shown = [
        alertbox(*command)[1] for command in (("alerts",), ("bips",), ("false", box.id, "1"), ("false", box.id, "2"))
    ]
    shown.append(alertbox("false", "--undo", box.id, "1")[1])
    assert all("Bou" in text and "\x1b" not in text for text in shown)


def test_it_is_said_while_the_receiver_runs(town, alertbox):
    with ReceiverThread(town) as receiver:
        box = FakeBox()
        box.account = receiver.enrol(box.public, "Boulangerie")
        with box.connected() as connection:
            for sequence in (1, 2, 3):
                connection.publish(box.alert(sequence, kind=ALARM, source=BIP_2))
                assert connection.ack() == sequence
                assert alertbox("false", "Boulangerie", str(sequence))[0] == 0
        assert counted(town) == [("bip 2", 3, 3, 3)]
        assert receiver.counters() == {"received": 3, "duplicates": 0, "refused": {}}
