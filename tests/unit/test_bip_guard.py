"""The strict receiver: nothing old, nothing forged, and no press lost to its strictness."""

import gc
import json

import bip_packets as bip
from bip_packets import Receiver, bound, forged, packet, plain
from box.core import bip_guard, ccm
from box.core.bip import Bips
from box.core.bip_faults import BATTERY_LOW, FAULTS, FORGED, LOST, PLAIN, RESTARTED
from box.core.bip_frame import Events, Frame
from box.core.gesture import CLICK, DOUBLE, HOLD

SECOND, MINUTE, HOUR = 1000, 60 * 1000, 3600 * 1000


def guard(seen=-1, reserved=-1, supervision_s=0, now_ms=0):
    return Receiver(bound(last=seen, reserved=reserved, supervision_s=supervision_s, now_ms=now_ms))


def keyless():
    return Receiver(bound(key=b""))


def taken(receiver, payload, now_ms=0):
    """(counter, gesture) of what was let through, or None."""
    verdict = receiver.take(payload, now_ms)
    if verdict is None:
        return None
    assert verdict.authentic
    return verdict.counter, verdict.gesture


def test_the_tests_own_bip_seals_as_the_hosts_library_does():
    vectors = json.load(open(__file__.rsplit("/", 2)[0] + "/vectors/bthome.json"))["ccm"]
    for vector in vectors:
        key, nonce, message = [bytes.fromhex(vector[name]) for name in ("key", "nonce", "message")]
        assert bip.seal(key, nonce, message).hex() == vector["sealed"] + vector["tag"]


def test_presses_are_let_through_with_their_gesture_and_counter():
    receiver = guard()
    events = ((0x01, CLICK), (0x02, DOUBLE), (0x03, DOUBLE), (0x04, HOLD), (0x06, HOLD), (0x80, HOLD), (0xFE, HOLD))
    for counter, (event, gesture) in enumerate(events):
        assert taken(receiver, packet(counter, event)) == (counter, gesture)
    assert taken(receiver, packet(100, bip.PRESENCE, 77), 5) == (100, 0)
    assert receiver.presses == 7 and receiver.heard_ms == 5 and receiver.percent == 77
    assert receiver.refused == 0 and receiver.look(5) == (0, 0)


def test_the_repeats_of_a_packet_are_one_press():
    receiver = guard()
    assert taken(receiver, packet(7, bip.PRESS)) == (7, CLICK)
    for now_ms in range(0, 3000, 100):
        assert taken(receiver, packet(7, bip.PRESS), now_ms) is None
    assert receiver.presses == 1 and receiver.refused == 0


def test_a_lower_counter_is_never_a_press_of_the_bip_without_doubt():
    receiver = guard(seen=1000, reserved=1000)
    for counter in (0, 1, 99, 100, 500, 999, 1000):
        for event in (bip.PRESENCE, bip.PRESS, bip.HOLD_PRESS):
            verdict = receiver.take(packet(counter, event), counter * SECOND)
            assert verdict is None or (not verdict.authentic and verdict.counter is None)
    assert taken(receiver, packet(1001, bip.PRESS), 2000 * SECOND) == (1001, CLICK)
    assert not receiver.take(packet(1000, bip.PRESS), 2020 * SECOND).authentic


def test_repeats_of_the_packet_before_the_last_are_nothing():
    receiver = guard()
    assert taken(receiver, packet(7, bip.HOLD_PRESS)) == (7, HOLD)
    assert taken(receiver, packet(8), SECOND) == (8, 0)
    for now_ms in range(SECOND, 4 * SECOND, 100):
        assert receiver.take(packet(7, bip.HOLD_PRESS), now_ms) is None
    assert receiver.refused == 0 and receiver.look(4 * SECOND) == (0, 0)


def test_counters_as_large_as_a_unix_time_and_the_largest_are_taken():
    receiver = guard(seen=1780672257, reserved=1780672300)
    assert taken(receiver, packet(1780672258, bip.PRESS)) == (1780672258, CLICK)
    assert taken(receiver, packet(0xFFFFFFFF, bip.PRESS), MINUTE) == (0xFFFFFFFF, CLICK)
    assert not receiver.take(packet(0, bip.PRESS), MINUTE).authentic


