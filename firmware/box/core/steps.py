"""Work in steps: a generator that yields where something else may have its turn, and returns its value.

Pure. Whoever has a loop runs it with console/lock.py's `patiently`; whoever has time, with `finish`.
"""


def finish(steps):  # type: ignore[no-untyped-def]  # a generator's type has a name in typing only
    """Run it to its end without a pause and return its value."""
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value
