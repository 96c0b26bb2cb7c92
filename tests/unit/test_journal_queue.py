"""The journal as a queue: presses that only memory holds, states, the order of sending, and the room of each kind."""

from box.core import alert
from box.errors import JournalFull, StorageError
from box.storage.journal import Journal
from test_journal import SLOTS, blank, body, opened, put, signature
from virtual.nor import NorFlash

HELD = 16
UNWRITTEN = 1 << 31


def hold(journal, number, kind):
    sequence = UNWRITTEN | number
    journal.hold(sequence, kind, body(sequence, kind), signature(number))
    return sequence


def fails(action, error=StorageError):
    try:
        action()
    except error:
        return True
    return False


def queue(journal):
    """All undelivered sequences in the order of sending."""
    found = []
    while True:
        best = journal.best(found)
        if best is None:
            return found
        assert best not in found, "the queue repeats itself"
        found.append(best)


def test_a_press_in_memory_is_sent_like_those_on_flash():
    journal = opened(blank())
    help_, alarm = put(journal, alert.HELP), put(journal, alert.ALARM)
    held = hold(journal, 1, alert.ALARM)
    weaker = hold(journal, 2, alert.INFORM)
    assert queue(journal) == [held, alarm, help_, weaker]
    assert (journal.undelivered(), journal.undelivered_presses()) == (4, 4)
    assert (journal.kind(held), journal.state(held)) == (alert.ALARM, 0)
    assert journal.load(held) == (body(held, alert.ALARM), signature(1))
    assert journal.load(weaker) == (body(weaker, alert.INFORM), signature(2))


def test_a_press_in_memory_leaves_with_its_acknowledgement():
    journal = opened(blank())
    on_flash = put(journal, alert.HELP)
    held = hold(journal, 1, alert.ALARM)
    assert journal.received(held) and not journal.received(held)
    assert queue(journal) == [on_flash]
    assert (journal.kind(held), journal.state(held)) == (None, None)
    assert fails(lambda: journal.load(held))
    # The room is free again: as many as ever are held.
    for number in range(2, 2 + HELD):
        hold(journal, number, alert.ALARM)
    assert journal.undelivered_presses() == HELD + 1


def test_who_takes_charge_of_a_press_in_memory_is_not_written_to_flash():
    flash = NorFlash(blank())
    journal = Journal(flash)
    journal.recover()
    held = hold(journal, 1, alert.ALARM)
    before = flash.operations
    assert journal.in_charge(held) is False
    assert journal.received(held) is True
    assert flash.operations == before


def test_a_restart_forgets_what_only_memory_held():
    cells = blank()
    journal = opened(cells)
    on_flash = put(journal, alert.INFORM)
    hold(journal, 1, alert.ALARM)
    journal = opened(cells)
    assert queue(journal) == [on_flash] and journal.next_sequence == on_flash + 1


def test_memory_holds_sixteen_presses_and_no_more_of_the_same_strength():
    journal = opened(blank())
    held = [hold(journal, number, alert.HELP) for number in range(HELD)]
    for kind in (alert.HELP, alert.INFORM):
        assert fails(lambda kind=kind: hold(journal, 99, kind), JournalFull)
    assert queue(journal) == held[::-1] and journal.dropped == 0


def test_a_stronger_press_takes_the_place_of_the_oldest_of_the_weakest_in_memory():
    journal = opened(blank())
    kinds = [alert.ALARM, alert.HELP, alert.INFORM, alert.HELP, alert.INFORM] + [alert.ALARM] * (HELD - 5)
    held = [hold(journal, number, kind) for number, kind in enumerate(kinds)]
    stronger = [hold(journal, 50 + i, alert.ALARM) for i in range(4)]
    assert journal.dropped == 4
    gone = [held[2], held[4], held[1], held[3]]
    assert [journal.kind(sequence) for sequence in gone] == [None] * 4
    for sequence in gone:
        assert fails(lambda sequence=sequence: journal.load(sequence))
    kept = [sequence for sequence in held + stronger if sequence not in gone]
    assert queue(journal) == sorted(kept, reverse=True)
    assert journal.undelivered() == journal.undelivered_presses() == HELD
    assert fails(lambda: hold(journal, 99, alert.ALARM), JournalFull)


