"""Start the virtual ESP32: `micropython -i launch.py settings.json`; after main.py comes the prompt, as on the chip.

Of the host's files only this repository stays in sight, at `/host` and read-only: `mpremote rm -r :` means the box.
"""

import gc
import json
import sys

import vfs

gc.threshold(4096)  # as main.py does
with open(sys.argv[1]) as _file:
    _settings = json.load(_file)
vfs.umount("/")
vfs.mount(vfs.VfsPosix(_settings["root"]), "/host", readonly=True)
sys.path[:] = ["", "/host/boards/unix/modules", "/host/boards/unix", ".frozen", "/lib"]

from virtual.start import start  # noqa: E402 - the path above must come first

start(_settings)
