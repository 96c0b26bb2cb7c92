"""Install MicroPython and the application on a box: one image of its whole flash, built here, written by esptool."""