def test_what_is_in_the_clear_is_refused_once_a_key_is_bound():
    receiver = guard()
    for now_ms in range(0, 60 * SECOND, SECOND):
        assert receiver.take(plain(bip.HOLD_PRESS), now_ms) is None
    assert receiver.look(MINUTE) == (PLAIN, 0)
    assert taken(receiver, packet(1, bip.PRESS), MINUTE) == (1, CLICK)


def test_a_bip_without_a_key_is_believed_once_a_minute_and_never_quite():
    receiver = keyless()
    let_through = []
    for now_ms in range(0, 3 * MINUTE, SECOND):
        verdict = receiver.take(plain(bip.HOLD_PRESS, now_ms // SECOND % 256), now_ms)
        if verdict:
            let_through.append((now_ms, verdict.gesture, verdict.counter, verdict.authentic))
    assert let_through == [(minute * MINUTE, HOLD, None, False) for minute in range(3)]
    assert (receiver.presses, receiver.percent) == (3, 90)
    assert receiver.look(3 * MINUTE) == (0, 0)


def test_a_bip_without_a_key_that_seals_what_it_says_is_refused():
    receiver = keyless()
    for now_ms in range(0, 60 * SECOND, SECOND):
        assert receiver.take(packet(1 + now_ms, bip.HOLD_PRESS), now_ms) is None
    assert receiver.look(MINUTE) == (FORGED, 0)


def test_another_bips_packet_or_key_is_refused():
    receiver = guard()
    assert receiver.take(packet(1, bip.PRESS, mac=bip.OTHER_MAC), 0) is None
    assert receiver.take(packet(1, bip.PRESS, key=bip.OTHER_KEY), 0) is None
    assert receiver.take(forged(1), 0) is None
    assert receiver.refused == 3
    assert receiver.take(packet(1, bip.PRESS)[:-1], 0) is None  # not even an advertisement
    assert receiver.refused == 3
    assert taken(receiver, packet(1, bip.PRESS)) == (1, CLICK)


# ---- after a start ----


def test_after_a_start_a_press_counts_above_what_was_seen_and_presence_only_above_what_was_reserved():
    receiver = guard(seen=100, reserved=164)
    assert taken(receiver, packet(100, bip.PRESS)) is None
    assert taken(receiver, packet(130)) is None
    assert taken(receiver, packet(164), SECOND) is None
    assert receiver.heard_ms is None and receiver.percent is None and receiver.refused == 0
    assert taken(receiver, packet(101, bip.PRESS), 2 * SECOND) == (101, CLICK)


def test_a_press_within_the_reserved_counters_makes_what_follows_it_count():
    receiver = guard(seen=100, reserved=164)
    assert taken(receiver, packet(120, bip.PRESS)) == (120, CLICK)
    assert taken(receiver, packet(121)) == (121, 0)
    assert taken(receiver, packet(120)) is None


def test_presence_above_what_was_reserved_counts_at_once():
    receiver = guard(seen=100, reserved=164)
    assert taken(receiver, packet(165)) == (165, 0)
    assert taken(receiver, packet(166)) == (166, 0)
    assert receiver.take(packet(150), 0) is None


def test_what_may_be_old_keeps_a_bip_from_being_lost_but_only_while_it_rises():
    receiver = guard(seen=100, reserved=164, supervision_s=60)
    for i in range(10):
        assert taken(receiver, packet(110 + i), i * 50 * SECOND) is None
        assert receiver.look(i * 50 * SECOND) == (0, 0)
    last = 450 * SECOND
    for i in range(10):  # the same ones again
        assert taken(receiver, packet(110 + i), last + i * 5 * SECOND) is None
    assert receiver.look(last + 61 * SECOND) == (LOST, 0)


def test_a_bip_without_any_counter_on_flash_begins_where_it_is():
    assert taken(guard(), packet(0)) == (0, 0)
    assert taken(guard(), packet(123456)) == (123456, 0)


# ---- attacks ----


class Counting:
    """Counts how often something was decrypted, in the place of ccm.unseal."""

    def __init__(self):
        self.calls = 0
        self._unseal = ccm.unseal

    def __call__(self, *what):
        self.calls += 1
        return self._unseal(*what)

    def run(self, test):
        ccm.unseal = self
        try:
            test()
        finally:
            ccm.unseal = self._unseal


def test_guesses_are_tried_fifty_times_a_second_at_most():
    receiver = guard()
    counting = Counting()
    packets = [forged(5, i) for i in range(50)]

    def flood():
        for now_ms in range(0, 30 * SECOND, 5):
            assert receiver.take(packets[now_ms % 50], now_ms) is None

    counting.run(flood)
    assert 50 * 30 <= counting.calls <= 50 * 30 + 50
    assert receiver.look(30 * SECOND) == (FORGED, 0)


def test_replays_and_what_may_be_old_are_rate_limited_too():
    for seen, reserved in ((10000, 10000), (0, 10000)):
        receiver = guard(seen, reserved)
        counting = Counting()
        packets = [packet(9000 + i) for i in range(40)]

        def flood(receiver=receiver, packets=packets):
            for now_ms in range(0, 10 * SECOND, 5):
                assert receiver.take(packets[now_ms // 5 % 40], now_ms) is None

        counting.run(flood)
        assert 50 * 10 <= counting.calls <= 50 * 10 + 50


def test_tries_are_not_saved_up():
    receiver = guard()
    counting = Counting()
    packets = [forged(5, i) for i in range(100)]

    def burst():
        for payload in packets:
            receiver.take(payload, HOUR)

    counting.run(burst)
    assert counting.calls == 50


def test_the_repeats_of_an_old_packet_are_not_even_looked_into():
    for payload in (packet(7), packet(150)):  # lower than what was seen; perhaps let through before
        receiver = guard(seen=100, reserved=164)
        counting = Counting()

        def repeats(receiver=receiver, payload=payload):
            for now_ms in range(0, 3 * SECOND, 100):
                assert receiver.take(payload, now_ms) is None

        counting.run(repeats)
        assert counting.calls == 1 and receiver.refused <= 1


def heard_under_a_flood(apart_ms, rounds):
    """Forgeries come in the bip's name with its counter; it repeats its press for 3 s, 100 ms and a little apart."""
    packets = [forged(6, i) for i in range(64)]
    press = packet(6, bip.HOLD_PRESS)
    seed, heard = 1, 0
    for _ in range(rounds):
        receiver = guard(seen=5, reserved=5)
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        repeat_ms = SECOND + (seed >> 8) % 1000
        end_ms = repeat_ms + 3 * SECOND
        for now_ms in range(0, end_ms, apart_ms):
            assert receiver.take(packets[now_ms % 64], now_ms) is None
            if now_ms >= repeat_ms:
                seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
                repeat_ms += 100 + (seed >> 8) % 10
                if receiver.take(press, now_ms):
                    heard += 1
                    break
    return heard


def test_a_press_is_heard_through_200_forgeries_a_second():
    assert heard_under_a_flood(5, 40) == 40


def test_most_presses_are_heard_through_1000_forgeries_a_second():
    assert heard_under_a_flood(1, 20) >= 14


def test_a_flood_in_the_clear_or_of_repeats_costs_no_tries():
    receiver = guard(seen=4, reserved=4)
    assert taken(receiver, packet(5)) == (5, 0)
    for _ in range(1000):
        assert receiver.take(plain(), 0) is None
        assert receiver.take(packet(5), 0) is None
    for counter in range(6, 100):  # nor do good packets
        assert taken(receiver, packet(counter), 0) == (counter, 0)


def test_refusals_are_a_fault_only_when_they_persist_and_it_ends_by_itself():
    receiver = guard()
    for now_ms in (0, SECOND, 2 * SECOND, 4999):  # one press of a bip with another key
        receiver.take(forged(1, now_ms), now_ms)
    receiver.take(forged(2), 6 * SECOND)
    assert receiver.look(7 * SECOND) == (0, 0)
    receiver.take(forged(3), 12 * SECOND)
    assert receiver.look(12 * SECOND) == (FORGED, 0) and receiver.faults == FORGED
    assert receiver.look(13 * SECOND) == (0, 0)
    assert receiver.look(12 * SECOND + HOUR) == (0, 0)
    assert receiver.look(12 * SECOND + HOUR + 1) == (0, FORGED) and receiver.faults == 0


def test_refusals_now_and_then_are_no_fault():
    receiver = guard()
    for i in range(100):
        receiver.take(forged(1, i), i * 11 * MINUTE)
        assert receiver.look(i * 11 * MINUTE) == (0, 0)


def test_a_fault_stays_one_fault_while_the_attacker_varies():
    receiver = guard(seen=50000, reserved=50000)
    begun = []
    for i in range(100):
        payload = (forged(1, i), plain(), packet(2000 + i % 7 * 11))[i % 3]
        receiver.take(payload, i * 6 * SECOND)
        begun.append(receiver.look(i * 6 * SECOND))
    assert [change for change in begun if change != (0, 0)] == [(RESTARTED, 0), (FORGED, 0)]


# ---- counters that fell ----


def unsure(receiver, counters, now_ms=0, apart_ms=10 * SECOND, event=bip.PRESS):
    """The times, in minutes, at which a press with one of these counters was let through."""
    times = []
    for counter in counters:
        verdict = receiver.take(packet(counter, event), now_ms)
        if verdict:
            assert not verdict.authentic and verdict.fell and verdict.counter is None
            times.append(now_ms // MINUTE)
        now_ms += apart_ms
    return times


def test_a_press_whose_counter_fell_is_of_an_unsure_source_by_however_much_it_fell():
    for last, counter in ((1780672300, 1780672257), (5000, 3), (5000, 4999), (0xFFFFFFFF, 0)):
        receiver = guard(seen=last, reserved=last)
        assert unsure(receiver, range(counter, min(counter + 12, last))) == [0]
        assert receiver.look(0) == (RESTARTED, 0), "at once"
        assert "pair this bip again" in FAULTS[RESTARTED][1]


def test_presence_whose_counter_fell_is_a_fault_at_once_and_uses_nothing_up():
    receiver = guard(seen=5000, reserved=5064)
    assert receiver.take(packet(3), 0) is None and receiver.look(0) == (RESTARTED, 0)
    assert unsure(receiver, [4], SECOND) == [0]


def test_a_recording_is_let_through_once_an_hour_at_most():
    receiver = guard(seen=1000, reserved=1000)
    assert unsure(receiver, [7] * 600, apart_ms=MINUTE) == [0, 61, 122, 183, 244, 305, 366, 427, 488, 549]


def test_many_recordings_in_any_order_are_each_let_through_once_an_hour_and_all_every_ten_minutes_at_most():
    receiver = guard(seen=1000, reserved=1000)
    seed, told = 7, {}
    last_ms = -HOUR
    for now_ms in range(0, 12 * HOUR, 30 * SECOND):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        counter = 10 + (seed >> 8) % 30
        if receiver.take(packet(counter, bip.HOLD_PRESS), now_ms):
            assert now_ms - told.get(counter, -2 * HOUR) > HOUR and now_ms - last_ms > 10 * MINUTE
            told[counter] = last_ms = now_ms
    assert len(told) > 5


def test_a_bip_that_counts_anew_and_is_needed_again_before_it_is_paired_is_heard():
    receiver = guard(seen=5000, reserved=5000)
    assert unsure(receiver, [3, 4, 5]) == [0]
    assert unsure(receiver, [8, 9], 30 * MINUTE) == [30]


def test_after_a_start_the_hour_begins_anew_but_what_counts_on_is_heard():
    for counter, first in ((7, 50), (8, 0)):
        again = guard(seen=1000, reserved=1000)
        again.bip.fell = 7
        bip_guard.resume(again.bip, 5 * HOUR)
        found = unsure(again, [counter] * 61, 5 * HOUR, MINUTE)
        assert [minute - 300 for minute in found] == [first]


def test_the_fault_of_a_counter_that_fell_stays_until_the_bip_is_heard_and_an_hour_was_quiet():
    receiver = guard(seen=1000, reserved=1000)
    unsure(receiver, [7])
    assert receiver.look(0) == (RESTARTED, 0)
    assert receiver.look(10 * HOUR) == (0, 0)
    unsure(receiver, [8], 10 * HOUR)
    assert taken(receiver, packet(1001), 10 * HOUR + 1) == (1001, 0)
    assert receiver.look(11 * HOUR) == (0, 0)
    assert receiver.look(11 * HOUR + 1) == (0, RESTARTED)


# ---- refusals ----


def test_every_fault_names_the_bip_and_says_what_to_do():
    assert sorted(FAULTS) == [LOST, BATTERY_LOW, RESTARTED, FORGED, PLAIN]
    for _, sentence in FAULTS.values():
        text = sentence % "till"
        assert "bip till" in text.lower() and ": " in text and text.endswith(".")


# ---- holds and pairing mode ----


def test_a_release_counts_as_the_hold_that_was_not_heard():
    receiver = guard()
    assert taken(receiver, packet(1, bip.HOLD_PRESS), 0) == (1, HOLD)
    assert taken(receiver, packet(2, bip.RELEASE), 20 * SECOND) == (2, 0)
    assert taken(receiver, packet(4, bip.RELEASE), 5 * MINUTE) == (4, HOLD)


def test_pairing_mode_without_a_hold_before_it_is_a_hold_of_an_unsure_source():
    for payload in (bip.PAIRING, packet(9) + bip.PAIRING):
        receiver = guard()
        verdict = receiver.take(payload, 0)
        assert verdict.gesture == HOLD and not verdict.authentic
        assert verdict.counter == (None if payload is bip.PAIRING else 9)
        assert receiver.take(bip.PAIRING, 1) is None


def test_pairing_mode_takes_nothing_from_a_press_and_says_nothing_after_one():
    for event, gesture in ((bip.PRESS, CLICK), (bip.DOUBLE_PRESS, DOUBLE)):
        receiver = guard()
        assert taken(receiver, packet(9, event) + bip.PAIRING) == (9, gesture)
        assert receiver.take(bip.PAIRING, 10 * SECOND) is None


def test_pairing_mode_within_15_s_of_a_hold_says_nothing_new_and_later_it_is_a_further_hold():
    receiver = guard()
    assert taken(receiver, packet(1, bip.HOLD_PRESS), 0) == (1, HOLD)
    for now_ms in range(10 * SECOND, 70 * SECOND, 500):  # it lasts a minute
        assert receiver.take(bip.PAIRING, now_ms) is None
    assert receiver.take(bip.PAIRING, 70 * SECOND + 10 * MINUTE).gesture == HOLD
    receiver = guard()
    assert taken(receiver, packet(1, bip.HOLD_PRESS), 0) == (1, HOLD)
    assert receiver.take(bip.PAIRING, 15 * SECOND + 1).gesture == HOLD


def test_a_forger_of_pairing_mode_raises_one_alarm_in_ten_minutes():
    receiver = guard()
    alarms = [now_ms for now_ms in range(0, HOUR, SECOND) if receiver.take(bip.PAIRING, now_ms)]
    assert alarms == [0]
    alarms = [now_ms for now_ms in range(2 * HOUR, 3 * HOUR, 601 * SECOND) if receiver.take(bip.PAIRING, now_ms)]
    assert len(alarms) == 6


def test_shellys_other_flags_are_no_alarm():
    assert guard().take(bytes.fromhex("06ffa90b010900"), 0) is None


# ---- another radio ----


class OpenSeal:
    """Of a radio that has nothing of BTHome: it opens with the right key."""

    def __init__(self, events):
        self._events = events

    def open(self, key):
        return self._events if key == bip.KEY else None


def test_a_frame_of_another_radio_is_judged_like_any():
    def frame(counter):
        made = Frame(bip.MAC)
        made.counter = counter
        events = Events()
        events.gesture, events.decided, events.buttons = DOUBLE, 1, 1
        made.seal = OpenSeal(events)
        return made

    record = bound(last=4)
    verdicts = [bip_guard.take(record, frame(counter), 0) for counter in (5, 5, 3)]
    assert (verdicts[0].counter, verdicts[0].gesture, verdicts[0].authentic) == (5, DOUBLE, True)
    assert verdicts[1] is None and verdicts[2].fell
    assert bip_guard.take(bound(key=bip.OTHER_KEY), frame(9), 0) is None


# ---- battery and presence ----


def test_a_low_battery_is_a_fault_until_it_is_well_above():
    receiver = guard()
    levels = ((50, 0, 0), (16, 0, 0), (15, BATTERY_LOW, 0), (24, 0, 0), (14, 0, 0), (25, 0, BATTERY_LOW), (16, 0, 0))
    for counter, (percent, begun, ended) in enumerate(levels):
        receiver.take(packet(counter, bip.PRESENCE, percent), 0)
        assert receiver.look(0) == (begun, ended)


def test_a_silent_bip_is_lost_and_comes_back():
    receiver = guard(supervision_s=3600, now_ms=HOUR)
    assert receiver.look(2 * HOUR) == (0, 0)
    assert receiver.look(2 * HOUR + 1) == (LOST, 0)
    receiver.take(packet(1), 5 * HOUR)
    assert receiver.look(5 * HOUR) == (0, LOST)
    receiver.take(packet(1), 6 * HOUR)  # the same again proves nothing
    assert receiver.look(6 * HOUR + 1) == (LOST, 0)


def test_a_bip_without_supervision_is_never_lost():
    assert guard().look(1000 * HOUR) == (0, 0)


# ---- foreign ones ----


def test_a_fingerprint_is_of_address_and_key():
    prints = [bound(mac, key).fingerprint() for mac in (bip.MAC, bip.OTHER_MAC) for key in (bip.KEY, bip.OTHER_KEY)]
    assert len(set(prints)) == 4 and len(prints[0]) == 8 and prints[0] == bound().fingerprint()


def test_bips_are_found_by_address_and_foreign_ones_are_not():
    other = bound(b"\x00\x01\x02" + bip.MAC[3:])
    first, third = bound(), bound(bytes(6))
    bips = Bips([first, other, third])
    for receiver in (first, other, third):
        assert bips.find(receiver.mac) is receiver
        assert bips.find(memoryview(receiver.mac)) is receiver
    assert bips.find(b"\xff\xff\xff" + bip.MAC[3:]) is None
    assert bips.find(b"\x54\x48\xe6\x8f\x80\xa6") is None


def test_a_foreign_advertisement_allocates_nothing():
    bips = Bips([bound()])
    foreign = memoryview(b"\x01\x02\x03\x04\x05\x06")
    allocated = getattr(gc, "mem_alloc", int)
    gc.collect()
    before = allocated()
    bips.find(foreign)
    bips.find(foreign)
    bips.find(foreign)
    assert allocated() == before


def case_only_what_is_new_is_let_through(data):
    """data: seen, reserved above it, and packets [counter, event, wrong key?, seconds later]."""
    seen, reserved = data["seen"], data["seen"] + data["more"]
    receiver = guard(seen, reserved)
    last, fresh, now_ms, result = seen, reserved, 0, []
    for counter, event, is_wrong, later_s in data["packets"]:
        now_ms += later_s * SECOND
        key = bip.OTHER_KEY if is_wrong else bip.KEY
        verdict = receiver.take(packet(counter, event, key=key), now_ms)
        is_new = not is_wrong and counter > (last if event else max(last, fresh))
        assert (verdict is not None and verdict.authentic) == is_new
        if verdict and verdict.authentic:
            assert verdict.counter == counter and bool(verdict.gesture) == bool(event)
            last, fresh = counter, -1
        assert is_new or verdict is None or (verdict.fell and not is_wrong and event and counter < last)
        result.append([verdict.gesture if verdict else -1, receiver.look(now_ms)])
    return result
