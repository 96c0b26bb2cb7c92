"""What differs between two settings: for people before writing, and for the proof after it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alertbox.contract.settings.models import Settings
from alertbox.contract.settings.refused import FieldPath

SECRETS = {("wifi", "key"), ("lte", "password"), ("lte", "pin"), ("bips", "key")}
# How two lists are matched: by the first of these that is the same, so that a changed number is a change of that
# contact and a removed contact does not change those below.
_SAME = {"contacts": ("number", "name"), "wifi": ("ssid",), "bips": ("mac",)}


@dataclass(frozen=True)
class Change:
    """One field that differs, or a whole list item that came (`old` is None) or went (`new` is None).

    The place in a list is that in the new settings, or in the old ones if the item went. A secret's null stands for
    "whatever the box has".
    """

    path: FieldPath
    old: Any
    new: Any

    @property
    def secret(self) -> bool:
        return is_secret(self.path)


def is_secret(path: FieldPath) -> bool:
    return tuple(step for step in path if isinstance(step, str)) in SECRETS


def masked(settings: Settings) -> Settings:
    """As an export shows them: null for each secret, whether there is one or not."""
    document = settings.model_dump(by_alias=True)
    for part, field in SECRETS:
        rows = document[part] if isinstance(document[part], list) else [document[part]]
        for row in rows:
            row[field] = None
    return Settings.read(document, export=True)


def diff(old: Settings, new: Settings) -> list[Change]:
    """What would change, in the order of the document. The order of contacts says nothing (their rank does)."""
    return list(_compare((), old.model_dump(by_alias=True), new.model_dump(by_alias=True)))


def _compare(path: FieldPath, old: Any, new: Any) -> Iterable[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old:
            yield from _compare((*path, name), old[name], new[name])
    elif isinstance(old, list):
        yield from _compare_lists(path, old, new)
    elif old != new and not (is_secret(path) and new is None):
        yield Change(path, old, new)


def _compare_lists(path: FieldPath, old: list[Any], new: list[Any]) -> Iterable[Change]:
    part = str(path[-1])
    pairs: dict[int, int] = {}  # place in new: place in old
    for field in _SAME[part]:
        for place, row in enumerate(new):
            found = [at for at, was in enumerate(old) if was[field] == row[field] and at not in pairs.values()]
            if found and place not in pairs:
                pairs[place] = found[0]
    for at, was in enumerate(old):
        if at not in pairs.values():
            yield Change((*path, at), was, None)
    for place, row in enumerate(new):
        if place in pairs:
            yield from _compare((*path, place), old[pairs[place]], row)
        else:
            yield Change((*path, place), None, row)
    order = [pairs[place] for place in sorted(pairs)]
    if part == "wifi" and order != sorted(order):  # the order is the preference
        yield Change(path, [row["ssid"] for row in old], [row["ssid"] for row in new])
