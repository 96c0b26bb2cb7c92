"""The virtual ESP32: pins, interrupts, watchdog, Wi-Fi, and how it dies.

One chip a process, as in life: `chip` below. The fake modules in `modules/` are
the chip's face to the firmware; the control channel is its face to the host.

What a soft interrupt does on the real chip is modelled: handlers run between
bytecodes; while C code blocks nothing runs, at most eight calls wait, and those
see the time and level of the end of the stall.
"""

import os

IRQ_QUEUE = 8  # MICROPY_SCHEDULER_DEPTH of the ESP32 port
_RISING, _FALLING = 1, 2


class PinState:
    def __init__(self):
        self.level = 1
        self.output = False
        self.handler = None
        self.trigger = 0
        self.pin = None  # the Pin object handed to the handler


class Chip:
    def __init__(self):
        self.clock = None
        self.rtc = None
        self.flash = None
        self.partitions = []
        self.mac = b""
        self.reset_cause = 1
        self.air = 0  # TCP port of the host's end of the radio
        self.dns = 0  # and the UDP port of its DNS server
        self.wifi_up = True
        self.networks = []  # [ssid, key] of the access points, nearest first; an open one has the key ""
        self.interrupt_index = 0  # place of the interrupt character in the terminal's settings
        self.faults = {}  # part: "error", "raise" or "hang", see `fail`
        self.notify = None  # told of every event: notify(dict)
        self._pins = {}
        self._edges = []  # (us, pin, level), in order
        self._edges_done = None
        self._watchdog_ms = 0
        self._fed_us = 0

    # ---- pins ----

    def pin(self, number):
        if number not in self._pins:
            self._pins[number] = PinState()
        return self._pins[number]

    def drive(self, number, level):
        """The firmware sets an output."""
        state = self.pin(number)
        level = 1 if level else 0
        if state.level != level:
            state.level = level
            self.notify({"event": "pin", "pin": number, "level": level, "us": self.clock.now_us()})

    def schedule(self, number, edges, done):
        """Let the world change an input: edges are (microseconds from now, level)."""
        start = self.clock.now_us()
        self._edges += [(start + us, number, level) for us, level in edges]
        self._edges.sort(key=lambda edge: edge[0])
        self._edges_done = done
        return start

    def next_edge_us(self):
        return self._edges[0][0] if self._edges else None

    def service(self, stalled=False):
        """Let happen what is due. After a stall the interrupts come late and bunched."""
        now = self.clock.now_us()
        late = []
        while self._edges and self._edges[0][0] <= now:
            due, number, level = self._edges.pop(0)
            state = self.pin(number)
            if state.level == level:
                continue
            state.level = level
            if state.handler and state.trigger & (_RISING if level else _FALLING):
                if not stalled:
                    state.handler(state.pin)
                elif len(late) < IRQ_QUEUE:
                    late.append(state)
        for state in late:
            state.handler(state.pin)
        if self._edges_done and not self._edges:
            done, self._edges_done = self._edges_done, None
            done()
        if self._watchdog_ms and now - self._fed_us > self._watchdog_ms * 1000:
            self.die("watchdog")

    def stall(self, ms):
        """Block as C code does: nothing of the firmware runs meanwhile."""
        self.clock.sleep_us(ms * 1000)
        self.service(stalled=True)

    # ---- faults of the chip itself ----

    def fail(self, part):
        """Called by the fakes where a part may be made to fail: what a driver's bug or dying hardware does."""
        how = self.faults.get(part)
        if how == "error":
            raise OSError(5)
        if how == "raise":
            raise RuntimeError("%s failed" % part)
        while how == "hang":
            self.clock.sleep_us(100000)
            self.service(stalled=True)

    # ---- watchdog and death ----

    def feed(self, timeout_ms=0):
        self._watchdog_ms = timeout_ms or self._watchdog_ms
        self._fed_us = self.clock.now_us()

    def die(self, cause):
        """End the process at once: no handler, no flush, nothing is tidied up."""
        self.notify({"event": "died", "cause": cause})
        # $PPID of the shell is this process; the unix port offers no other way to SIGKILL itself.
        os.system("kill -9 $PPID")


chip = Chip()
