"""What `make mutate` adds to pytest: a loop without end is found out soon, and a test run costs less."""

import gc
import os
import signal
from typing import Any

from mutmut.mutation import trampoline
from mutmut.state import state

_TIMED_OUT = 36  # mutmut's status
_SPARE_S = 3


def _mutant() -> str:
    """The change that is active, as mutmut keeps it; mutmut itself asks the environment at every call."""
    return trampoline._mutant_under_test or ""


trampoline.get_mutant_under_test = _mutant
# A run is short, and ends with its process. Collecting garbage took half of its time.
gc.disable()


def pytest_runtest_setup(item: Any) -> None:
    """Processor time, not the clock's: a busy machine makes no time-out."""
    if "__mutmut_" in _mutant():
        signal.signal(signal.SIGVTALRM, lambda *_: os._exit(_TIMED_OUT))
        signal.setitimer(signal.ITIMER_VIRTUAL, _SPARE_S + 3 * state().duration_by_test.get(item.nodeid, 0))
