"""Constants of the reference board: an ESP32-WROVER module (4 MiB flash, PSRAM).

Only constants; imports nothing. A further board is a folder beside this one.
Pins avoid the strapping pins (0, 2, 5, 12, 15), the flash (6-11), PSRAM (16, 17), the console (1, 3), and for inputs
those that are unquiet at a start (14) or that the chip itself pulls low for moments (36, 39: errata, with Wi-Fi on).
"""

NAME = "esp32_wrover"

# name: (GPIO, level while active, pull-up?). "Active" is pressed, open, present.
INPUTS = {
    "button": (33, 0, True),  # hidden wired button to ground
    "foot": (32, 0, True),  # foot switch to ground
    "tamper": (27, 1, True),  # opens with the case: a cut wire counts as open
    "mains": (35, 1, False),  # 5 V supply through a divider; input-only pin, which has no pull-up
}
# One lithium-ion cell, millivolts under the box's load. The pin is one of the first converter's (32-39): Wi-Fi needs
# the second. `ratio`: cell to pin in thousandths, here two equal resistors; the pin sees at most 2.1 V of the
# converter's 2.45 V (11 dB). Below absent_mv there is no cell: its own protection opens at 2.5 V.
BATTERY = {
    "pin": 34,
    "ratio": 2000,
    "absent_mv": 2000,
    "empty_mv": 3200,
    "low_mv": 3500,  # about a fifth is left: an alarm of half an hour, or hours of waiting
    "start_mv": 3600,  # more than a cell recovers that rests: or the box would start and tell that it is low in turns
    "well_mv": 3700,
}
# name: (GPIO, level while on)
OUTPUTS = {
    "light": (4, 1),  # the one dim light
    "siren": (26, 1),  # relay driver
}

# Sources as they appear in an alert (alert.cddl); 0 is the box itself.
SOURCES = {"button": 1, "foot": 2}
