"""The bips of a box: from a packet to an alert in the journal, faults, pairing, power cuts."""

import json

from bip_packets import (
    DOUBLE_PRESS,
    HOLD_PRESS,
    KEY,
    MAC,
    OTHER_KEY,
    OTHER_MAC,
    PAIRING,
    PRESENCE,
    PRESS,
    packet,
    plain,
    switch,
)
from box import log
from box.bips.pairing import Pairing
from box.bips.registry import Registry
from box.console.bips import BipMethods
from box.core import alert, bthome, config, rpc
from box.core.bip_faults import BATTERY_LOW, LOST, RESTARTED
from box.errors import StorageError
from box.storage.bip_counters import BipCounters
from virtual.nor import BLOCK, NorFlash, PowerCut

log.now = lambda: 0
BOX = bytes(range(8))


class Clock:
    ms = 1000

    def now(self):
        return self.ms


class Store:
    def __init__(self, document):
        self.document = document
        self.broken = False

    def load(self):
        return self.document

    def save(self, document):
        config.check(document)
        if self.broken:
            raise StorageError("worn out")
        self.document = document


class Issuer:
    """Issuer and journal: each alert as (kind, source, flags)."""

    def __init__(self):
        self.issued = []
        self.next_sequence = 1
        self.cut = False  # the power goes before the next alert is in the journal

    def issue(self, kind, source, at_ms=None, flags=0):
        if self.cut:
            raise KeyboardInterrupt
        self.issued.append((kind, source, flags))
        self.at_ms = at_ms
        self.next_sequence += 1


class Events:
    BIP_FAULT, BIP_WELL, BIP_PAIRED, BIP_REMOVED = "fault", "well", "paired", "removed"


def row(number=1, mac=MAC, key=KEY, **more):
    found = {"id": number, "mac": mac.hex(), "key": key.hex(), "name": "Bip %d" % number}
    found.update(more)
    return found


class Stored:
    events = Events

    def __init__(self, settings, counters, journal, told):
        self.settings, self.counters, self.journal, self._told = settings, counters, journal, told

    def note(self, code, detail):
        self._told.append((code, detail))


class Bench:
    def __init__(self, *rows):
        self.flash = bytearray(b"\xff" * (4 * BLOCK))
        self.clock = Clock()
        self.store = Store({"version": 2, "bips": list(rows)} if rows else {"version": 2})
        self.issuer = Issuer()
        self.events = []
        self.followed = None
        self.device = NorFlash(self.flash)
        BipCounters(self.device, BOX).recover([])  # the box was on before it got its bips
        self.start()

    def start(self):
        self.device = self.device.restart()
        stored = Stored(self.store, BipCounters(self.device, BOX), self.issuer, self.events)
        self.registry = Registry(config.fill(self.store.load()), stored, self.issuer, self.clock, self.follow)
        self.pairing = Pairing(stored, self.registry, self.clock)
        self.registry.resume()
        self.methods = BipMethods(self.registry, self.pairing, self.clock)

    def follow(self, find, count, learning):
        self.followed = (count, learning)
        self.find = find

    def hear(self, payload, mac=MAC, rssi=-60):
        frame = bthome.split(memoryview(bytearray(mac)), payload)
        self.registry.packet(frame, rssi, self.clock.ms)
        self.pairing.packet(frame, self.clock.ms)

    def turn(self, ms):
        self.clock.ms += ms
        self.registry.turn(self.clock.ms)

    def pass_s(self, seconds):
        for _ in range(seconds):
            self.turn(1000)
            self.registry.tick()
            self.pairing.tick()

    @property
    def pressed(self):
        return [(kind, source) for kind, source, _ in self.issuer.issued]


def refused(action):
    try:
        action()
    except (rpc.Refused, config.ConfigError) as error:
        return error.data["code"] if isinstance(error, rpc.Refused) else error.path
    return None


UNSURE = (alert.INFORM, 16, alert.FLAG_SOURCE_UNAUTHENTICATED)


# ---- presses ----


