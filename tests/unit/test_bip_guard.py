"""The strict receiver: nothing old, nothing forged, and no press lost to its strictness."""

import gc
import json

import bip_packets as bip
from bip_packets import forged, packet, plain
from box.core import bthome
from box.core.bip_faults import BATTERY_LOW, FAULTS, FORGED, LOST, PLAIN, REPLAYED, RESTARTED
from box.core.bip_guard import BipGuard, Bips, fingerprint
from box.core.gesture import CLICK, DOUBLE, HOLD

SECOND, MINUTE, HOUR = 1000, 60 * 1000, 3600 * 1000


def guard(seen=-1, reserved=-1, supervision_s=0, now_ms=0):
    return BipGuard(bip.MAC, bip.KEY, seen, reserved, supervision_s, now_ms)


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
    assert receiver.presses == 7 and receiver.heard_ms == 5 and receiver.battery.percent == 77
    assert receiver.refused == 0 and receiver.look(5) == (0, 0)


def test_the_repeats_of_a_packet_are_one_press():
    receiver = guard()
    assert taken(receiver, packet(7, bip.PRESS)) == (7, CLICK)
    for now_ms in range(0, 3000, 100):
        assert taken(receiver, packet(7, bip.PRESS), now_ms) is None
    assert receiver.presses == 1 and receiver.refused == 0


def test_a_lower_counter_is_refused_whatever_it_says():
    receiver = guard(seen=1000, reserved=1000)
    for counter in (0, 1, 99, 100, 500, 999, 1000):
        for event in (bip.PRESENCE, bip.PRESS, bip.HOLD_PRESS):
            assert taken(receiver, packet(counter, event), counter * SECOND) is None
    assert taken(receiver, packet(1001, bip.PRESS), 2000 * SECOND) == (1001, CLICK)
    assert taken(receiver, packet(1000, bip.PRESS), 2001 * SECOND) is None


def test_counters_as_large_as_a_unix_time_and_the_largest_are_taken():
    receiver = guard(seen=1780672257, reserved=1780672300)
    assert taken(receiver, packet(1780672258, bip.PRESS)) == (1780672258, CLICK)
    assert taken(receiver, packet(0xFFFFFFFF, bip.PRESS)) == (0xFFFFFFFF, CLICK)
    assert taken(receiver, packet(0, bip.PRESS)) is None


def test_what_is_in_the_clear_is_refused_once_a_key_is_bound():
    receiver = guard()
    for now_ms in range(0, 60 * SECOND, SECOND):
        assert receiver.take(plain(bip.HOLD_PRESS), now_ms) is None
    assert receiver.look(MINUTE) == (PLAIN, 0)
    assert taken(receiver, packet(1, bip.PRESS), MINUTE) == (1, CLICK)


def test_a_bip_without_a_key_is_believed_once_a_minute_and_never_quite():
    receiver = BipGuard(bip.MAC, b"", -1, -1, 0, 0)
    let_through = []
    for now_ms in range(0, 3 * MINUTE, SECOND):
        verdict = receiver.take(plain(bip.HOLD_PRESS, now_ms // SECOND % 256), now_ms)
        if verdict:
            let_through.append((now_ms, verdict.gesture, verdict.counter, verdict.authentic))
    assert let_through == [(minute * MINUTE, HOLD, None, False) for minute in range(3)]
    assert (receiver.presses, receiver.battery.percent, receiver.has_key) == (3, 90, False)
    assert receiver.look(3 * MINUTE) == (0, 0)


def test_a_bip_without_a_key_that_seals_what_it_says_is_refused():
    receiver = BipGuard(bip.MAC, b"", -1, -1, 0, 0)
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
    assert receiver.heard_ms is None and receiver.battery.percent is None and receiver.refused == 0
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
    assert taken(receiver, packet(150, bip.PRESS)) is None


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
    """Counts how often something was decrypted, in the place of bthome.unseal."""

    def __init__(self):
        self.calls = 0
        self._unseal = bthome.unseal

    def __call__(self, frame, mac, key):
        self.calls += 1
        return self._unseal(frame, mac, key)

    def run(self, test):
        bthome.unseal = self
        try:
            test()
        finally:
            bthome.unseal = self._unseal


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
    for payload in (packet(7, bip.PRESS), packet(150)):  # lower than what was seen; perhaps let through before
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
    assert [change for change in begun if change != (0, 0)] == [(REPLAYED, 0)]


def test_a_changed_battery_is_told_from_a_replay_and_both_stay_refused():
    receiver = guard(seen=5000, reserved=5064)
    for i in range(3):
        assert receiver.take(packet(3 + i, bip.HOLD_PRESS), i * 10 * SECOND) is None
    assert receiver.look(MINUTE) == (RESTARTED, 0)
    receiver = guard(seen=5000, reserved=5064)
    for i in range(3):
        assert receiver.take(packet(4000 + i, bip.HOLD_PRESS), i * 10 * SECOND) is None
    assert receiver.look(MINUTE) == (REPLAYED, 0)


def test_every_fault_names_the_bip_and_says_what_to_do():
    assert sorted(FAULTS) == [LOST, BATTERY_LOW, RESTARTED, REPLAYED, FORGED, PLAIN]
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
    for payload in (bip.PAIRING, packet(9) + bip.PAIRING, packet(9, bip.PRESS) + bip.PAIRING):
        receiver = guard()
        verdict = receiver.take(payload, 0)
        assert verdict.gesture == HOLD and not verdict.authentic
        assert verdict.counter == (None if payload is bip.PAIRING else 9)
        assert receiver.take(bip.PAIRING, 1) is None


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
    prints = [fingerprint(mac, key) for mac in (bip.MAC, bip.OTHER_MAC) for key in (bip.KEY, bip.OTHER_KEY)]
    assert len(set(prints)) == 4 and len(prints[0]) == 8 and prints[0] == fingerprint(bip.MAC, bip.KEY)


def test_bips_are_found_by_address_and_foreign_ones_are_not():
    other = BipGuard(b"\x00\x01\x02" + bip.MAC[3:], bip.KEY, -1, -1, 0, 0)
    first, third = guard(), BipGuard(bytes(6), bip.KEY, -1, -1, 0, 0)
    bips = Bips([first, other, third])
    for receiver in (first, other, third):
        assert bips.find(receiver.mac) is receiver
        assert bips.find(memoryview(receiver.mac)) is receiver
    assert bips.find(b"\xff\xff\xff" + bip.MAC[3:]) is None
    assert bips.find(b"\x54\x48\xe6\x8f\x80\xa6") is None


def test_a_foreign_advertisement_allocates_nothing():
    bips = Bips([guard()])
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
        assert (verdict is not None) == is_new
        if verdict:
            assert verdict.counter == counter and bool(verdict.gesture) == bool(event)
            last, fresh = counter, -1
        result.append([verdict.gesture if verdict else -1, receiver.look(now_ms)])
    return result
