"""A network that lies, is silent or ends at the access point, and a box that stands still at the wrong moment."""

import socket
from collections.abc import Callable
from random import Random, SystemRandom

import pytest
from alertbox.receiver import ReceiverThread, StoredAlert
from alertbox.sim import VirtualBox
from alertbox.sim.console import LogLine
from alertbox.sim.dns import MODES, USEFUL_MODES
from gestures import KINDS, HandGesture
from stepping import advance_until

pytestmark = pytest.mark.needs(
    "press", "wifi", "advance", "begin_edges", "internet", "power_cut", "power_on", "stall", "upstream", "wear"
)

_WINDOW_MS = 700
_BAD_DNS = [mode for mode in MODES if mode not in USEFUL_MODES]
_HOUR_MS = 3600 * 1000
_STALLS_MS = (200, 1500, 20_000)  # a flash erase with bad luck, a long handshake, the worst that a call in C may do
_LEAD_MS = 100  # before the first edge


def lines(box: VirtualBox, module: str, text: str, since: int = 0) -> list[LogLine]:
    return [line for line in box.log[since:] if line.module == module and line.text.startswith(text)]


def connected(box: VirtualBox, since: int) -> bool:
    return bool(lines(box, "mqtt", "connected", since))


def presses(receiver: ReceiverThread) -> list[StoredAlert]:
    """Alerts that a hand caused; not what the box tells of itself."""
    return [alert for alert in receiver.alerts() if alert.kind_name in KINDS]


def press(box: VirtualBox) -> None:
    box.press("button", 120)
    box.advance(_WINDOW_MS)


def reconnect(box: VirtualBox) -> int:
    """Lose and regain the Wi-Fi after DNS's answer has lost its worth; returns the log's length then."""
    box.wifi(False)
    box.advance((box.dns.ttl_s + 1) * 1000)
    mark = len(box.log)
    box.wifi(True)
    return mark


def closed_port() -> int:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


# ---- DNS ----------------------------------------------------------------------


def test_the_box_asks_the_networks_dns_server_once_and_then_again_when_the_answer_is_old(box: VirtualBox):
    assert box.dns.queries == 1
    mark = len(box.log)
    box.wifi(False)
    box.advance(1000)
    box.wifi(True)
    advance_until(box, lambda: connected(box, mark))
    assert box.dns.queries == 1
    mark = reconnect(box)
    advance_until(box, lambda: connected(box, mark))
    assert box.dns.queries == 2


@pytest.mark.parametrize("mode", _BAD_DNS)
def test_without_dns_at_the_first_boot_presses_wait_and_the_log_says_why(
    make_box: Callable[..., VirtualBox], receiver: ReceiverThread, mode: str
):
    box = make_box(receiver, clock="stepped")
    box.dns.mode = mode
    box.advance(10_000)
    press(box)
    assert not connected(box, 0)
    assert any("cannot be looked up" in line.text for line in lines(box, "mqtt", "refused"))
    box.dns.mode = "answer"
    advance_until(box, lambda: connected(box, 0))
    advance_until(box, lambda: [alert.kind_name for alert in presses(receiver)] == ["inform"])


@pytest.mark.parametrize("mode", _BAD_DNS)
def test_when_dns_fails_the_last_good_address_is_used_after_a_restart_too(
    box: VirtualBox, receiver: ReceiverThread, mode: str
):
    box.dns.mode = mode
    mark = reconnect(box)
    advance_until(box, lambda: connected(box, mark))
    assert lines(box, "dns", "using the last good address", mark)
    box.power_cut()
    mark = len(box.log)
    box.power_on()
    advance_until(box, lambda: connected(box, mark))
    (line,) = lines(box, "dns", "using the last good address", mark)
    assert line.fields["address"] == box.dns.address
    press(box)
    receiver.wait_until(lambda: len(presses(receiver)) == 1)


def test_an_answer_that_takes_a_second_and_a_half_is_waited_for(
    make_box: Callable[..., VirtualBox], receiver: ReceiverThread
):
    box = make_box(receiver, clock="stepped")
    box.dns.hold()
    box.advance(1500)
    assert not connected(box, 0)
    box.dns.release()
    advance_until(box, lambda: connected(box, 0))
    assert box.dns.queries == 1