def test_a_press_is_an_alert_of_its_bip():
    bench = Bench(row(1), row(16, OTHER_MAC, OTHER_KEY))
    bench.hear(packet(1, PRESS))
    bench.hear(packet(1, PRESS))
    bench.hear(packet(2, DOUBLE_PRESS, key=OTHER_KEY, mac=OTHER_MAC), OTHER_MAC)
    bench.hear(packet(3, HOLD_PRESS))
    bench.hear(packet(4, PRESENCE))
    assert bench.pressed == [(alert.INFORM, 16), (alert.HELP, 31), (alert.ALARM, 16)]
    assert bench.followed == (2, False)


def test_a_policy_of_its_own_comes_before_that_of_all():
    strict = {"click": "alarm", "double": "alarm"}
    bench = Bench(row(1, policy=strict), row(2, OTHER_MAC))
    bench.store.document["policy"] = {"bip": {"click": "help"}}
    bench.start()
    bench.hear(packet(1, PRESS))
    bench.hear(packet(1, PRESS, mac=OTHER_MAC), OTHER_MAC)
    assert bench.pressed == [(alert.ALARM, 16), (alert.HELP, 17)]


def test_what_anybody_can_send_only_informs_whatever_the_policy():
    """The mark of pairing mode as a Shelly button sends it."""
    loud = {"click": "alarm", "double": "alarm", "hold": "alarm"}
    mark = bytes.fromhex("02010610ffa90b0111000b01000aa5808fe64854")
    for rows in ((row(),), (row(policy=loud),), (row(key=b""),)):
        for payload in (mark, packet(9) + PAIRING, packet(3, HOLD_PRESS), plain(HOLD_PRESS)):
            bench = Bench(*rows)
            bench.store.document["policy"] = {"bip": loud}
            bench.start()
            bench.registry.bips[0].last = 5
            bench.hear(payload)
            kinds = [(kind, flags) for kind, _, flags in bench.issuer.issued if kind in alert.PRESSES]
            assert kinds in ([], [(alert.INFORM, alert.FLAG_SOURCE_UNAUTHENTICATED)])
            assert kinds or payload == plain(HOLD_PRESS) or not rows[0]["key"]


def test_frantic_presses_that_end_in_pairing_mode_are_help():
    bench = Bench(row())
    for counter in range(1, 5):
        bench.hear(packet(counter, PRESS))
        bench.turn(900)
    bench.hear(PAIRING)
    assert bench.pressed == [(alert.INFORM, 16)] + [(alert.HELP, 16)] * 3


def test_a_press_whose_alert_the_power_cut_off_is_issued_at_the_start_and_not_again():
    bench = Bench(row())
    bench.issuer.cut = True
    try:
        bench.hear(packet(9, HOLD_PRESS))
        raise AssertionError
    except KeyboardInterrupt:
        pass
    bench.issuer.cut = False
    bench.start()
    assert bench.pressed == [(alert.ALARM, 16)]
    bench.hear(packet(9, HOLD_PRESS))
    bench.start()
    bench.hear(packet(9, HOLD_PRESS))
    assert bench.pressed == [(alert.ALARM, 16)]


def test_a_press_of_a_bip_that_was_removed_meanwhile_is_issued_all_the_same():
    bench = Bench(row())
    bench.issuer.cut = True
    try:
        bench.hear(packet(9, DOUBLE_PRESS))
        raise AssertionError
    except KeyboardInterrupt:
        pass
    bench.issuer.cut = False
    bench.store.document = {"version": 2}
    bench.start()
    assert bench.pressed == [(alert.HELP, 16)]


def test_nothing_that_was_recorded_counts_after_a_start():
    bench = Bench(row())
    recorded = [packet(counter, PRESS) for counter in range(1, 6)]
    for one in recorded:
        bench.hear(one)
    del bench.issuer.issued[:]
    for _ in range(3):
        bench.start()
        for one in recorded:
            bench.hear(one)
    assert bench.issuer.issued == [UNSURE, (alert.BIP_LOST, 16, 0), UNSURE, UNSURE], "each recording once"
    bench.hear(packet(6, PRESS))
    assert bench.pressed[4:] == [(alert.INFORM, 16)], "the first press after a start is not lost"


