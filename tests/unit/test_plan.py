"""The plan on flash: after any cut an incident is at the last step that was written, or at the one being written."""

from box import log
from box.storage.plan import LONGEST, Plan
from box.storage.ring import Ring
from virtual.nor import BLOCK, NorFlash, PowerCut

log.now = lambda: 0  # CPython has no ticks
BOX, OTHER = b"\x01\x02\x03\x04\x05\x06\x07\x08", b"\x02" * 8


def blank(blocks=4):
    return NorFlash(bytearray(b"\xff" * (blocks * BLOCK)))


def opened(flash, box=BOX):
    plan = Plan(flash, box)
    plan.recover()
    return plan


def idle(plan):
    while plan.prepare():
        pass


def test_the_newest_step_of_each_incident_outlasts_a_restart():
    flash = blank()
    plan = opened(flash)
    assert plan.steps() == {}
    for incident, step in ((7, b"first"), (9, b"x" * LONGEST), (7, b"second")):
        plan.write(incident, step)
    assert plan.steps() == opened(flash).steps() == {7: b"second", 9: b"x" * LONGEST}


def test_an_incident_that_ended_stays_so():
    flash = blank()
    plan = opened(flash)
    plan.write(7, b"step")
    plan.write(7, b"")
    plan.write(8, b"")
    assert plan.steps() == opened(flash).steps() == {}


def test_a_step_costs_one_program_and_no_erase_and_lives_on_when_its_block_is_erased():
    flash = blank()
    plan = opened(flash)
    plan.write(1, b"the oldest")
    idle(plan)
    for number in range(1000):
        before = flash.operations
        plan.write(2, b"%d" % number)
        assert flash.operations == before + 1
        idle(plan)
    assert plan.steps() == opened(flash).steps() == {1: b"the oldest", 2: b"999"}


def test_more_incidents_than_it_keeps_end_the_oldest():
    flash = blank()
    plan = opened(flash)
    for incident in range(1, 21):
        plan.write(incident, b"step")
    assert sorted(plan.steps()) == sorted(opened(flash).steps()) == list(range(5, 21))


def test_a_step_that_is_too_long_is_refused_and_changes_nothing():
    plan = opened(blank())
    plan.write(1, b"here")
    try:
        plan.write(1, b"x" * (LONGEST + 1))
        raise AssertionError("it was taken")
    except ValueError:
        pass
    assert plan.steps() == {1: b"here"}


def test_another_key_begins_without_a_plan_because_sequences_belong_to_a_key():
    flash = blank()
    opened(flash).write(7, b"step")
    assert opened(flash, OTHER).steps() == {}
    assert opened(flash, BOX).steps() == {}


def test_a_step_of_another_version_is_given_up_and_the_others_are_kept():
    flash = blank()
    plan = opened(flash)
    plan.write(7, b"ours")
    ring = Ring(flash, 64, plan._keep, plan._moved)
    ring.recover()
    ring.append(ring.next_id, b"\x02\x08\x00\x00\x00theirs")
    assert opened(flash).steps() == {7: b"ours"}


def test_a_cut_at_any_operation_leaves_the_step_before_or_the_one_being_written():
    base = blank()
    plan = opened(base)
    plan.write(1, b"old")
    for number in range(70):
        plan.write(2, b"%d" % number)
    cells = bytes(base._cells)
    for operation in range(1, 40):
        for seed in range(4):
            flash = NorFlash(bytearray(cells))
            plan = opened(flash)
            flash.cut_after(operation, seed)
            done, begun = b"69", b"69"
            try:
                for number in range(70, 90):
                    begun = b"%d" % number
                    plan.write(2, begun)
                    done = begun
                    idle(plan)
            except PowerCut:
                pass
            flash = flash.restart()
            first = opened(flash).steps()
            assert first[1] == b"old" and first[2] in (done, begun), (operation, seed)
            assert opened(flash).steps() == first