def test_a_forged_answer_that_comes_first_is_passed_over(make_box: Callable[..., VirtualBox], receiver: ReceiverThread):
    box = make_box(receiver, clock="stepped")
    box.dns.mode = "forged first"
    advance_until(box, lambda: connected(box, 0))
    assert [line.fields["address"] for line in lines(box, "dns", "looked up")] == [box.dns.address]
    assert box.dns.queries == 1


def test_an_address_where_no_connection_stood_does_not_take_the_place_of_a_good_one(
    box: VirtualBox,
):
    """A captive portal, a forged answer: after a failure the good address has its turn again."""
    good, box.dns.address = box.dns.address, "203.0.113.66"
    box.upstream("127.0.0.1", closed_port())
    mark = reconnect(box)
    advance_until(box, lambda: len(lines(box, "dns", "looked up", mark)) >= 3)
    tried = [line.fields["address"] for line in lines(box, "dns", "looked up", mark)]
    assert tried[:3] == ["203.0.113.66", good, "203.0.113.66"]
    box.power_cut()
    box.dns.mode = "silent"
    mark = len(box.log)
    box.power_on()
    advance_until(box, lambda: connected(box, mark))
    assert lines(box, "dns", "using the last good address", mark)[0].fields["address"] == good


def test_a_receiver_that_has_moved_is_found_and_kept(box: VirtualBox):
    box.dns.address = "192.0.2.77"
    mark = reconnect(box)
    advance_until(box, lambda: connected(box, mark))
    box.dns.mode = "silent"
    box.power_cut()
    mark = len(box.log)
    box.power_on()
    advance_until(box, lambda: connected(box, mark))
    assert lines(box, "dns", "using the last good address", mark)[0].fields["address"] == "192.0.2.77"


def test_the_address_is_written_to_flash_only_when_it_changes(box: VirtualBox):
    assert programs_after_restart(box) == 1  # each start is counted
    box.dns.address = "192.0.2.77"
    assert programs_after_restart(box) > 1
    assert programs_after_restart(box) == 1


def programs_after_restart(box: VirtualBox) -> int:
    """How often the filesystem's flash is programmed from power-on to the connection."""
    box.power_cut()
    mark = len(box.log)
    box.power_on()
    advance_until(box, lambda: connected(box, mark))
    return sum(box.wear("vfs")["programs"])


def test_a_press_while_dns_is_silent_is_read_without_delay(
    make_box: Callable[..., VirtualBox], receiver: ReceiverThread
):
    """On the real clock, where a call that blocks for DNS's 4 s would show: the virtual button waits for it too."""
    box = make_box(receiver)
    box.wait_log("mqtt", "connected")
    receiver.wait_until(lambda: bool(receiver.states()))  # told of after the address is kept
    box.dns.mode = "silent"
    box.power_cut()
    mark = len(box.log)
    box.power_on()
    box.wait_log("wifi", "joined", since=mark)
    box.press("button", 120)
    classified = box.wait_log("pins", "classified", since=mark)
    box.wait_log("mqtt", "connected", since=mark)
    given_up = lines(box, "dns", "using", mark)[0]
    assert box.log.index(classified) < box.log.index(given_up)  # the look-up was still running
    receiver.wait_until(lambda: len(presses(receiver)) == 1)


# ---- Wi-Fi up, internet down ---------------------------------------------------


