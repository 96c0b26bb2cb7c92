"""Start the box, and again whatever fails from here on. Wiring only; see box/start.py, box/app.py and box/safe.py."""

import gc
import sys
import time

import machine

# Compiling and loading leaves garbage between what stays. Collected at once, the heap
# stays in one piece; left lying, a TLS buffer finds no room in a heap that is half empty.
gc.threshold(32768)


# A watchdog cannot be stopped, and would cut into the session of who develops: so only where somebody has enrolled the
# box. Before anything that may be damaged is loaded: MicroPython reads on for ever where a .mpy has been cut short.
watchdog = None
for slot in "ab":
    try:
        open("/data/enrolment." + slot).close()  # of all ways to ask, littlefs reads least for this one
        watchdog = machine.WDT(timeout=60_000)
        break
    except OSError:
        pass  # nothing has been stored yet


def interrupted() -> None:
    """Stands in for box/start.py, as the next one does, if that is damaged."""


def failed() -> None:
    time.sleep(5)


try:
    is_safe = True
    import bundle

    bundle.mount()
    try:
        from box.start import begin, failed, interrupted

        is_safe = begin(watchdog)
    except Exception as error:  # noqa: BLE001 - whatever it was, safe mode is worth a try
        sys.print_exception(error)
    if is_safe:
        from box.safe import main
    else:
        from box.app import main
    gc.collect()
    gc.threshold(-1)
    main()
except KeyboardInterrupt:
    interrupted()
    raise
except Exception as error:  # noqa: BLE001 - whatever it was, a box at rest would alert nobody
    sys.print_exception(error)
    failed()
machine.reset()
