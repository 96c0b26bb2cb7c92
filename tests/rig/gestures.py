"""Gestures of a hand on a button as edges, and random ones with the least that each must come to."""

from random import Random

KINDS = ("inform", "help", "alarm")  # in rising strength
HOLD_MS = 1500

Edges = list[tuple[int, int]]


def edges(*durations_ms: int) -> Edges:
    """Down, up, down ...: alternating durations, beginning with a press."""
    result, at, level = [], 0, 1
    for duration in (*durations_ms, 0):
        result.append((at * 1000, level))
        at += duration
        level = 1 - level
    return result


class HandGesture:
    """`edges`: (microseconds from the start, 1 = down); `kind`: what it is without any stall; `length_ms`."""

    def __init__(self, random: Random) -> None:
        clicks = random.choice((1, 1, 2, 2, 3, 5))
        quick = random.random() < 0.3
        presses = [random.randint(40, 60 if quick else 300) for _ in range(clicks)]
        if random.random() < 0.3:
            presses[-1] = random.randint(HOLD_MS + 20, 3000)
        self.kind = "alarm" if presses[-1] > HOLD_MS else "help" if clicks > 1 else "inform"
        self.edges: Edges = []
        at_ms = 0
        for press_ms in presses:
            self.edges += _bounced(random, at_ms, 1) + _bounced(random, at_ms + press_ms, 0)
            self.length_ms = at_ms + press_ms
            at_ms = self.length_ms + random.randint(60, 80 if quick else 400)
        self.presses = presses

    def __repr__(self) -> str:
        return f"{self.kind} {self.presses} {[us // 1000 for us, _ in self.edges]}"


def _bounced(random: Random, at_ms: int, level: int) -> Edges:
    """One change of level of a contact that bounces for up to 6 ms."""
    times = sorted(random.sample(range(1, 6000), 2 * random.choice((0, 0, 1, 3))))
    return [(at_ms * 1000, level), *((at_ms * 1000 + us, level ^ (i + 1) % 2) for i, us in enumerate(times))]
