"""The virtual ESP32: its chip, its flash and its clock; knows nothing of the box that runs on it."""
