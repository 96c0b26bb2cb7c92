"""Deep sleep: nothing of the firmware runs, the world goes on, and something of it ends the sleep.

The process stays until then, to answer the world's commands and to count virtual time; at the wake it dies, and the
host starts the next one with what outlasts a deep sleep.

What a start takes on the chip until Python runs is taken as a second: what happens at the pins meanwhile, nobody sees.
Not modelled: pins that float for want of a pull, outputs that do, and Ctrl-C, which reaches even a chip that sleeps.
"""

from virtual.chip import chip

EXT0, EXT1, TIMER = 2, 3, 4  # reasons of a wake, as machine.wake_reason() has them
_START_US = 1000000


def deep(time_ms):
    """Sleep; `time_ms`: at most, or None. Does not return."""
    from virtual.control import mark  # it needs sockets, which not every port has that loads the fakes

    chip.rest()
    chip.notify({"event": "radio off"})
    mark("asleep")
    due_us = None if time_ms is None else chip.clock.now_us() + time_ms * 1000
    reason = _reason(due_us)
    while not reason:
        times = [us for us in (due_us, chip.next_event_us()) if us is not None]
        chip.control.wait(min(times) if times else None)
        reason = _reason(due_us)
    chip.die("deep sleep", _carry(reason))


def _reason(due_us):
    """What ends the sleep now; None if nothing does. The chip tells them in this order."""
    if chip.ext0 and chip.pin(chip.ext0[0]).level == chip.ext0[1]:
        return EXT0
    pins, any_high = chip.ext1
    highs = [chip.pin(number).level for number in pins]
    if pins and (any(highs) if any_high else not any(highs)):
        return EXT1
    return TIMER if due_us is not None and chip.clock.now_us() >= due_us else None


def _carry(reason):
    """For `take_over` in the next process. The second that the start takes is not counted as time."""
    edges, of = chip.pending()
    levels = dict(chip.levels())
    for us, number, level in edges:
        if us <= _START_US:
            levels[number] = level
    return {
        "reason": reason,
        "memory": chip.memory.hex(),
        "rtc": chip.rtc.seconds(),
        "granted": chip.control.granted(),
        "levels": list(levels.items()),
        "edges": [(us - _START_US, number, level) for us, number, level in edges if us > _START_US],
        "of": of,
    }


def take_over(carry):
    """At a start, with the world connected: go on where the sleep ended."""
    chip.wake_reason = carry["reason"]
    chip.memory = bytes.fromhex(carry["memory"])
    chip.rtc.set(carry["rtc"])
    for number, level in carry["levels"]:
        chip.pin(number).level = level
    if carry["granted"] is not None:
        chip.control.grant(carry["granted"])
    if carry["of"] is not None:
        chip.schedule(carry["edges"], carry["of"])
