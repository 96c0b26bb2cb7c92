"""The virtual ESP32: pins, interrupts, watchdog, Wi-Fi, Bluetooth, and how it dies.

One chip a process, as in life: `chip` below. The fake modules in `modules/` are
the chip's face to the firmware; the control channel is its face to the host.

What a soft interrupt does on the real chip is modelled: handlers run between
bytecodes; while C code blocks nothing runs, at most eight calls wait, and those
see the time and level of the end of the stall. Of advertisements heard meanwhile as many wait.
"""

import os

IRQ_QUEUE = 8  # MICROPY_SCHEDULER_DEPTH of the ESP32 port
BLE_QUEUE = 8  # reports that NimBLE's host holds (BT_NIMBLE_TRANSPORT_EVT_DISCARD_COUNT)
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
        self.wake_reason = 0
        self.memory = b""  # the RTC's, which outlasts a deep sleep
        self.ext0 = None  # (pin, level) that ends a deep sleep
        self.ext1 = ([], False)  # (pins, level): any that is high, or all low
        self.air = 0  # TCP port of the host's end of the radio
        self.dns = 0  # and the UDP port of its DNS server
        self.wifi_up = True
        self.networks = []  # [ssid, key] of the access points, nearest first; an open one has the key ""
        self.interrupt_index = 0  # place of the interrupt character in the terminal's settings
        self.faults = {}  # part: "error", "raise" or "hang", see `fail`
        self.microvolts = {}  # at analogue pins
        self.battery_row = None  # of board.py, if the board has one
        self.ble = None  # the fake BLE, once there is one
        self.notify = None  # told of every event: notify(dict)
        self.control = None  # the channel to the world
        self._pins = {}
        self._edges = []  # (us, pin, level), in order
        self._edges_of = None  # whose edges they are
        self._adverts = []  # (us, address, payload, rssi, answer to an active scan), in order
        self._crowd_us = 0  # how often a device advertises that nobody here knows; 0: never
        self._crowd_next_us = self._crowd_count = 0
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

    def schedule(self, edges, of):
        """Let the world change inputs: edges are (microseconds from now, pin, level). The host hears of their end."""
        start = self.clock.now_us()
        self._edges += [(start + us, number, level) for us, number, level in edges]
        self._edges.sort(key=lambda edge: edge[0])
        self._edges_of = of
        return start

    def pending(self):
        """What `schedule` was given and has not happened yet."""
        start = self.clock.now_us()
        return [(us - start, number, level) for us, number, level in self._edges], self._edges_of

    def next_event_us(self):
        """When the world next does something by itself; None if it does not."""
        due = self._crowd_next_us if self._crowd_us else None
        if self._edges and (due is None or self._edges[0][0] < due):
            due = self._edges[0][0]
        if self._adverts and (due is None or self._adverts[0][0] < due):
            due = self._adverts[0][0]
        return due

    def service(self, stalled=False):
        """Let happen what is due. After a stall the interrupts come late and bunched."""
        now = self.clock.now_us()
        if self._adverts or self._crowd_us:
            self._radio(now, stalled)
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
        if self._edges_of is not None and not self._edges:
            of, self._edges_of = self._edges_of, None
            self.notify({"event": "edges", "of": of})
        if self._watchdog_ms and now - self._fed_us > self._watchdog_ms * 1000:
            self.die("watchdog")

    def rest(self):
        """The firmware runs no more: nobody is called, nothing is heard, no watchdog waits."""
        for state in self._pins.values():
            state.handler = None
        self.ble = None
        self._watchdog_ms = 0

    def levels(self):
        """[(pin, level)] of the inputs."""
        return [(number, state.level) for number, state in self._pins.items() if not state.output]

    def stall(self, ms):
        """Block as C code does: nothing of the firmware runs meanwhile."""
        self.clock.sleep_us(ms * 1000)
        self.service(stalled=True)

    # ---- battery ----

    def battery(self, mv):
        """Put a cell of this voltage behind the board's divider."""
        row = self.battery_row
        if row:
            self.microvolts[row["pin"]] = mv * 1000000 // row["ratio"]

    # ---- Bluetooth ----

    def advertise(self, adverts):
        """Let a device advertise: (microseconds from now, address, payload, rssi, answer to an active scan).

        What it repeats by then of what it said before, it repeats no longer.
        """
        start = self.clock.now_us()
        new = [(start + advert[0],) + advert[1:] for advert in adverts]
        begins_us, address = new[0][:2]
        self._adverts = [old for old in self._adverts if old[1] != address or old[0] < begins_us] + new
        self._adverts.sort(key=lambda advert: advert[0])
        return start

    def crowd(self, per_second):
        """Have so many advertisements a second from phones and televisions, each from an address of its own."""
        self._crowd_us = 1000000 // per_second if per_second else 0
        self._crowd_next_us = self.clock.now_us() + self._crowd_us

    def _radio(self, now, stalled):
        heard = []
        while self._crowd_us and self._crowd_next_us <= now:
            heard.append((self._crowd_next_us,) + self._stranger())
            self._crowd_next_us += self._crowd_us
        while self._adverts and self._adverts[0][0] <= now:
            heard.append(self._adverts.pop(0))
        if stalled:
            heard.sort(key=lambda advert: advert[0])
            del heard[BLE_QUEUE:]
        for advert in heard:
            if self.ble:
                self.ble._hear(*advert)

    def _stranger(self):
        self._crowd_count += 1
        return b"\x7a" + self._crowd_count.to_bytes(5, "big"), b"\x02\x01\x1a\x0b\xff\x4c\x00\x10\x06\x31\x1d", -70, b""

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

    def die(self, cause, carry=None):
        """End the process at once: no handler, no flush, nothing is tidied up. `carry`: for the next one."""
        self.notify({"event": "died", "cause": cause, "carry": carry})
        # $PPID of the shell is this process; the unix port offers no other way to SIGKILL itself.
        os.system("kill -9 $PPID")


chip = Chip()
