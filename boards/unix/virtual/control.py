"""The control channel: the world around the box, as JSON lines from the host.

Commands are `{"id": n, "do": name, ...}` and are answered with the same id;
events go the other way unasked. A table maps names to functions.
"""

import asyncio
import json
import select
import sys

import usocket

from virtual.chip import chip

_IPPROTO_TCP, _TCP_NODELAY = 6, 1
_POLLIN = 1


def mark(name):
    """A word to the host between the box's own output, where it has an order; no UTF-8 text begins with these bytes."""
    sys.stdout.buffer.write(b"\xfe\xfdbox:" + name.encode() + b"\n")


class Control:
    def __init__(self, port, inputs):
        self._inputs = inputs
        self._socket = usocket.socket()
        self._socket.connect(usocket.getaddrinfo("127.0.0.1", port)[0][-1])
        self._socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        self._advancing = False
        chip.notify = self.send
        chip.control = self

    def send(self, message):
        self._socket.write((json.dumps(message) + "\n").encode())

    async def run(self):
        reader = asyncio.StreamReader(self._socket)
        while True:
            self._obey(await reader.readline())

    def wait(self, us):
        """Without the loop: let time pass up to `us` (None: for ever), or less, or take one command."""
        clock = chip.clock
        if not clock.stepped:
            poll = select.poll()
            poll.register(self._socket, _POLLIN)
            if poll.poll(-1 if us is None else max(0, (us - clock.now_us() + 999) // 1000)):
                self._obey(self._socket.readline())
            chip.service()
        elif clock.now_us() < clock.until_us:
            clock.move_to(clock.until_us if us is None else min(us, clock.until_us))
            chip.service()
        else:
            self.idle()
            self._obey(self._socket.readline())

    def _obey(self, line):
        if not line:
            chip.die("host gone")
        command = json.loads(line)
        try:
            answer = _COMMANDS[command["do"]](self, command) or {}
        except Exception as error:  # noqa: BLE001 - the host is told, whatever it was
            answer = {"error": repr(error)}
        answer["id"] = command["id"]
        self.send(answer)

    def idle(self):
        """The stepped clock has used up the time it was granted."""
        if self._advancing:
            self._advancing = False
            # On the console, so that all it said before has been read when the host learns of it.
            mark("advanced")

    # ---- commands ----

    def _edges(self, command):
        number, active, _ = self._inputs[command["input"]]
        edges = [(us, number, active if level else 1 - active) for us, level in command["edges"]]
        return {"us": chip.schedule(edges, command["id"])}

    def _advertise(self, command):
        adverts = []
        for us, address, payload, rssi, answer in command["adverts"]:
            adverts.append((us, bytes.fromhex(address), bytes.fromhex(payload), rssi, bytes.fromhex(answer)))
        return {"us": chip.advertise(adverts)}

    def _end_scan(self, command):
        chip.ble._stop()

    def _crowd(self, command):
        chip.crowd(command["per_second"])

    def _battery(self, command):
        chip.battery(command["mv"])

    def _stall(self, command):
        chip.stall(command["ms"])

    def _wifi(self, command):
        chip.wifi_up = command["up"]
        chip.networks = command["networks"]

    def _advance(self, command):
        self.grant(command["ms"] * 1000)

    def grant(self, us):
        """So much of the stepped clock's time may pass; then the host is told."""
        self._advancing = True
        chip.clock.until_us = chip.clock.now_us() + us

    def granted(self):
        """How much of it is left; None while the host does not wait for it."""
        return chip.clock.until_us - chip.clock.now_us() if self._advancing else None

    def _cut(self, command):
        chip.flash.cut_after(command["operations"], command["seed"])

    def _fail(self, command):
        chip.faults[command["part"]] = command["how"]

    def _clock(self, command):
        chip.rtc.set(command["seconds"])

    def _wear(self, command):
        """Reads, programs and erases of each block of a partition since this start."""
        row = [row for row in chip.partitions if row[4] == command["partition"]][0]
        first, count = row[2] // 4096, row[3] // 4096
        flash = chip.flash
        return {
            "reads": [flash.reads[first + i] for i in range(count)],
            "programs": [flash.programs[first + i] for i in range(count)],
            "erases": [flash.erases[first + i] for i in range(count)],
            "read_bytes": flash.read_bytes,
            "refused_sets": flash.refused_sets,
        }


_COMMANDS = {
    "edges": Control._edges,
    "advertise": Control._advertise,
    "crowd": Control._crowd,
    "end_scan": Control._end_scan,
    "battery": Control._battery,
    "stall": Control._stall,
    "wifi": Control._wifi,
    "advance": Control._advance,
    "cut": Control._cut,
    "fail": Control._fail,
    "clock": Control._clock,
    "wear": Control._wear,
}
