"""Errors that a person causes and can mend: one sentence, exit status 1.

Anything else that reaches the shell is a traceback, which means a fault of ours.
"""

from alertbox import texts


class UserError(Exception):
    """A sentence from the table in `texts`, in the language of the person who reads it."""

    def __init__(self, key: str, **fields: object) -> None:
        super().__init__(key, fields)
        self.key = key
        self.fields = fields

    def __str__(self) -> str:
        return texts.say(self.key, **self.fields)