def test_a_press_goes_out_although_flash_takes_no_counter():
    bench = Bench(row())

    def broken(*_):
        raise StorageError("worn out")

    bench.registry._counters.press = broken
    bench.registry._counters.reserve = broken
    bench.hear(packet(1, PRESENCE))
    bench.hear(packet(2, HOLD_PRESS))
    assert bench.pressed == [(alert.ALARM, 16)]


def test_counters_that_were_lost_are_told():
    bench = Bench(row())
    bench.flash[:] = b"\xff" * len(bench.flash)
    bench.start()
    bench.registry.tick()
    assert bench.pressed == [(alert.STORAGE, 0)] and "pair each bip" in bench.registry.fault


# ---- faults ----


def test_a_fault_is_told_once_names_its_bip_and_ends_by_itself():
    bench = Bench(row(3, supervision_s=60, name="Caisse"))
    bench.pass_s(59)
    assert bench.registry.fault is None
    bench.pass_s(10)
    assert bench.pressed == [(alert.BIP_LOST, 18)] and bench.events == [("fault", "3 lost")]
    assert "Caisse" in bench.registry.fault
    bench.hear(packet(1, PRESENCE))
    bench.pass_s(1)
    assert bench.registry.fault is None and bench.events[1:] == [("well", "3 lost")]
    bench.hear(packet(2, PRESENCE, battery=5))
    bench.pass_s(1)
    assert bench.pressed[1:] == [(alert.BIP_BATTERY_LOW, 18)]


def test_a_press_whose_counter_fell_informs_and_says_at_once_to_pair_the_bip_again():
    bench = Bench(row())
    bench.hear(packet(1780672300, PRESS))
    del bench.issuer.issued[:]
    for counter in range(1780672257, 1780672269):
        bench.pass_s(10)
        bench.hear(packet(counter, HOLD_PRESS))
        assert bench.issuer.issued == [UNSURE, (alert.BIP_LOST, 16, 0)], "before the next look"
    bench.registry.tick()
    assert bench.events == [("fault", "1 counts anew")] and "pair this bip again" in bench.registry.fault
    bench.methods.bip_repair(1)
    press_three(bench, 1780672269)
    bench.registry.tick()
    assert bench.registry.fault is None
    bench.hear(packet(1780672272, HOLD_PRESS))
    assert bench.issuer.issued[2:] == [(alert.ALARM, 16, 0)]


def test_a_restart_lets_no_recording_through_more_often_and_keeps_the_fault():
    bench = Bench(row())
    bench.hear(packet(100, PRESS))
    bench.hear(packet(3, PRESS))
    del bench.issuer.issued[:]
    for _ in range(5):
        bench.start()
        bench.hear(packet(3, PRESS))
        bench.pass_s(60)
        assert bench.issuer.issued == [] and "pair this bip again" in bench.registry.fault
    bench.hear(packet(4, PRESS))
    assert bench.issuer.issued == [UNSURE], "it is needed before somebody has paired it again"


# ---- holds that are kept back ----

HELD = 0xFE


def test_a_hold_that_is_kept_back_is_told_on_the_drivers_turn_as_of_when_it_began():
    bench = Bench(row())
    bench.hear(switch(1, HELD))
    assert bench.registry.open and bench.pressed == []
    bench.turn(1500)
    assert bench.pressed == []
    bench.turn(20)
    assert bench.pressed == [(alert.ALARM, 16)] and bench.issuer.at_ms == 1000
    assert not bench.registry.open
    bench.start()
    assert len(bench.pressed) == 1


def test_one_press_of_a_wall_switch_informs():
    bench = Bench(row())
    for counter in (1, 3):
        bench.hear(switch(counter, HELD))
        bench.turn(300)
        bench.hear(switch(counter + 1, PRESS))
        bench.turn(5000)
    bench.start()
    assert bench.pressed == [(alert.INFORM, 16)] * 2


