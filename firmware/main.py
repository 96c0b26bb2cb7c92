"""Start the box. Wiring only; see box/app.py and box/power.py."""

import gc

# Compiling and loading leaves garbage between what stays. Collected at once, the heap
# stays in one piece; left lying, a TLS buffer finds no room in a heap that is half empty.
gc.threshold(4096)

import bundle  # noqa: E402

bundle.mount()

from box import power  # noqa: E402

power.look()  # before all else is loaded: who goes back to sleep shall not have been awake for long

from box.app import main  # noqa: E402

gc.collect()
gc.threshold(-1)

main()
