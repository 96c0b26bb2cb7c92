"""Local time from UTC, and which hours are silent.

Pure: no clock. The box knows UTC alone, and the stock image no time zones. France has a dozen of them; those with
daylight saving follow one of two rules, in the law of the day: the European Union's (all clocks change at 01:00 UTC),
and for Saint-Pierre-et-Miquelon the American one. A change of the law comes with an update.
"""

_DAY_S = 86400

# When summer begins and ends: month, the day from which on the next Sunday is meant (25: a long month's last Sunday),
# and the hour in UTC.
_EUROPE = ((3, 25, 1), (10, 25, 1))
_MIQUELON = ((3, 8, 5), (11, 1, 4))

# By the names of the IANA time zone database: minutes east of UTC in winter, and whose summer. One text takes a tenth
# of the heap of a dictionary. Saint-Barthelemy and Saint-Martin have Guadeloupe's time.
_ZONES = """
Europe/Paris 60 europe
America/Guadeloupe -240 none
America/Martinique -240 none
America/Cayenne -180 none
America/Miquelon -180 miquelon
Indian/Reunion 240 none
Indian/Mayotte 180 none
Pacific/Noumea 660 none
Pacific/Wallis 720 none
Pacific/Tahiti -600 none
Pacific/Marquesas -570 none
Pacific/Gambier -540 none
"""
DEFAULT_ZONE = "Europe/Paris"

# Days before each month of a year that begins in March, so that the leap day comes last.
_BEFORE = (0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337)


def zones() -> list:
    """The names of all zones."""
    return [name for name, _, _ in _rows()]


def _rows() -> list:
    return [row.split() for row in _ZONES.strip().split("\n")]


class Zone:
    """The zone of this name; ValueError if there is none."""

    def __init__(self, zone: str) -> None:
        for name, winter_min, summer in _rows():
            if name == zone:
                self._winter_min = int(winter_min)
                self._summer = {"europe": _EUROPE, "miquelon": _MIQUELON}.get(summer)
                return
        raise ValueError("%s is no time zone; choose one of %s." % (zone, ", ".join(zones())))

    def offset_min(self, utc: int) -> int:
        """Minutes that local time is ahead of UTC at this Unix time."""
        if self._summer is None:
            return self._winter_min
        year = _year(utc // _DAY_S)
        begin, end = [_change(year, month, day, hour) for month, day, hour in self._summer]
        return self._winter_min + 60 if begin <= utc < end else self._winter_min

    def minute_of_day(self, utc: int) -> int:
        """Minutes since midnight on a clock on the wall, 0 to 1439."""
        return (utc // 60 + self.offset_min(utc)) % 1440


def minutes(text: str) -> int:
    """Minutes since midnight of a right "HH:MM"."""
    return int(text[:2]) * 60 + int(text[3:])


class SilentHours:
    """`hours`: None, or {"from": "HH:MM", "to": "HH:MM"} as in the settings; the minute `to` is loud again."""

    def __init__(self, hours: "dict | None", zone: str = DEFAULT_ZONE) -> None:
        self._from = minutes(hours["from"]) if hours else 0
        self._to = minutes(hours["to"]) if hours else 0
        self._zone = Zone(zone)

    def are_on(self, utc: "int | None") -> bool:
        """Is it a silent hour? Yes if the time is unknown and any hour is silent."""
        if self._from == self._to:
            return False
        if utc is None:
            return True
        minute = self._zone.minute_of_day(utc)
        if self._from < self._to:
            return self._from <= minute < self._to
        return minute >= self._from or minute < self._to


def _change(year: int, month: int, from_day: int, hour: int) -> int:
    """Unix time of the first Sunday from this day on, at this hour UTC."""
    day = _days(year, month, from_day)
    return (day + (3 - day) % 7) * _DAY_S + hour * 3600  # 1970 began on a Thursday, day 3 was a Sunday


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970."""
    if month < 3:
        year -= 1
        month += 12
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + _BEFORE[month - 3] + day - 719469


def _year(day: int) -> int:
    """The year in UTC of a day since 1970."""
    year = 1970 + day // 366
    while _days(year + 1, 1, 1) <= day:
        year += 1
    return year
