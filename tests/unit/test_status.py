"""What holds at this moment, told and measured, and what a person hears of first."""

from box.core import alert, conditions
from box.status import Status


class Listener:
    def __init__(self):
        self.heard = []

    def condition(self, row, on):
        self.heard.append((row, on))


def test_every_condition_has_a_row_and_no_flag_or_kind_has_two():
    names = [name for name in dir(conditions) if name.isupper() and name[0] != "_"]
    columns = ("FLAG", "BEGINS", "ENDS", "SENTENCE", "AREA", "ROWS", "AREAS")
    rows = [getattr(conditions, name) for name in names if name not in columns]
    assert sorted(rows) == list(range(len(conditions.ROWS)))
    flags = [row[conditions.FLAG] for row in conditions.ROWS if row[conditions.FLAG]]
    assert len(set(flags)) == len(flags)
    kinds = [kind for row in conditions.ROWS for kind in (row[conditions.BEGINS], row[conditions.ENDS]) if kind]
    assert len(set(kinds)) == len(kinds)
    for row in conditions.ROWS:
        assert row[conditions.AREA] is None or row[conditions.AREA] in conditions.AREAS


def test_a_change_is_told_to_every_listener_once():
    status, first, second = Status(), Listener(), Listener()
    status.listeners = (first, second)
    for on in (False, True, True, False, False):
        status.set(conditions.CASE_OPEN, on)
    assert first.heard == second.heard == [(conditions.CASE_OPEN, True), (conditions.CASE_OPEN, False)]


def test_a_listener_that_asks_finds_the_condition_as_it_was_told():
    status, seen = Status(), []

    class Asks:
        def condition(self, row, on):
            seen.append(status.is_on(row))

    status.listeners = (Asks(),)
    status.set(conditions.FULL, True)
    status.set(conditions.FULL, False)
    assert seen == [True, False]


def test_a_flag_is_what_is_measured_where_there_is_a_measure_and_what_was_told_elsewhere():
    status, level = Status(), [False]
    status.measure(conditions.MAINS_LOST, lambda: level[0])
    status.set(conditions.BATTERY_LOW, True)
    assert status.flags() == alert.FLAG_BATTERY_LOW
    level[0] = True
    assert status.flags() == alert.FLAG_BATTERY_LOW | alert.FLAG_MAINS_LOST
    assert status.sentence() == conditions.ROWS[conditions.BATTERY_LOW][conditions.SENTENCE]  # mains: not told yet
    level[0] = False
    status.set(conditions.MAINS_LOST, True)
    assert status.flags() == alert.FLAG_BATTERY_LOW


def test_of_several_sentences_the_first_row_is_heard():
    status = Status()
    assert status.sentence() is None
    status.set(conditions.MAINS_LOST, True)
    status.set(conditions.BIP, True, "Bip Till is lost.")
    assert status.sentence() == "Bip Till is lost."
    status.set(conditions.FLASH, True)
    assert status.sentence().startswith("Flash fails")
    assert status.sentence("bips") == "Bip Till is lost."
    assert status.sentence("senses").startswith("There is no mains")
    status.set(conditions.BIP, False)
    assert status.sentence("bips") is None


def test_a_sentence_of_its_writers_may_change_while_the_condition_stands():
    status, listener = Status(), Listener()
    status.listeners = (listener,)
    status.set(conditions.BIP, True, "Bip Till is lost.")
    status.set(conditions.BIP, True, "Bip Door is lost.")
    assert status.sentence() == "Bip Door is lost." and len(listener.heard) == 1


def test_what_is_no_fault_has_no_sentence():
    status = Status()
    for row in (conditions.CLOCK_UNSURE, conditions.NO_MODEM, conditions.TEST_MODE, conditions.LEARNING):
        status.set(row, True)
        assert status.is_on(row)
    assert status.sentence() is None


def test_the_box_is_busy_while_any_input_is_open():
    class Input:
        open = False

    status, inputs = Status(), (Input(), Input())
    assert not status.busy
    status.inputs = inputs
    assert not status.busy
    inputs[1].open = True
    assert status.busy