def test_a_press_on_flash_is_never_given_up_for_one_in_memory():
    journal = opened(blank())
    weak = put(journal, alert.INFORM)
    for number in range(HELD):
        hold(journal, number, alert.HELP)
    hold(journal, 50, alert.ALARM)
    assert journal.kind(weak) == alert.INFORM and journal.load(weak)


def test_a_new_key_begins_with_an_empty_memory():
    journal = opened(blank())
    for number in range(HELD):
        hold(journal, number, alert.ALARM)
    put(journal, alert.ALARM)
    journal.format(bytes(8))
    assert (journal.undelivered(), journal.undelivered_presses(), queue(journal)) == (0, 0, [])
    hold(journal, 1, alert.INFORM)
    assert journal.dropped == 0


def test_a_state_is_undelivered_then_received_then_in_charge():
    cells = blank()
    journal = opened(cells)
    first, second = put(journal, alert.HELP), put(journal, alert.INFORM)
    assert [journal.state(sequence) for sequence in (first, second, 99)] == [0, 0, None]
    journal.received(first)
    assert [journal.state(sequence) for sequence in (first, second)] == [alert.RECEIVED, 0]
    journal.in_charge(first)
    journal.in_charge(second)
    # Somebody is in charge, and the receiver still has to have it.
    assert [journal.state(sequence) for sequence in (first, second)] == [alert.IN_CHARGE, 0]
    journal.received(second)
    for reader in (journal, opened(cells)):
        assert [reader.state(sequence) for sequence in (first, second, 99)] == [alert.IN_CHARGE] * 2 + [None]


def test_what_is_unknown_is_neither_received_nor_in_charge():
    journal = opened(blank())
    put(journal, alert.HELP)
    for sequence in (0, 2, 99, UNWRITTEN):
        assert journal.received(sequence) is False
        assert journal.in_charge(sequence) is False
        assert journal.kind(sequence) is None
        assert fails(lambda sequence=sequence: journal.load(sequence))
    assert journal.undelivered() == 1


def test_all_kinds_go_out_strongest_first_and_the_newer_before_the_older():
    kinds = (alert.HEARTBEAT, alert.INFORM, alert.TAMPER, alert.ALARM, alert.TEST, alert.HELP, alert.CANCEL_REQUEST)
    cells = blank()
    journal = opened(cells)
    sequences = [(alert.strength(kind), put(journal, kind)) for kind in kinds + tuple(reversed(kinds))]
    expected = [sequence for _, sequence in sorted(sequences, reverse=True)]
    assert queue(journal) == expected
    # In any order of the index: each delivery moves the last entry into the gap.
    for sequence in (expected[3], expected[0], expected[-1]):
        journal.received(sequence)
        expected.remove(sequence)
        assert queue(journal) == expected
    assert queue(opened(cells)) == expected


def test_a_journal_tells_no_boot_count_that_it_cannot_read():
    cells = blank()
    journal = opened(cells)
    assert journal.highest_boot == 0
    journal.append(1, alert.ALARM, b"of another version", signature(1))
    journal = opened(cells)
    assert (journal.highest_boot, queue(journal)) == (0, [1])


def test_a_journal_without_a_ring_is_fresh_until_it_is_formatted():
    cells = blank()
    journal = opened(cells)
    assert journal.fresh
    journal.format(bytes(8))
    assert not opened(cells).fresh


def filled(kind, blocks=4):
    """How many of a kind fit in, and the journal after that, read anew."""
    cells = blank(blocks)
    journal = opened(cells)
    count = 0
    while not fails(lambda: put(journal, kind), JournalFull):
        count += 1
        while journal.prepare():
            pass
        assert count < 1000
    return count, journal


def test_undelivered_presses_take_all_the_room():
    for kind in (alert.INFORM, alert.HELP, alert.ALARM, alert.CANCEL_REQUEST):
        count, journal = filled(kind, blocks=5)
        assert count == journal.undelivered_presses() == 2 * SLOTS
        assert journal.full and journal.dropped == 0


def test_undelivered_faults_take_seven_eighths_of_the_room():
    count, journal = filled(alert.TAMPER, blocks=5)
    assert count == journal.undelivered() == 2 * SLOTS * 7 // 8
    assert (journal.undelivered_presses(), journal.full, journal.dropped) == (0, True, 0)
    assert put(journal, alert.INFORM)


