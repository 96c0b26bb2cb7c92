"""Why settings are refused, in sentences, and the names of fields for people."""

from dataclasses import dataclass
from typing import Any

from alertbox.errors import UserError
from alertbox.texts import catalogue, language, say

FieldPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One fault: the field's path, and the sentence's key and fields."""

    path: FieldPath
    key: str
    fields: dict[str, object]

    def __str__(self) -> str:
        return say(self.key, **self.fields)

    @property
    def dotted(self) -> str:
        return dotted(self.path)


class SettingsRefused(UserError):
    """All faults of a document, a line each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("provision-refused", problems="")
        self.problems = problems

    def __str__(self) -> str:
        return say(self.key, problems="".join(f"\n  {problem.dotted}: {problem}" for problem in self.problems))


# What pydantic finds, where its own name of the fault and ours differ.
_TYPES = {
    "missing": "provision-bad-missing",
    "extra_forbidden": "provision-bad-unknown",
    "string_too_long": "provision-bad-long",
    "string_too_short": "provision-bad-empty",
    "too_long": "provision-bad-many",
    "greater_than_equal": "provision-bad-small",
    "less_than_equal": "provision-bad-large",
    "literal_error": "provision-bad-choice",
    "string_type": "provision-bad-text",
    "bool_type": "provision-bad-bool",
    "int_type": "provision-bad-int",
    "float_type": "provision-bad-float",
    "finite_number": "provision-bad-float",
    "list_type": "provision-bad-list",
    "model_type": "provision-bad-part",
}


def problem(fault: Any) -> Problem:
    context = dict(fault.get("ctx", {}))
    path = (*fault["loc"], *context.pop("at", ()))
    if path == ("version",) and fault["type"] != "missing":
        return Problem(path, "provision-bad-version", context)
    return Problem(path, _TYPES.get(fault["type"], fault["type"]), context)


def dotted(path: FieldPath) -> str:
    return ".".join(map(str, path))


def label(path: FieldPath) -> str:
    """A field's name for people, `Contact 2, number` for ("contacts", 1, "number")."""
    names, place = [step for step in path if isinstance(step, str)], [step for step in path if isinstance(step, int)]
    table = catalogue(language())
    words = [
        table.get(f"provision-field-{'-'.join(names[: length + 1])}", names[length]) for length in range(len(names))
    ]
    if place:
        words[0] += f" {place[0] + 1}"
    return ", ".join(words)
