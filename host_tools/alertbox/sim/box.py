"""The virtual box: the firmware on MicroPython's unix port, on a virtual ESP32.

The same main.py as on the chip. This side is the world: it presses, cuts Wi-Fi,
mains and power, watches lights and siren, and reads the serial console.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

from alertbox.sim import flash
from alertbox.sim.air import Air
from alertbox.sim.console import LogLine
from alertbox.sim.dns import DnsServer
from alertbox.sim.machine import ARMED, EPOCH_2000, Machine
from alertbox.sim.process import ROOT, micropython

__all__ = ["ROOT", "VirtualBox", "micropython"]

_NETWORKS = {"shop": "shop-key"}
_FULL_MV = 4100
_BURST_MS = 100  # a bip's pause between two of the same packet
_JITTER_MS = (0, 7, 3, 9, 1, 6, 4, 8, 2, 5)  # that Bluetooth adds to it
_ENROLMENT = ("version", "issued", "user", "password", "secret", "ca", "town")


class VirtualBox(Machine):
    """A box in a process of its own.

    clock: "real", or "stepped": time moves only by `advance` (and by what presses take).
    receiver: a ReceiverThread, which it reaches by Wi-Fi and where it is enrolled at its first start, unless `enrol`
    is False. Without one the box is armed but unenrolled.
    settings: what its enrolment stores besides where its receiver is, as {"bips": [...]}.
    networks: {name: key} of the Wi-Fi around, nearest first; an open one has the key "".
    folder: where its flash lives; a temporary one by default. rtc: what its clock says whenever power comes, Unix
    seconds; the chip's says 2000. on_console: gets each line of its console.
    """

    def __init__(
        self,
        receiver: Any = None,
        *,
        enrol: bool = True,
        settings: Mapping[str, Any] = MappingProxyType({}),
        networks: Mapping[str, str] = _NETWORKS,
        folder: Path | None = None,
        clock: str = "real",
        name: str = "Boulangerie Martin",
        board: str = "esp32_wrover",
        heapsize: str = "640K",
        siren: bool = False,
        mains: bool = True,
        rtc: int = EPOCH_2000,
        on_console: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(folder=folder, clock=clock, board=board, heapsize=heapsize, rtc=rtc, on_console=on_console)
        self.name = name
        self.networks = dict(networks)
        self.account: dict[str, Any] = {}  # what its enrolment at the first start gave it
        self._receiver = receiver
        self._enrols = enrol and receiver is not None
        self._siren = siren
        self._settings = settings
        self._inputs = {"button": False, "foot": False, "tamper": False, "mains": mains}
        self._battery_mv = _FULL_MV
        self._edges_done: set[int] = set()
        self._pins: dict[int, int] = {}
        self._outputs: dict[str, list[int]] = {}
        self._wifi = True
        self._internet = True
        self._air = Air()
        self.dns = DnsServer()  # the network's

    def __enter__(self) -> "VirtualBox":
        blank = self._open()
        self.power_on()
        if blank and self._enrols:
            self._enrol()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._air.close()
        self.dns.close()

    def power_on(self, timeout: float = 20, until: tuple[str, str] = ARMED) -> LogLine:
        if self._receiver is not None:
            self._air.upstream = ("127.0.0.1", self._receiver.port)
        return super().power_on(timeout, until)

    def _enrol(self) -> None:
        self.wait_log("app", "identity")
        if self.public_key is None:
            raise RuntimeError("the box told no public key")
        host = self._receiver.town.names[0]  # a name, so that the box has to ask its DNS server
        self.account = self._receiver.enrol(self.public_key, self.name, host=host)
        self.power_cut()
        self.put_documents(self.account)
        self.power_on()

    def stored(self, name: str) -> dict[str, Any]:
        """The box's `settings` or `enrolment`, read out of its flash as who opens the box could."""
        return flash.document(self._flash, self.partitions, name)

    def put_documents(self, account: Mapping[str, Any]) -> None:
        """Write settings and enrolment as provisioning would, the box being off."""
        enrolment = {name: account[name] for name in _ENROLMENT}
        settings: dict[str, Any] = {
            "version": 2,
            "shop": {"name": self.name},
            "wifi": [{"ssid": ssid, "key": key} for ssid, key in list(self.networks.items())[:1]],
            "receiver": {name: account[name] for name in ("host", "port", "server_name")},
        }
        if self._siren:
            settings["siren"] = {"allowed": True, "form": "sim"}
        slots = {"settings": settings | dict(self._settings), "enrolment": enrolment}
        files = {flash.document_path(name): flash.slot(document) for name, document in slots.items()}
        flash.put_files(self._flash, self.partitions, files)

    def _world(self) -> dict[str, Any]:
        return {
            "air": self._air.port,
            "dns": self.dns.port,
            "wifi": self._wifi,
            "networks": list(self.networks.items()),
            "inputs": self._inputs,
            "battery_mv": self._battery_mv,
        }

    def _went_off(self) -> None:
        self._air.drop()
        self._pins.clear()

    def _happened(self, event: dict[str, Any]) -> None:
        if event["event"] == "edges":
            self._edges_done.add(event["of"])
        elif event["event"] == "pin":
            self._pins[event["pin"]] = event["level"]
        elif event["event"] == "on":
            self._outputs = event["outputs"]
        elif event["event"] == "radio off":
            self._air.drop()

    # ---- the world ----

    @property
    def wifi_up(self) -> bool:
        return self._wifi

    @property
    def mains_on(self) -> bool:
        return self._inputs["mains"]

    def press(self, name: str = "button", ms: int = 120) -> float:
        """Press and release an input; returns time.monotonic() of the press (real clock)."""
        return self.edges(name, [(0, 1), (ms * 1000, 0)])

    def edges(self, name: str, edges: Sequence[tuple[int, int]]) -> float:
        """Apply raw edges (microseconds from now, 1 = pressed) and wait until they are over."""
        life = self._life
        answer = self._command("edges", input=name, edges=[list(edge) for edge in edges])
        last_ms = edges[-1][0] // 1000 + 1
        if self.clock == "stepped":
            self.advance(last_ms)
        number = answer["id"]
        over = lambda: number in self._edges_done or self._life != life or not self.is_on  # noqa: E731
        self._wait(over, last_ms / 1000 + 20, "the edges to be over")
        if number not in self._edges_done:
            raise RuntimeError(f"the box went off ({self._died}) in the middle:\n{self._tail()}")
        self._inputs[name] = bool(edges[-1][1])
        return float(answer["us"] / 1e6)

    def edges_during_stall(self, name: str, edges: Sequence[tuple[int, int]], stall_ms: int) -> None:
        """Block the interpreter while the edges happen: interrupts come late, and no more than eight."""
        self.begin_edges(name, edges)
        self.stall(stall_ms)

    def begin_edges(self, name: str, edges: Sequence[tuple[int, int]]) -> None:
        """Let raw edges happen as time passes, without waiting for them."""
        self._command("edges", input=name, edges=[list(edge) for edge in edges])

    def mains(self, on: bool) -> None:
        self.edges("mains", [(0, 1 if on else 0)])

    def tamper(self, opened: bool) -> None:
        """Open or close the case."""
        self.edges("tamper", [(0, 1 if opened else 0)])

    def battery(self, volts: float) -> None:
        """What its cell has from now on; 0 is none."""
        self._battery_mv = round(volts * 1000)
        if self.is_on:
            self._command("battery", mv=self._battery_mv)

    def advertise(
        self,
        mac: str,
        payload: bytes,
        rssi: int = -60,
        *,
        ms: int = 1000,
        after_ms: int = 0,
        answer: bytes = b"",
    ) -> int:
        """Have a Bluetooth device send one packet for `ms`, as bips repeat each, beginning in `after_ms`.

        What it still repeats then of an earlier one ends.

        `mac`: 12 hex digits in printed order, colons or none. `answer`: what an active scan gets besides. Nothing is
        waited for. Returns the chip's time of this call in microseconds.
        """
        moments = [at + _JITTER_MS[i % len(_JITTER_MS)] for i, at in enumerate(range(0, max(ms, 1), _BURST_MS))]
        rows = [[(after_ms + at) * 1000, mac.replace(":", ""), payload.hex(), rssi, answer.hex()] for at in moments]
        return int(self._command("advertise", adverts=rows)["us"])

    def end_scan(self) -> None:
        """Have the chip's Bluetooth stack end the scan by itself."""
        self._command("end_scan")

    def crowd(self, per_second: int) -> None:
        """So many advertisements a second of strangers' devices, until the box's next start; 0: none."""
        self._command("crowd", per_second=per_second)

    def wifi(self, up: bool) -> None:
        """Switch the access points; a loss is silence, nothing is closed."""
        self._wifi = up
        self._reach()
        self._tell_wifi()

    def set_networks(self, networks: Mapping[str, str]) -> None:
        """Other Wi-Fi around, as in the constructor."""
        self.networks = dict(networks)
        self._tell_wifi()

    def _tell_wifi(self) -> None:
        if self.is_on:
            self._command("wifi", up=self._wifi, networks=list(self.networks.items()))

    def internet(self, up: bool) -> None:
        """Wi-Fi stays joined, and nothing beyond the access point answers, DNS included."""
        self._internet = up
        self._reach()

    def _reach(self) -> None:
        up = self._wifi and self._internet
        self._air.set(up)
        self.dns.set(up)

    def upstream(self, host: str, port: int) -> None:
        """Lead the box's connections to another server, until the next start; those that stand break."""
        self._air.upstream = (host, port)
        self._air.drop()

    def stall(self, ms: int) -> None:
        """Block the interpreter as C code does."""
        self._command("stall", ms=ms, timeout=ms / 1000 + 20)

    def fail(self, part: str, how: str = "raise") -> None:
        """Let a part of the chip fail from now until it restarts: pin, output, wlan, ble, adc, flash, socket.

        how: "error" (OSError, which drivers expect), "raise" what no driver expects, or "hang" for ever; "" mends it.
        """
        self._command("fail", part=part, how=how)

    def set_clock(self, unix_seconds: int) -> None:
        """Make the chip's RTC jump."""
        self._command("clock", seconds=unix_seconds - EPOCH_2000)

    def advance(self, ms: int) -> None:
        """Let virtual time pass (stepped clock); returns when the box has lived through it."""
        if self.clock != "stepped":
            raise RuntimeError("only a stepped clock can be advanced")
        self._marks.discard("advanced")
        life = self._life
        self._command("advance", ms=ms)

        def over() -> bool:
            """A box that restarts meanwhile begins a new time; one that wakes goes on."""
            return "advanced" in self._marks or self._life != life or not self.is_on or self.at_prompt

        self._wait(over, 60 + ms / 1000, "virtual time to pass")

    def light(self) -> bool:
        return self._output("light")

    def siren(self) -> bool:
        return self._output("siren")

    def wear(self, partition: str) -> dict[str, Any]:
        """Since this start: `reads`, `programs`, `erases` of each block of a partition; and counts of all flash."""
        return self._command("wear", partition=partition)

    def _output(self, name: str) -> bool:
        if name not in self._outputs:
            return False
        number, active = self._outputs[name]
        return self._pins.get(number, 1 - active) == active
