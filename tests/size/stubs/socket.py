"""`socket` that is never opened: the measured box is armed and has no network."""