def test_what_was_due_before_a_press_is_told_before_it():
    bench = Bench(row())
    bench.hear(switch(1, HELD))
    bench.clock.ms += 20_000  # a stall
    bench.hear(switch(2, PRESS))
    assert bench.pressed == [(alert.ALARM, 16), (alert.INFORM, 16)]


def test_no_power_cut_loses_a_hold_that_is_kept_back():
    """Whatever else is pressed meanwhile, and at whichever program of the counters' flash it comes."""
    for cut in range(1, 9):
        for seed in range(10):
            bench = Bench(row(1), row(2, OTHER_MAC, OTHER_KEY))
            bench.device.cut_after(cut, seed)
            steps = [switch(1, HELD), packet(9, PRESS, key=OTHER_KEY, mac=OTHER_MAC), switch(80), switch(200)]
            at = 0
            try:
                for at in range(4):
                    bench.hear(steps[at], OTHER_MAC if at == 1 else MAC)
                    bench.turn(100)
                bench.turn(1500)
            except PowerCut:
                pass
            bench.start()
            for again in range(at, 4):  # what was on the air, and what follows
                bench.hear(steps[again], OTHER_MAC if again == 1 else MAC)
            bench.turn(1600)
            known = [press for press in bench.pressed if press[0] != alert.BIP_LOST]
            assert sorted(known) == [(alert.INFORM, 17), (alert.ALARM, 16)], (cut, seed, known)


def test_a_cut_while_a_hold_is_kept_back_tells_it_at_the_start():
    bench = Bench(row(1), row(2, OTHER_MAC, OTHER_KEY))
    bench.hear(switch(1, HELD))
    bench.hear(packet(9, PRESS, key=OTHER_KEY, mac=OTHER_MAC), OTHER_MAC)
    bench.start()
    assert bench.pressed == [(alert.INFORM, 17), (alert.ALARM, 16)]
    bench.start()
    assert len(bench.pressed) == 2


def test_a_hold_that_is_kept_back_is_told_when_its_bip_leaves():
    ways = (lambda bench: bench.methods.bip_remove(1), lambda bench: bench.registry.put(bench.registry.made(row())))
    for leave in ways:
        bench = Bench(row())
        bench.hear(switch(1, HELD))
        leave(bench)
        assert bench.pressed == [(alert.ALARM, 16)] and not bench.registry.open
        bench.turn(5000)
        assert len(bench.pressed) == 1


# ---- kinds ----


def test_pairing_learns_the_kind_and_it_can_be_set():
    bench = Bench()
    bench.methods.learn("Mur", None, KEY.hex())
    for counter in (1, 3, 5):
        bench.hear(switch(counter, HELD))
        bench.turn(300)
        bench.hear(switch(counter + 1, PRESS))
        bench.turn(700)
    assert bench.methods.learn_state()["kind"] == bench.store.document["bips"][0]["kind"] == "switch"
    bench.turn(5000)
    assert bench.pressed == [], "what was pressed to pair it is no alert"
    bench.methods.bip_kind(1, "button")
    bench.hear(switch(7, HELD))
    assert bench.pressed == [(alert.ALARM, 16)] and bench.store.document["bips"][0]["kind"] == "button"
    assert refused(lambda: bench.methods.bip_kind(1, "loud")) == "bips.0.kind"


def test_a_kind_that_was_set_is_not_learnt():
    bench = Bench()
    bench.methods.learn("Caisse", None, KEY.hex())
    press_three(bench)
    assert bench.store.document["bips"][0]["kind"] == "button"
    bench.methods.bip_kind(1, "switch")
    bench.methods.bip_repair(1)
    press_three(bench, 7)
    assert bench.store.document["bips"][0]["kind"] == "switch"
    bench.methods.learn("Porte", None, OTHER_KEY.hex())
    press_three(bench, key=OTHER_KEY, mac=OTHER_MAC)
    assert bench.store.document["bips"][1]["kind"] == "button"


# ---- pairing ----


