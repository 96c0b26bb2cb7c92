"""From figures of the unix port to estimates for the ESP32: every constant of that kind, with its source.

Estimates, not measurements: no board has run this code yet. They say which figures are near a limit and which are far.
"""

# How many times slower the ESP32 (240 MHz) runs MicroPython than the unix port on a PC: 60-100. From the same functions
# on the unix port and on the official ESP32_GENERIC v1.27.0 image in an emulator at 125 M instructions/s.
FACTOR = 80

# One 256-bit modular multiplication: about 14,000 instructions in the same emulator, 0.11 ms. What consists of them
# is estimated by counting them, which is better than the factor.
MULMOD_MS = 0.11

# Serial NOR flash at 40 MHz, two bits a cycle. Assumptions: a read's set-up through the driver and the cache, the bytes
# themselves, and a program of up to a page, as data sheets of such chips give it (typically 0.4-0.8 ms).
FLASH_READ_MS = 0.1
FLASH_READ_MS_PER_KIB = 0.1
FLASH_PROGRAM_MS = 0.7
FLASH_ERASE_MS = 45  # of a 4 KiB block, typical in the same data sheets

# The console: 115,200 baud, 10 bits a byte, and the writer waits.
SERIAL_MS_PER_BYTE = 10 / 115.2


def code_ms(unix_us: float) -> float:
    """Milliseconds on the chip of code that takes `unix_us` microseconds on the unix port."""
    return unix_us * FACTOR / 1000


def mulmods_ms(count: float) -> float:
    return count * MULMOD_MS


def flash_ms(reads: float, read_bytes: float, programs: float, erases: float = 0) -> float:
    read_ms = reads * FLASH_READ_MS + read_bytes / 1024 * FLASH_READ_MS_PER_KIB
    return read_ms + programs * FLASH_PROGRAM_MS + erases * FLASH_ERASE_MS


def serial_ms(bytes_written: float) -> float:
    return bytes_written * SERIAL_MS_PER_BYTE