def test_heartbeats_and_tests_go_in_until_presses_and_faults_take_three_quarters():
    journal = opened(blank(5))
    threshold = 2 * SLOTS * 3 // 4
    for number in range(threshold):
        assert not journal.full
        for kind in (alert.HEARTBEAT, alert.TEST):
            journal.received(put(journal, kind))
        put(journal, alert.TAMPER if number % 2 else alert.HELP)
        while journal.prepare():
            pass
    assert journal.full
    for kind in (alert.HEARTBEAT, alert.TEST):
        assert fails(lambda kind=kind: put(journal, kind), JournalFull)
    assert put(journal, alert.TAMPER)
    journal.received(journal.best())
    journal.received(journal.best())
    assert not journal.full and put(journal, alert.HEARTBEAT)


def test_a_fault_is_kept_when_its_block_is_erased_while_there_is_room_and_given_up_when_there_is_none():
    journal = opened(blank(5))
    fault = put(journal, alert.TAMPER)
    limit = 2 * SLOTS * 7 // 8
    for presses in (limit - 3, limit):
        while journal.undelivered_presses() < presses:
            put(journal, alert.HELP)
        for _ in range(6 * SLOTS):  # each block has its turn to be erased
            journal.received(put(journal, alert.ALARM))
            while journal.prepare():
                pass
        assert journal.kind(fault) == (alert.TAMPER if presses < limit else None)
    assert journal.dropped == 1 and journal.undelivered_presses() == limit


def test_a_press_that_flash_has_lost_is_counted_and_leaves_the_queue_when_its_block_is_emptied():
    cells = blank(5)
    journal = opened(cells)
    kept, lost, last = [put(journal, alert.HELP) for _ in range(3)]
    for sequence in (lost, last):
        place = bytes(cells).index(signature(sequence))
        cells[place : place + 8] = bytes(8)
    assert queue(journal) == [last, lost, kept]
    for _ in range(6 * SLOTS):
        journal.received(put(journal, alert.ALARM))
        while journal.prepare():
            pass
    assert queue(journal) == [kept]
    assert (journal.dropped, journal.undelivered_presses()) == (2, 1)


def test_a_new_key_begins_with_all_the_room():
    journal = opened(blank(5))
    for kind in (alert.HELP, alert.TAMPER, alert.HEARTBEAT):
        put(journal, kind)
    journal.format(bytes(8))
    count = 0
    while not fails(lambda: put(journal, alert.TAMPER), JournalFull):
        count += 1
        while journal.prepare():
            pass
    assert count == 2 * SLOTS * 7 // 8


def test_a_start_in_the_middle_of_emptying_a_block_finds_each_alert_once():
    cells = blank()
    journal = opened(cells)
    waiting = [put(journal, alert.HELP) for _ in range(3)]
    copies = set()
    for _ in range(4 * SLOTS):
        newest = put(journal, alert.INFORM)
        journal.received(newest)
        while True:
            again = opened(bytearray(cells))
            copies.add(max([bytes(cells).count(signature(sequence)) for sequence in waiting]))
            assert (queue(again), again.undelivered()) == (waiting[::-1], 3)
            for sequence in waiting:
                assert again.load(sequence) == (body(sequence, alert.HELP), signature(sequence))
                assert again.received(sequence)
            assert (again.best(), again.undelivered()) == (None, 0)
            if not journal.prepare():
                break
    assert copies == {1, 2}


def test_of_two_faults_the_newer_goes_first_in_any_order_of_the_index():
    journal = opened(blank())
    first, second, third = [put(journal, kind) for kind in (alert.TAMPER, alert.MAINS_LOST, alert.JAMMING)]
    journal.received(first)  # the last entry of the index moves into the gap
    assert queue(journal) == [third, second]


def test_heartbeats_that_wait_are_counted_when_they_go_and_are_moved_nowhere():
    flash = NorFlash(blank())
    journal = Journal(flash)
    journal.recover()
    while journal.prepare():
        pass
    for _ in range(SLOTS):
        put(journal, alert.HEARTBEAT)
    steps, erases = 0, sum(flash.erases)
    while journal.dropped < SLOTS:
        journal.received(put(journal, alert.HELP))
        while journal.prepare():
            steps += 1
    assert journal.dropped == SLOTS and journal.undelivered() == 0
    assert steps == sum(flash.erases) - erases  # a move would be a step without an erase