def press_three(bench, first=1, **how):
    for counter in range(first, first + 3):
        bench.hear(packet(counter, PRESS, **how), how.get("mac", MAC))


def test_the_bip_that_is_pressed_three_times_is_bound_and_alerts_from_the_fourth_on():
    bench = Bench()
    assert bench.followed == (0, False)
    bench.methods.learn("Caisse", None, KEY.hex(), 600)
    assert bench.followed == (0, True) and bench.pairing.waits
    press_three(bench)
    assert bench.pressed == [] and bench.methods.learn_state()["state"] == "bound"
    (found,) = bench.store.document["bips"]
    assert (found["id"], found["mac"], found["name"], found["supervision_s"]) == (1, MAC.hex(), "Caisse", 600)
    press_three(bench)
    assert bench.pressed == [], "what was pressed to pair it is no alert, now or played back"
    bench.start()
    press_three(bench)
    assert bench.issuer.issued == [UNSURE, (alert.BIP_LOST, 16, 0)]
    bench.hear(packet(4, HOLD_PRESS))
    assert bench.pressed[2:] == [(alert.ALARM, 16)]


def test_learning_ends_after_a_minute_and_the_scan_is_passive_again():
    bench = Bench(row())
    bench.methods.learn("Caisse", None, OTHER_KEY.hex())
    bench.hear(packet(1, PRESS))
    assert bench.pressed == [(alert.INFORM, 16)], "those that are known alert meanwhile"
    bench.pass_s(61)
    assert bench.followed == (1, False) and bench.methods.learn_state()["state"] == "over"
    press_three(bench, key=OTHER_KEY, mac=OTHER_MAC)
    assert bench.methods.learn_state()["bip"] is None


def test_a_wrong_name_key_or_policy_is_told_at_once():
    bench = Bench(*[row(i, bytes((i,)) + MAC[1:]) for i in range(1, 16)])
    for name, chosen, key, path in (
        ("", None, KEY.hex(), "bips.0.name"),
        ("a", None, "12", "bips.0.key"),
        ("a", {"click": "loud"}, KEY.hex(), "bips.0.policy.click"),
        ("a", 5, KEY.hex(), "bips.0.policy"),
    ):
        assert refused(lambda: bench.methods.learn(name, chosen, key)) == path  # noqa: B023
    bench.methods.learn("sixteenth", None, OTHER_KEY.hex())
    press_three(bench, key=OTHER_KEY, mac=OTHER_MAC)
    assert len(bench.registry.bips) == 16
    assert refused(lambda: bench.methods.learn("a", None, KEY.hex())) == "full"


def test_a_bip_that_counts_anew_is_paired_again_and_keeps_its_number():
    bench = Bench(row(5))
    bench.hear(packet(5000, PRESS))
    del bench.issuer.issued[:]
    bench.methods.bip_repair(5)
    press_three(bench)
    assert bench.pressed == [] and bench.methods.learn_state()["bip"] == 5
    bench.hear(packet(4, PRESS))
    bench.start()
    bench.hear(packet(4, PRESS))
    bench.hear(packet(5, PRESS))
    assert bench.pressed == [(alert.INFORM, 20)] * 2
    assert refused(lambda: bench.methods.bip_repair(6)) == "no-bip"


def test_a_new_key_makes_old_recordings_worthless():
    bench = Bench(row(5))
    recorded = packet(5000, HOLD_PRESS)
    bench.methods.bip_repair(5, OTHER_KEY.hex())
    press_three(bench, key=OTHER_KEY)
    bench.hear(recorded)
    assert bench.pressed == [] and bench.store.document["bips"][0]["key"] == OTHER_KEY.hex()
    bench.hear(packet(4, PRESS, key=OTHER_KEY))
    assert bench.pressed == [(alert.INFORM, 20)]


def press_three_unsealed(bench):
    for number in range(3):
        for _ in range(4):
            bench.hear(plain(PRESS, number))


