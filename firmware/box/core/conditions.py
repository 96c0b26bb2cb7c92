"""What can be out of the ordinary with a box: one row each.

Pure. The order is the precedence: of several sentences the technician reads the first, and the light shows a fault as
long as there is one. `status.py` holds which rows are on.
"""

from box.core import alert

(
    FLASH,
    UPKEEP,
    STORED,
    SAFE_MODE,
    UNENROLLED,
    PATH_LOST,
    DEAF,
    JAMMED,
    BIP,
    CASE_OPEN,
    BATTERY_UNKNOWN,
    BATTERY_LOW,
    MAINS_LOST,
    FULL,
    OLD_TABLE,
    CLOCK_UNSURE,
    NO_MODEM,
    TEST_MODE,
    LEARNING,
) = range(19)

_FLASH = "Flash fails: replace this box."
_LOST_PATH = "The receiver cannot be reached: check the Wi-Fi, then the receiver."
_DEAF = "Bluetooth fails: restart this box; if that does not help, replace it."
_JAMMED = "No radio is heard any more, as if somebody jammed it: look around, press each bip."
_UNKNOWN = "The battery cannot be measured, nor told when it is low: replace this box."
_LOW = "The battery is low or missing: leave the box on mains, or replace its battery."
_MAINS = "There is no mains: the box runs on its battery."
_TABLE = "Flash has no partition for the plan, as an older version left it: flash this box anew."

# By number: the flag in an alert; the kinds of alert that tell of its begin and its end, None for no alert; its
# sentence, None if it is no fault, "" if whoever sets it brings the sentence; the line of the self-test that names it.
ROWS: tuple = (
    (0, None, None, _FLASH, "flash"),  # a press was not stored: until the next start
    (0, None, None, _FLASH, "flash"),  # as of the last work ahead of need
    (0, None, None, "", "flash"),
    (0, None, None, "It starts no more as it should, and runs in safe mode: repair it.", None),
    (0, None, None, "It is not enrolled: provision this box.", None),
    (alert.FLAG_PATH_DEGRADED, alert.PATH_LOST, alert.PATH_BACK, _LOST_PATH, None),
    (0, None, None, _DEAF, "bips"),
    (0, alert.JAMMING, None, _JAMMED, "bips"),
    (0, None, None, "", "bips"),  # the registry tells of each bip, in its own name
    (alert.FLAG_TAMPER_OPEN, alert.TAMPER, None, "The case is open: close it.", "senses"),
    (0, None, None, _UNKNOWN, "senses"),
    (alert.FLAG_BATTERY_LOW, alert.BATTERY_LOW, None, _LOW, "senses"),
    (alert.FLAG_MAINS_LOST, alert.MAINS_LOST, alert.MAINS_BACK, _MAINS, "senses"),
    (0, alert.STORAGE, None, None, None),
    (0, None, None, _TABLE, "flash"),
    (alert.FLAG_CLOCK_UNSURE, None, None, None, None),
    (alert.FLAG_NO_MODEM, None, None, None, None),
    (alert.FLAG_TEST_MODE, None, None, None, None),
    (0, None, None, None, None),
)
FLAG, BEGINS, ENDS, SENTENCE, AREA = range(5)
AREAS = ("flash", "bips", "senses")  # lines of the self-test
