"""The box's local time against the time zone database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from box.core import hours

_START = datetime(2024, 1, 1, tzinfo=UTC)


def real_offset_min(unix_s: int, zone: str) -> float:
    offset = datetime.fromtimestamp(unix_s, ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset / timedelta(minutes=1)


@pytest.mark.parametrize("zone", hours.zones())
def test_local_time_is_that_of_the_time_zone_database(zone):
    place = hours.Zone(zone)
    for i in range(30_000):
        at = int((_START + timedelta(hours=7 * i, minutes=i % 60)).timestamp())
        assert place.offset_min(at) == real_offset_min(at, zone), (at, zone)


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Miquelon"])
def test_clocks_change_at_the_second_of_the_time_zone_database(zone):
    place = hours.Zone(zone)
    start = int(_START.timestamp())
    changes = [
        at for at in range(start, start + 24 * 365 * 86400, 3600) if place.offset_min(at - 1) != place.offset_min(at)
    ]
    assert len(changes) == 48
    for at in changes:
        assert place.offset_min(at - 1) == real_offset_min(at - 1, zone)
        assert place.offset_min(at) == real_offset_min(at, zone)