def test_a_bip_without_a_key_is_bound_where_that_is_asked_for_and_only_informs():
    bench = Bench()
    bench.methods.learn("Porte", None, "")
    press_three_unsealed(bench)
    assert bench.methods.learn_state()["state"] == "bound" and bench.pressed == []
    assert refused(lambda: bench.methods.learn("a", {"click": "help"}, "")) == "bips.0.policy"
    for _ in range(2):
        bench.pass_s(61)
        bench.hear(plain(HOLD_PRESS, 3))
    bench.start()
    bench.hear(plain(HOLD_PRESS, 4))
    assert bench.issuer.issued == [(alert.INFORM, 16, alert.FLAG_SOURCE_UNAUTHENTICATED)] * 3
    assert bench.methods.bips()["bips"][0][8] == ["no key"]


def test_a_bip_without_a_key_is_given_one_and_then_calls_for_help():
    bench = Bench(row(3, key=b""))
    assert refused(lambda: bench.methods.bip_repair(3)) == "no-key"
    bench.methods.bip_repair(3, KEY.hex())
    press_three(bench)
    bench.hear(plain(HOLD_PRESS, 9))
    bench.hear(packet(4, HOLD_PRESS))
    assert bench.issuer.issued == [(alert.ALARM, 18, 0)]
    assert bench.methods.bips()["bips"][0][8] == []


def test_the_button_of_a_new_box_pairs_without_a_tool():
    bench = Bench()
    bench.pairing.learn_by_button()
    press_three_unsealed(bench)
    assert bench.store.document["bips"][0]["name"] == "Bip 1" and not bench.pairing.waits
    bench.pairing.learn_by_button()
    for number in range(3):
        bench.hear(plain(PRESS, number), OTHER_MAC)
    assert [each["id"] for each in bench.store.document["bips"]] == [1, 2]


def test_the_button_does_not_break_into_pairing_by_the_tool_nor_into_a_full_box():
    bench = Bench()
    bench.methods.learn("Caisse", None, KEY.hex())
    bench.pairing.learn_by_button()
    press_three(bench)
    assert bench.store.document["bips"][0]["name"] == "Caisse"
    full = Bench(*[row(i, bytes((i,)) + MAC[1:]) for i in range(1, 17)])
    full.pairing.learn_by_button()
    assert not full.pairing.waits


def test_a_known_bip_without_a_key_stays_as_it_is_when_the_button_pairs_it_again():
    named = row(1, key=b"", supervision_s=600)
    bench = Bench(named)
    bench.pairing.learn_by_button()
    press_three_unsealed(bench)
    assert bench.store.document["bips"] == [named]
    bench.pairing.learn_by_button()
    for number in range(3):
        bench.hear(plain(PRESS, number), OTHER_MAC)
    assert [each["name"] for each in bench.store.document["bips"]] == ["Bip 1", "Bip 2"]


def test_a_key_that_the_tool_has_stored_since_the_start_is_not_taken_away():
    bench = Bench()
    bench.store.document = {"version": 2, "bips": [row(4)]}
    bench.pairing.learn_by_button()
    press_three_unsealed(bench)
    assert bench.methods.learn_state()["state"] == "failed" and bench.store.document["bips"] == [row(4)]


def test_recordings_after_the_third_press_do_not_bind_it_again():
    bench = Bench()
    bench.methods.learn("Caisse", None, KEY.hex())
    press_three(bench, first=100)
    press_three(bench, first=50)
    bench.hear(packet(53, HOLD_PRESS))
    assert bench.pressed == [] and bench.events == [("paired", "1")]


def test_a_battery_that_anybody_can_imitate_is_shown_and_is_no_fault():
    bench = Bench(row(1, key=b""))
    for level in (5, 90) * 20:
        bench.hear(plain(PRESENCE)[:-3] + bytes((level,)) + plain(PRESENCE)[-2:])
        bench.pass_s(1)
    assert bench.issuer.issued == [] and bench.events == []
    assert bench.methods.bips()["bips"][0][3] == 90


