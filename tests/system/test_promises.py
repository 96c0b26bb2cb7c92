"""A machine of random days: presses, noise, stalls, cuts, faults and jumps in any order.

After each step what the box has journalled, what the receiver has stored and what it
has dispatched must agree with the promises; at the end everything is put right, and
then every journalled press must be at the receiver, once.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from alertbox.receiver import ReceiverThread
from alertbox.sim import VirtualBox
from alertbox.town import Town
from gestures import edges
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from stepping import advance_until

pytestmark = pytest.mark.needs(
    "edges", "wifi", "advance", "power_cut", "power_cut_at_flash_operation", "power_on", "set_clock", "stall", "wear"
)

_PRESSES = ("inform", "help", "alarm")
_GESTURES = {  # milliseconds down, up, down ...: what it must become
    "inform": (120,),
    "help": (100, 150, 100),
    "alarm": (1700,),
    "frantic": (50, 60, 50, 60, 50, 60, 50),
}
_LEAST = {"inform": 0, "help": 1, "frantic": 1, "alarm": 2}


class Days(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="alertbox-days-"))
        self.town = Town.create(self.folder / "town")
        self.receiver = ReceiverThread(self.town).__enter__()
        self.port = self.receiver.port
        self.dispatched: list[int] = []
        self.box = VirtualBox(self.receiver, folder=self.folder / "box", clock="stepped").__enter__()

    # ---- what may happen ----

    @rule(name=st.sampled_from(sorted(_GESTURES)))
    def press(self, name: str) -> None:
        self.on()
        mark = len(self.box.log)
        try:
            self.box.edges("button", edges(*_GESTURES[name]))
            self.box.advance(700)
        except RuntimeError:
            return  # the power went in the middle
        kinds = [line.fields["kind"] for line in self.box.log[mark:] if line.text.startswith("classified")]
        assert kinds, f"{name} was lost"
        assert max(_PRESSES.index(kind) for kind in kinds) >= _LEAST[name], f"{name} became {kinds}"

    @rule(width_us=st.integers(100, 5000), count=st.integers(1, 4))
    def noise(self, width_us: int, count: int) -> None:
        self.on()
        mark = len(self.box.log)
        moments = [(i * 40_000, 1) for i in range(count)] + [(i * 40_000 + width_us, 0) for i in range(count)]
        try:
            self.box.edges("button", sorted(moments))
            self.box.advance(700)
        except RuntimeError:
            return
        assert not [line for line in self.box.log[mark:] if line.text.startswith("classified")]

    @rule(ms=st.sampled_from([200, 1500, 20_000]))
    def stall(self, ms: int) -> None:
        self.on()
        try:
            self.box.stall(ms)
        except RuntimeError:
            return
        self.pass_time(700)

    @rule(up=st.booleans())
    def wifi(self, up: bool) -> None:
        self.box.wifi(up)

    @rule(ms=st.sampled_from([300, 5_000, 70_000]))
    def pass_time(self, ms: int) -> None:
        self.on()
        with contextlib.suppress(RuntimeError):  # the power goes meanwhile
            self.box.advance(ms)

    @rule(seconds=st.sampled_from([0, 663_000_000, 2_000_000_000]))
    def clock_jumps(self, seconds: int) -> None:
        self.on()
        self.box.set_clock(946_684_800 + seconds)
        self.pass_time(300)

    @rule()
    def power_cut(self) -> None:
        self.box.power_cut()

    @rule(operations=st.integers(1, 12), seed=st.integers(1, 1000))
    def power_will_go_in_the_middle_of_a_flash_operation(self, operations: int, seed: int) -> None:
        self.on()
        self.box.power_cut_at_flash_operation(operations, seed)

    def on(self) -> None:
        """Whatever needs power brings it back. Not a precondition: when exactly a cut comes depends on the network,
        and the choice of rules must depend on nothing but what Hypothesis draws."""
        if not self.box.is_on:
            self.box.power_on()

    @rule()
    def receiver_restarts(self) -> None:
        self.receiver.stop()
        self.dispatched += [alert.sequence for alert in self.receiver.dispatched]
        self.receiver = ReceiverThread(self.town, port=self.port).__enter__()

    # ---- what must hold ----

    def journalled(self) -> dict[int, str]:
        """{sequence: kind} from the box's log; a sequence that comes twice is a broken promise."""
        found: dict[int, str] = {}
        for line in self.box.log:
            if line.text.startswith("journalled"):
                sequence = int(line.fields["seq"])
                assert sequence not in found, f"sequence {sequence} was used twice"
                found[sequence] = line.fields["kind"]
        return found

    @invariant()
    def what_is_stored_was_journalled_and_nothing_is_dispatched_twice(self) -> None:
        journalled = self.journalled()
        stored = {alert.sequence: alert.kind_name for alert in self.receiver.alerts()}
        for sequence, kind in stored.items():
            # A cut between the flash program and the log line leaves an alert that only the flash knows.
            assert journalled.get(sequence, kind) == kind
        dispatched = self.dispatched + [alert.sequence for alert in self.receiver.dispatched]
        assert len(dispatched) == len(set(dispatched))

    @invariant()
    def the_firmware_never_asks_a_cleared_bit_to_be_set(self) -> None:
        assert not any("MemoryError" in line for line in self.box.console_lines)
        with contextlib.suppress(RuntimeError):  # it is off
            assert self.box.wear("journal")["refused_sets"] == 0

    def teardown(self) -> None:
        try:
            self._put_right()
            wanted = {sequence for sequence, kind in self.journalled().items() if kind in _PRESSES}
            arrived = lambda: wanted <= {alert.sequence for alert in self.receiver.alerts()}  # noqa: E731
            advance_until(self.box, arrived, most_ms=400_000, step_ms=500)
        finally:
            self.box.__exit__(None, None, None)
            self.receiver.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _put_right(self) -> None:
        self.box.wifi(True)
        self.box.power_cut()  # and with it any cut that was still to come
        self.box.power_on()


_QUICK: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck), "phases": (Phase.generate,)}


def test_the_promises_hold_on_random_days():
    run_state_machine_as_test(Days, settings=settings(max_examples=6, stateful_step_count=15, **_QUICK))


@pytest.mark.soak
def test_the_promises_hold_on_many_random_days():
    """Other days in each run; a failure prints the steps that lead to it."""
    run_state_machine_as_test(
        Days, settings=settings(max_examples=150, stateful_step_count=40, derandomize=False, **_QUICK)
    )
