"""The demo: a script of presses, and whether the receiver ended up with exactly those."""
