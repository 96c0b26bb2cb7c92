"""The virtual box. `VirtualBox` is all that tests and scripts need."""

from alertbox.sim.box import VirtualBox

__all__ = ["VirtualBox"]
