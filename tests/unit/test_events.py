"""The event log keeps the last events and never counts a boot twice."""

from box.storage.events import EventLog
from virtual.nor import BLOCK, NorFlash, PowerCut


def blank(blocks=16):
    return bytearray(b"\xff" * (blocks * BLOCK))


def opened(flash, floor=0):
    log = EventLog(flash)
    log.recover(floor)
    return log


def test_each_boot_is_counted_and_recorded():
    flash = NorFlash(blank(4))
    for boot in range(1, 40):
        log = opened(flash)
        assert log.boot == boot
        assert log.last(1)[0]["event"] == "boot" and log.last(1)[0]["boot"] == boot
        flash = flash.restart()


def test_the_boot_count_is_above_the_floor_when_the_log_was_lost():
    cells = blank(4)
    assert opened(NorFlash(cells), 41).boot == 42
    assert opened(NorFlash(cells), 3).boot == 43


def test_events_come_back_newest_first_with_all_they_say():
    cells = blank(4)
    log = opened(NorFlash(cells))
    log.record(1800000000, 12, log.TIME_SAVED)
    log.record(None, 4000000000, log.TASK_DIED, "dispatcher: " + "x" * 60)
    log.record(0, 1, 200, "caf\u00e9")
    for reader in (log, opened(NorFlash(cells))):
        events = [event for event in reader.last(10) if event["event"] != "boot"]
        assert [event["event"] for event in events] == ["unknown", "task died", "time saved"]
        assert [event["utc"] for event in events] == [0, 0, 1800000000]
        assert [event["uptime"] for event in events] == [1, 4000000000, 12]
        assert [event["detail"] for event in events] == ["caf??", "dispatcher: " + "x" * 25, ""]
        assert all(event["boot"] == 1 for event in events)
    assert len(log.last(2)) == 2


def test_the_last_known_time_is_found():
    cells = blank(4)
    log = opened(NorFlash(cells))
    assert log.last_utc == 0
    log.record(1800000000, 12, log.TIME_SAVED)
    log.record(1800003600, 3612, log.TIME_SAVED)
    log.record(None, 3613, log.LINK_DOWN)
    for _ in range(3):
        assert opened(NorFlash(cells)).last_utc == 1800003600


def test_the_last_known_time_is_not_that_of_an_older_event_without_one():
    cells = blank(4)
    log = opened(NorFlash(cells))
    log.record(1800000000, 12, log.TIME_SAVED)
    log.record(1700000000, 13, log.TIME_SAVED)  # a correction backwards
    assert opened(NorFlash(cells)).last_utc == 1700000000


def test_a_boot_is_recorded_with_its_detail_and_without_a_time():
    log = EventLog(NorFlash(blank(4)))
    assert log.boot == 0
    log.recover(6, "reset 4")
    boot = {"id": 1, "boot": 7, "utc": 0, "uptime": 0, "event": "boot", "detail": "reset 4"}
    assert log.last(9) == [boot]


def test_events_are_told_in_pages():
    log = opened(NorFlash(blank(4)))
    for i in range(9):
        log.record(0, i, log.LINK_UP, str(i))
    assert [event["detail"] for event in log.last(3)] == ["8", "7", "6"]
    assert [event["detail"] for event in log.last(3, 3)] == ["5", "4", "3"]
    assert [event["detail"] for event in log.last(3, 8)] == ["0", ""]
    assert [event["id"] for event in log.last(2, 1)] == [9, 8]
    assert log.last(3, 10) == log.last(0) == log.last(0, 2) == []


def test_a_detail_is_told_in_ascii():
    log = opened(NorFlash(blank(4)))
    log.record(0, 0, log.SIREN, "\x7f \u0100 \u00e9")  # bytes 7f, c4 80, c3 a9
    assert log.last_detail(log.SIREN) == "\x7f ?? ??"


def test_the_newest_detail_of_a_code_is_found():
    cells = blank(4)
    log = opened(NorFlash(cells))
    assert log.last_detail(log.SIREN) is None
    for code, detail in ((log.SIREN, "armed"), (log.JAMMING, "2"), (log.SIREN, "off"), (log.LINK_UP, "")):
        log.record(0, 1, code, detail)
    for reader in (log, opened(NorFlash(cells))):
        assert [reader.last_detail(code) for code in (log.SIREN, log.JAMMING, log.EMPTY)] == ["off", "2", None]


def test_each_code_has_its_name():
    log = opened(NorFlash(blank(4)))
    names = (
        "boot", "link up", "link down", "storage fault", "key made", "time saved", "task died", "bip fault", "bip well",
        "bip paired", "bip removed", "siren", "jamming", "battery empty", "unknown",
    )  # fmt: skip
    for code, name in enumerate(names, 1):
        log.record(0, 0, code)
        assert log.last(1)[0]["event"] == name
    log.record(0, 0, 0)
    assert log.last(1)[0]["event"] == "unknown"


def test_five_hundred_events_are_kept_in_64_kib_and_the_boot_count_outlives_its_event():
    cells = blank(16)
    log = opened(NorFlash(cells), 99)
    for i in range(2500):
        log.record(1700000000 + i, i, log.LINK_UP, "n %d" % i)
        while log.prepare():
            pass
    log = opened(NorFlash(cells))
    assert log.boot == 101
    events = log.last(2000)
    assert len(events) >= 500
    assert [event["detail"] for event in events[1:]] == ["n %d" % i for i in range(2499, 2500 - len(events), -1)]


def test_an_event_is_one_program():
    flash = NorFlash(blank(4))
    log = opened(flash)
    before = flash.operations
    log.record(0, 5, log.LINK_UP)
    assert flash.operations == before + 1


def test_no_cut_repeats_a_boot_count_or_loses_an_event():
    cells = blank(4)
    log = opened(NorFlash(cells))
    for i in range(185):  # so that the cuts below meet an erase
        log.record(0, i, log.LINK_UP)
        while log.prepare():
            pass
    for cut in range(1, 14):
        for seed in range(6):
            flash = NorFlash(bytearray(cells))
            boots, written = [1], []
            for cuts in ((cut, seed), (1 + (cut + seed) % 6, seed), (0, 0)):
                flash = flash.restart()
                flash.cut_after(*cuts)
                try:
                    log = opened(flash)
                    boots.append(log.boot)
                    for i in range(3):
                        log.record(0, 1000 + i, log.LINK_DOWN, "%d %d" % (log.boot, i))
                        written.append("%d %d" % (log.boot, i))
                        log.prepare()
                except PowerCut:
                    pass
            assert boots == sorted(set(boots))
            assert [w for w in reversed(written) if w not in [e["detail"] for e in log.last(30)]] == []
