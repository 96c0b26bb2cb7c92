"""Constants of the reference board: an ESP32-WROVER module (4 MiB flash, PSRAM).

Only constants; imports nothing. A further board is a folder beside this one.
Pins avoid the strapping pins (0, 2, 5, 12, 15), the flash (6-11) and PSRAM (16, 17).
"""

NAME = "esp32_wrover"

# name: (GPIO, level while active, pull-up?). "Active" is pressed, present.
INPUTS = {
    "button": (33, 0, True),  # hidden wired button to ground
    "mains": (35, 1, False),  # 5 V supply through a divider; input-only pin, which has no pull-up
}
# name: (GPIO, level while on)
OUTPUTS = {
    "light": (4, 1),  # the one dim light
    "siren": (26, 1),  # relay driver
}

# Sources as they appear in an alert (alert.cddl); 0 is the box itself.
SOURCES = {"button": 1}