def test_pairing_mode_after_a_hold_that_was_heard_says_nothing_new_without_a_key_either():
    bench = Bench(row(1, key=b""))
    bench.hear(plain(HOLD_PRESS, 1))
    bench.pass_s(10)
    bench.hear(PAIRING)
    assert bench.pressed == [(alert.INFORM, 16)]


def test_nobody_takes_a_bips_key_away_by_imitating_it():
    bench = Bench(row(4))
    bench.methods.learn("Porte", None, "")
    press_three_unsealed(bench)
    assert bench.methods.learn_state()["state"] == "listening" and bench.store.document["bips"] == [row(4)]


def test_a_bip_that_flash_does_not_take_is_not_bound():
    bench = Bench()
    bench.methods.learn("Caisse", None, KEY.hex())
    bench.store.broken = True
    press_three(bench)
    assert bench.methods.learn_state()["state"] == "failed" and bench.registry.bips == []


# ---- the console ----


def test_bips_are_listed_renamed_and_removed():
    bench = Bench(row(2, OTHER_MAC, OTHER_KEY), row(1))
    bench.hear(packet(1, PRESS, battery=70), rssi=-71)
    bench.clock.ms += 5000
    first, second = bench.methods.bips()["bips"]
    assert first == [1, "Bip 1", MAC.hex(), 70, 5, -71, 1, 0, []]
    assert second == [2, "Bip 2", OTHER_MAC.hex(), None, None, None, 0, 0, []]
    assert bench.methods.bips(1)["bips"] == [second] and bench.methods.bips(2)["bips"] == []
    bench.methods.bip_rename(2, "Cave")
    assert bench.methods.bips(1)["bips"][0][1] == "Cave" and bench.store.document["bips"][0]["name"] == "Cave"
    assert refused(lambda: bench.methods.bip_rename(2, "x" * 41)) == "bips.0.name"
    bench.methods.bip_remove(1)
    assert [found["id"] for found in bench.store.document["bips"]] == [2] and bench.find(MAC) is None
    bench.hear(packet(2, HOLD_PRESS))
    assert bench.pressed == [(alert.INFORM, 16)]
    assert refused(lambda: bench.methods.bip_remove(1)) == "no-bip"


def test_every_answer_fits_a_line_with_sixteen_bips_at_their_longest():
    name = ("x" if json.dumps("é") != '"é"' else chr(0x1F98A)) * 40  # CPython's json escapes it, the chip's does not
    rows = [row(i, bytes((i,)) + MAC[1:], name=name) for i in range(1, 17)]
    bench = Bench(*rows)
    for bip in bench.registry.bips:
        bip.rssi, bip.alive_ms, bip.proven, bip.presses, bip.refused = -100, -(10**9), True, 10**6, 10**6
        bip.percent, bip.faults = 100, LOST | BATTERY_LOW | RESTARTED
    seen = 0
    while seen < 16:
        answer = bench.methods.bips(seen)
        assert answer["bips"] and rpc.result_line(2147483647, answer)
        seen += len(answer["bips"])
    bench.methods.survey(True)
    for bip in bench.registry.bips:
        bench.registry.survey[bip.number] = 100_000, -10_000_000
    seen = 0
    while seen < 16:
        answer = bench.methods.survey(True, seen)
        assert answer["bips"] and rpc.result_line(2147483647, answer)
        seen += len(answer["bips"])


def test_a_survey_counts_from_its_begin():
    bench = Bench(row())
    bench.clock.ms = 100_000
    bench.hear(packet(1, PRESS))
    assert bench.methods.survey(True)["bips"] == [[1, None, None, 0, 0]]
    bench.hear(packet(2, PRESS), rssi=-80)
    bench.hear(packet(2, PRESS), rssi=-84)
    bench.clock.ms += 300
    assert bench.methods.survey(True)["bips"] == [[1, -84, 300, 2, 1]]
    bench.methods.survey(False)
    assert bench.methods.survey(True)["bips"] == [[1, None, None, 0, 0]]
    bench.hear(packet(3, PRESENCE))
    bench.clock.ms += 61_000
    assert bench.methods.survey(True)["bips"][0][3] == 0, "nobody asked for a minute: it had ended"
