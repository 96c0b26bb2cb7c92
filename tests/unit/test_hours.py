"""Local time and silent hours; tests/host compares every zone with the time zone database."""

from box.core.hours import SilentHours, Zone, zones

# Unix seconds of moments in UTC.
_WINTER = 1767225600  # 2026-01-01 00:00
_SUMMER = 1782864000  # 2026-07-01 00:00
_SUMMER_BEGINS = 1774746000  # 2026-03-29 01:00
_SUMMER_ENDS = 1792890000  # 2026-10-25 01:00
_HOUR = 3600


def test_paris_is_an_hour_ahead_and_two_in_summer_which_begins_and_ends_at_its_second():
    for utc, ahead in (
        (_WINTER, 60),
        (_SUMMER_BEGINS - 1, 60),
        (_SUMMER_BEGINS, 120),
        (_SUMMER, 120),
        (_SUMMER_ENDS - 1, 120),
        (_SUMMER_ENDS, 60),
    ):
        assert Zone("Europe/Paris").offset_min(utc) == ahead, utc


def test_overseas_has_no_summer_but_for_miquelon():
    for zone in zones():
        changes = Zone(zone).offset_min(_WINTER) != Zone(zone).offset_min(_SUMMER)
        assert changes == (zone in ("Europe/Paris", "America/Miquelon")), zone


def test_the_minute_of_the_day_is_the_walls():
    for zone, minute in (
        ("Europe/Paris", 60),
        ("Pacific/Tahiti", 840),
        ("Pacific/Marquesas", 870),
        ("Indian/Reunion", 240),
    ):
        assert Zone(zone).minute_of_day(_WINTER) == minute, zone


def test_a_minute_is_whole_to_its_last_second():
    for utc, minute in ((_WINTER, 60), (_WINTER + 59, 60), (_WINTER + 60, 61)):
        assert repr(Zone("Europe/Paris").minute_of_day(utc)) == str(minute)


def test_summer_comes_in_leap_years_and_in_2100_which_is_none():
    # The seconds in which it begins and ends, by the time zone database.
    for begins, ends in (
        (1711846800, 1729990800),  # 2024
        (1837645200, 1856394000),  # 2028
        (4078429200, 4096573200),  # 2099
        (4109878800, 4128627600),  # 2100
        (4141328400, 4160077200),  # 2101
        (4204227600, 4222976400),  # 2103, when the last Sunday of March is the earliest there is
    ):
        for utc, ahead in ((begins - 1, 60), (begins, 120), (ends - 1, 120), (ends, 60)):
            assert Zone("Europe/Paris").offset_min(utc) == ahead, utc


def test_miquelons_summer_begins_and_ends_at_its_second():
    for utc, ahead in ((1772945999, -180), (1772946000, -120), (1793505599, -120), (1793505600, -180)):
        assert Zone("America/Miquelon").offset_min(utc) == ahead, utc


def silent(hours, utc, zone="Europe/Paris"):
    return SilentHours(hours, zone).are_on(utc)


def test_silent_hours_go_over_midnight_and_their_end_is_loud():
    night = {"from": "22:30", "to": "06:00"}
    # Paris in winter: local midnight is 23:00 UTC.
    for minute, is_silent in (
        (22 * 60 + 29, False),
        (22 * 60 + 30, True),
        (0, True),
        (359, True),
        (360, False),
        (720, False),
    ):
        assert silent(night, _WINTER + (minute - 60) % 1440 * 60) == is_silent, minute


def test_silent_hours_within_a_day():
    noon = {"from": "12:00", "to": "14:00"}
    for minute, is_silent in ((719, False), (720, True), (839, True), (840, False), (0, False)):
        assert silent(noon, _WINTER + (minute - 60) % 1440 * 60) == is_silent, minute


def test_silent_hours_follow_the_clock_on_the_wall_in_summer():
    assert silent({"from": "22:00", "to": "23:00"}, _SUMMER + 20 * _HOUR)
    assert not silent({"from": "22:00", "to": "23:00"}, _SUMMER + 21 * _HOUR)


def test_without_silent_hours_none_is_silent_and_without_a_time_all_are():
    assert not silent(None, _WINTER)
    assert not silent(None, None)
    assert silent({"from": "22:00", "to": "06:00"}, None)


def test_a_zone_that_is_none_is_refused_with_a_sentence():
    for name in ("Europe/Berlin", "Europe", "", "Paris", "Europe/Paris 60"):
        try:
            Zone(name)
        except ValueError as error:
            assert "Europe/Paris" in str(error) and str(error).endswith(".")
        else:
            raise AssertionError(name)
