"""The commands of `alertbox`, one module each with its `command`.

They talk to the person; the work is done elsewhere.
"""
