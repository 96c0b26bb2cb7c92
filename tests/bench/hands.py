"""Hands and noise on contacts: random gestures as edges, and what an ideal observer calls them.

Shares no code with the firmware, so that each checks the other. The observer sees the hand, not the contact: exact
intervals without bounce. No duration lies within `MARGIN_MS` of a threshold, where either answer would be right.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

CLICK_MS, WINDOW_MS, HOLD_MS, STUCK_MS = 30, 500, 1500, 30_000
MARGIN_MS = 20
CLICK, DOUBLE, HOLD, STUCK = 1, 2, 3, 4

_BAD_BOUNCE_US = 500, 15_000
# Jack Ganssle, "A Guide to Debouncing": eighteen switches bounced for 1.6 ms in the mean and 6.2 at most, but for
# one, of which the longest here is taken.
_MEAN_BOUNCE_US, _LONG_BOUNCE_US, _WORST_BOUNCE_US = 1_600, 6_200, 81_000
_ONE_SWITCH_IN = 18
_SPIKE_US = 100, 5_000
_BETWEEN_SPIKES_US = 30_000, 400_000  # from the end of one to the beginning of the next
_DROPOUT_US = 6_000, 40_000
_PRESSED_BETWEEN_US = 20_000  # two dropouts that are closer are one
_DROPS_OUT_FROM_US = 100_000  # of a shorter press two touches may be left that cannot be told from noise
_TRAIN_SPIKE_US, _TRAIN_GAP_US = (100, 2_000), (3_000, 40_000)
_STALLS_US = 200_000, 1_500_000, 20_000_000
_LONGEST_REST_MS = 1200
_LATE_US = 100_000  # so late after a window's end a click may be told; the next gesture tells nothing so soon
_ONE_IN_STUCK = 2000

Edges = list[tuple[int, bool]]  # microseconds, is the contact closed
Bounce = Callable[[Random], int]  # microseconds


@dataclass(frozen=True)
class Hand:
    """One gesture: presses as (down, up) in microseconds, and the reports it must come to, in order.

    What is told from `told_from` on is told of it. One of noise has no press, and `most` is the strongest report that
    it may come to.
    """

    told_from: int
    presses: Sequence[tuple[int, int]]
    reports: Sequence[int]
    most: int = 0

    @property
    def strongest(self) -> int:
        return max((code for code in self.reports if code != STUCK), default=0)


@dataclass(frozen=True)
class Recording:
    """So many gestures one after the other, every edge that the contact made, and when Python stood still."""

    hands: Sequence[Hand]
    edges: Edges
    stalls: Sequence[tuple[int, int]] = ()


def bad_contact(random: Random, count: int) -> Recording:
    """Every change bounces, up to 15 ms, and between changes the contact spikes the wrong way."""
    hands = _hands(random, count)
    return Recording(hands, _edges(random, hands, _bad_bounce, spikes=True))


def measured_switches(random: Random, count: int) -> Recording:
    """Bounce as measured on real switches; on the one that bounces 81 ms no press or pause is shorter than that."""
    slow = random.randrange(_ONE_SWITCH_IN) == 0
    hands = _hands(random, count, shortest_ms=_WORST_BOUNCE_US / 1000 + MARGIN_MS if slow else CLICK_MS + MARGIN_MS)
    return Recording(hands, _edges(random, hands, (lambda _: _WORST_BOUNCE_US) if slow else _good_bounce))


def dropouts(random: Random, count: int) -> Recording:
    """The contact opens for 6 to 40 ms within every press of 100 ms and more, once or several times.

    Which touch began or ended a press is doubtful by 50 ms here, so no pause is that near to the window.
    """
    hands = _hands(random, count, longest_pause_ms=WINDOW_MS - 50 - MARGIN_MS)
    edges: Edges = []
    for hand in hands:
        for down, up in hand.presses:
            edges += _bounces(random, down, True, _good_bounce(random))
            at = max(down + random.choice((random.randint(100, 30_000), random.randint(100, up - down))), edges[-1][0])
            while up - down >= _DROPS_OUT_FROM_US:
                back = at + random.randint(*_DROPOUT_US)
                if back >= up - 1_000:
                    break
                edges += [(at + 1, False), (back, True)]
                at = back + random.randint(_PRESSED_BETWEEN_US, 1_000_000)
            edges += _bounces(random, up, False, _good_bounce(random))
    return Recording(hands, edges)


def spike_trains(random: Random, count: int) -> Recording:
    """Noise alone: spikes of 0.1 to 2 ms, 3 to 40 ms apart or at a steady beat, for 0.2 to 4 s."""
    hands, edges, at = [], Edges(), 1_000_000
    for _ in range(count):
        hands.append(Hand(at, (), ()))
        end = at + random.randint(200_000, 4_000_000)
        beat = random.choice(((1_000, 8_000), None, None))
        while at < end:
            spike, gap = beat or (random.randint(*_TRAIN_SPIKE_US), random.randint(*_TRAIN_GAP_US))
            edges += [(at, True), (at + spike, False)]
            at += spike + gap
        at += random.randint(700_000, 1_500_000)
    return Recording(hands, edges)


def spikes_in_stalls(random: Random, count: int) -> Recording:
    """Python stands still, and the contact spikes once in that time: a click at most."""
    hands, edges, stalls, at = [], Edges(), [], 1_000_000
    for _ in range(count):
        stall = random.choice(_STALLS_US)
        spike = random.randint(at - 3_000, at + stall)
        hands.append(Hand(at - 3_000, (), (), most=CLICK))
        edges += [(spike, True), (spike + random.randint(100, 3_000), False)]
        stalls.append((at, at + stall))
        at += stall + random.randint(700_000, 1_500_000)
    return Recording(hands, edges, stalls)


def hands_in_stalls(random: Random, count: int) -> Recording:
    """Python stands still somewhere within or about a gesture. The contact bounces, or a hidden hold is a click."""
    hands, stalls, at_ms = [], [], 25_000.0
    for _ in range(count):
        presses = _presses(random, at_ms, CLICK_MS + MARGIN_MS, WINDOW_MS - MARGIN_MS)
        hands.append(_hand(presses, 0))
        stall = random.choice(_STALLS_US)
        start = random.randint(hands[-1].told_from - stall, hands[-1].presses[-1][1])
        stalls.append((start, start + stall))
        at_ms = max(presses[-1][1], (start + stall) / 1000) + 21_500
    return Recording(hands, _edges(random, hands, lambda random: random.randint(7_000, 15_000)), stalls)


def _hands(
    random: Random,
    count: int,
    shortest_ms: float = CLICK_MS + MARGIN_MS,
    longest_pause_ms: float = WINDOW_MS - MARGIN_MS,
) -> list[Hand]:
    hands = []
    at_ms = 1000.0
    for _ in range(count):
        presses = _presses(random, at_ms, shortest_ms, longest_pause_ms)
        hands.append(_hand(presses, _LATE_US))
        at_ms = presses[-1][1] + random.uniform(WINDOW_MS + MARGIN_MS, _LONGEST_REST_MS)
    return hands


def _hand(presses: Sequence[tuple[float, float]], late: int) -> Hand:
    exact = [(int(down * 1000), int(up * 1000)) for down, up in presses]
    return Hand(exact[0][0] + late, exact, _ideal(presses))


def _presses(random: Random, at_ms: float, shortest_ms: float, longest_pause_ms: float) -> list[tuple[float, float]]:
    presses = []
    for _ in range(random.choice((1, 1, 1, 2, 2, 2, 3, 5))):
        length = _press_ms(random, shortest_ms)
        presses.append((at_ms, at_ms + length))
        at_ms += length + random.uniform(shortest_ms, longest_pause_ms)
    return presses


def _press_ms(random: Random, shortest_ms: float) -> float:
    if not random.randrange(_ONE_IN_STUCK):
        return random.uniform(STUCK_MS + MARGIN_MS, STUCK_MS + 1000)
    choice = random.random()
    if choice < 0.75:
        return random.uniform(shortest_ms, 300)
    if choice < 0.88:
        return random.uniform(300, HOLD_MS - MARGIN_MS)
    return random.uniform(HOLD_MS + MARGIN_MS, 3000)


def _ideal(presses: Sequence[tuple[float, float]]) -> list[int]:
    """Each report only if it is stronger than those before it."""
    reports: list[int] = []
    for number, (down, up) in enumerate(presses, 1):
        if up - down >= HOLD_MS and HOLD not in reports:
            reports.append(HOLD)
        if up - down >= STUCK_MS:
            reports.append(STUCK)
        if number >= 2 and not {DOUBLE, HOLD} & set(reports):
            reports.append(DOUBLE)
    return reports or [CLICK]


def _edges(random: Random, hands: Sequence[Hand], bounce: Bounce, spikes: bool = False) -> Edges:
    edges: Edges = []
    quiet_from = 0
    for down, up in [press for hand in hands for press in hand.presses]:
        for at, closed in ((down, True), (up, False)):
            if spikes:
                edges += _spikes(random, quiet_from, at, closed)
            bounces = _bounces(random, at, closed, bounce(random))
            edges += bounces
            quiet_from = bounces[-1][0]
    return edges


def _bad_bounce(random: Random) -> int:
    return random.randint(*_BAD_BOUNCE_US)


def _good_bounce(random: Random) -> int:
    return min(int(random.expovariate(1 / _MEAN_BOUNCE_US)), _LONG_BOUNCE_US)


def _spikes(random: Random, begin: int, end: int, closed: bool) -> Edges:
    edges: Edges = []
    at = begin + random.randint(200, 400_000)
    while random.random() < 0.4:
        over = at + random.randint(*_SPIKE_US)
        if over >= end - 100:
            break
        edges += [(at, closed), (over, not closed)]
        at = over + random.randint(*_BETWEEN_SPIKES_US)
    return edges


def _bounces(random: Random, at: int, closed: bool, length: int) -> Edges:
    edges = [(at, closed)]
    until = at + length
    while True:
        opened = at + random.randint(50, 3000)
        at = opened + random.randint(50, 3000)
        if at > until:
            return edges
        edges += [(opened, not closed), (at, closed)]
