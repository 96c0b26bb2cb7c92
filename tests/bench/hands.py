"""Hands on a bad contact: random gestures as edges, and what an ideal observer calls them.

Shares no code with the firmware, so that each checks the other. The observer sees the hand, not the contact: exact
intervals without bounce. No duration lies within `MARGIN_MS` of a threshold, where either answer would be right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

CLICK_MS, WINDOW_MS, HOLD_MS, STUCK_MS = 30, 500, 1500, 30_000
MARGIN_MS = 20
CLICK, DOUBLE, HOLD, STUCK = 1, 2, 3, 4

_BOUNCE_US = 500, 15_000
_SPIKE_US = 100, 5_000
_BETWEEN_SPIKES_US = 30_000, 400_000  # from the end of one to the beginning of the next
_LONGEST_REST_MS = 1200
_ONE_IN_STUCK = 2000

Edges = list[tuple[int, bool]]  # microseconds, is the contact closed


@dataclass(frozen=True)
class Hand:
    """One gesture: presses as (down, up) in microseconds, and the reports it must come to, in order."""

    presses: Sequence[tuple[int, int]]
    reports: Sequence[int]

    @property
    def strongest(self) -> int:
        return max(code for code in self.reports if code != STUCK)


def generate(count: int, seed: int) -> tuple[list[Hand], Edges]:
    """So many gestures one after the other, and every edge that a bad contact makes of them."""
    random = Random(seed)
    hands = []
    at_ms = 1000.0
    for _ in range(count):
        presses = _presses(random, at_ms)
        hands.append(Hand([(int(down * 1000), int(up * 1000)) for down, up in presses], _ideal(presses)))
        at_ms = presses[-1][1] + random.uniform(WINDOW_MS + MARGIN_MS, _LONGEST_REST_MS)
    return hands, _edges(random, [press for hand in hands for press in hand.presses])


def _presses(random: Random, at_ms: float) -> list[tuple[float, float]]:
    presses = []
    for _ in range(random.choice((1, 1, 1, 2, 2, 2, 3, 5))):
        length = _press_ms(random)
        presses.append((at_ms, at_ms + length))
        at_ms += length + random.uniform(CLICK_MS + MARGIN_MS, WINDOW_MS - MARGIN_MS)
    return presses


def _press_ms(random: Random) -> float:
    if not random.randrange(_ONE_IN_STUCK):
        return random.uniform(STUCK_MS + MARGIN_MS, STUCK_MS + 1000)
    choice = random.random()
    if choice < 0.75:
        return random.uniform(CLICK_MS + MARGIN_MS, 300)
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


def _edges(random: Random, presses: Sequence[tuple[int, int]]) -> Edges:
    """Every change bounces, and between changes the contact spikes the wrong way."""
    edges: Edges = []
    quiet_from = 0
    for down, up in presses:
        for at, closed in ((down, True), (up, False)):
            edges += _spikes(random, quiet_from, at, closed)
            bounces = _bounces(random, at, closed)
            edges += bounces
            quiet_from = bounces[-1][0]
    return edges


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


def _bounces(random: Random, at: int, closed: bool) -> Edges:
    edges = [(at, closed)]
    until = at + random.randint(*_BOUNCE_US)
    while True:
        opened = at + random.randint(50, 3000)
        at = opened + random.randint(50, 3000)
        if at > until:
            return edges
        edges += [(opened, not closed), (at, closed)]