def test_what_is_pressed_in_an_hour_without_internet_arrives_when_it_is_back(box: VirtualBox, receiver: ReceiverThread):
    mark = len(box.log)
    box.internet(False)
    random = Random(1)
    hands = Hands(box, receiver)
    left_ms = _HOUR_MS
    for _ in range(6):
        pause_ms = random.randint(0, _HOUR_MS // 6 - 10_000)
        box.advance(pause_ms)
        left_ms -= pause_ms + hands.play(HandGesture(random))
    box.advance(left_ms)
    late_ms = [int(line.fields["late_ms"]) for line in lines(box, "pins", "classified", mark)]
    assert max(late_ms) <= 30  # the loop never stopped
    # An attempt takes 16 s, DNS and all; the pause after it grows to 20 to 40 s, after the loss and each press anew.
    attempts = len(lines(box, "mqtt", "refused", mark))
    assert _HOUR_MS / 56_000 <= attempts <= _HOUR_MS / 36_000 + (1 + 6) * 4
    assert presses(receiver) == []
    box.internet(True)
    hands.check(most_ms=90_000)


def test_what_is_pressed_while_the_internet_comes_and_goes_arrives_once(box: VirtualBox, receiver: ReceiverThread):
    """Presses fall into look-ups, handshakes that hang, and pauses between attempts."""
    random = Random(2)
    hands = Hands(box, receiver)
    for _ in range(6):
        box.internet(False)
        box.advance(random.randint(1, 60_000))
        hands.play(HandGesture(random))
        box.internet(True)
        box.advance(random.randint(1, 3000))
        hands.play(HandGesture(random))
    hands.check()


# ---- Stalls --------------------------------------------------------------------


@pytest.mark.parametrize(("gestures", "seed"), [(30, 3), pytest.param(1000, None, marks=pytest.mark.soak)])
def test_a_stall_at_any_moment_of_any_gesture_loses_and_lowers_nothing(
    box: VirtualBox, receiver: ReceiverThread, gestures: int, seed: int | None
):
    random = seeded(seed)
    hands = Hands(box, receiver)
    for _ in range(gestures):
        hands.play_with_stall(HandGesture(random), random)
    hands.check()


@pytest.mark.parametrize(("gestures", "seed"), [(10, 4), pytest.param(300, None, marks=pytest.mark.soak)])
def test_stalls_and_a_network_that_comes_and_goes_together_lose_and_lower_nothing(
    box: VirtualBox, receiver: ReceiverThread, gestures: int, seed: int | None
):
    random = seeded(seed)
    hands = Hands(box, receiver)
    for _ in range(gestures):
        random.choice((box.internet, box.wifi))(random.random() < 0.5)
        box.dns.mode = random.choice(MODES)
        box.advance(random.randint(1, 30_000))
        hands.play_with_stall(HandGesture(random), random)
    box.internet(True)
    box.wifi(True)
    hands.check()


def seeded(seed: int | None) -> Random:
    """For None one of its own, to be found in the test's output."""
    seed = SystemRandom().randrange(2**32) if seed is None else seed
    print(f"seed {seed}")
    return Random(seed)


class Hands:
    """Plays gestures and remembers under which numbers the box took them."""

    def __init__(self, box: VirtualBox, receiver: ReceiverThread) -> None:
        self._box = box
        self._receiver = receiver
        self._played: list[tuple[HandGesture, tuple[int, int] | None, list[int]]] = []

    def play_with_stall(self, gesture: HandGesture, random: Random) -> None:
        """One stall, beginning anywhere, or where it is worst: just before an edge."""
        at_ms = random.randint(-50, gesture.length_ms + _WINDOW_MS)
        if random.random() < 0.5:
            at_ms = random.choice(gesture.edges)[0] // 1000 - random.randint(0, 40)
        self.play(gesture, (at_ms, random.choice(_STALLS_MS)))

    def play(self, gesture: HandGesture, stall: tuple[int, int] | None = None) -> int:
        """`stall`: when it begins, in milliseconds from the first edge, and for how long.

        Returns how many milliseconds passed, a stall aside.
        """
        box = self._box
        mark = len(box.log)
        box.begin_edges("button", [(us + _LEAD_MS * 1000, level) for us, level in gesture.edges])
        if stall is not None:
            box.advance(_LEAD_MS + stall[0])
            box.stall(stall[1])
        length_ms = _LEAD_MS + gesture.length_ms + _WINDOW_MS
        box.advance(length_ms)
        numbers = [int(line.fields["seq"]) for line in lines(box, "issuer", "journalled", mark)]
        self._played.append((gesture, stall, numbers))
        return length_ms

    def check(self, most_ms: int = 300_000) -> None:
        """Everything arrives, and as no less than what the hand did; without a stall as no more either."""
        wanted = {number for _, _, numbers in self._played for number in numbers}
        arrived = lambda: wanted <= {alert.sequence for alert in self._receiver.alerts()}  # noqa: E731
        advance_until(self._box, arrived, most_ms, step_ms=500)
        kinds = {alert.sequence: alert.kind_name for alert in presses(self._receiver)}
        for gesture, stall, numbers in self._played:
            came = max((KINDS.index(kinds[number]) for number in numbers if number in kinds), default=-1)
            least = KINDS.index(gesture.kind)
            assert came >= least if stall else came == least, (gesture, stall, numbers, kinds)
        dispatched = [alert.sequence for alert in self._receiver.dispatched]
        assert len(dispatched) == len(set(dispatched))
