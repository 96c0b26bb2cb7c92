"""Which presses are one incident, and who leads it."""

from box.core import alert
from box.core.incident import WINDOW_MS, Incident

_BUTTON, _FOOT, _BIP = 1, 2, 16


def test_a_press_within_the_window_joins_the_incident():
    incident = Incident()
    assert incident.join(7, 1000, alert.HELP, _BUTTON) == 0
    assert incident.join(8, 1000 + WINDOW_MS, alert.HELP, _BUTTON) == 1
    assert incident.join(12, 1000 + 2 * WINDOW_MS, alert.HELP, _BUTTON) == 5


def test_a_press_after_the_window_begins_an_incident_of_its_own():
    incident = Incident()
    incident.join(7, 1000, alert.HELP, _BUTTON)
    assert incident.join(8, 1001 + WINDOW_MS, alert.HELP, _BUTTON) == 0
    assert incident.join(9, 1002 + WINDOW_MS, alert.HELP, _BUTTON) == 1


def test_presses_of_several_sources_join_one_incident_and_the_strongest_kind_leads():
    incident = Incident()
    assert incident.join(7, 1000, alert.INFORM, _BIP) == 0
    assert (incident.kind, incident.sources) == (alert.INFORM, [_BIP])
    assert incident.join(8, 2000, alert.ALARM, _FOOT) == 1
    assert incident.join(10, 3000, alert.HELP, _BUTTON) == 3
    assert incident.join(11, 3000, alert.HELP, _BIP) == 4
    assert (incident.kind, incident.sources) == (alert.ALARM, [_BIP, _FOOT, _BUTTON])


def test_a_new_incident_forgets_who_led_the_last():
    incident = Incident()
    incident.join(7, 1000, alert.ALARM, _BIP)
    assert incident.join(8, 1001 + WINDOW_MS, alert.INFORM, _BUTTON) == 0
    assert (incident.kind, incident.sources) == (alert.INFORM, [_BUTTON])


def test_an_incident_runs_from_the_first_press_until_its_window_ends():
    incident = Incident()
    assert not incident.runs(0)
    assert (incident.kind, incident.sources) == (0, [])  # nobody leads
    incident.join(1, 1000, alert.HELP, _BUTTON)
    assert incident.runs(1000 + WINDOW_MS)
    assert not incident.runs(1001 + WINDOW_MS)


def test_a_press_that_began_before_the_last_one_does_not_shorten_the_incident():
    incident = Incident()
    incident.join(1, 10_000, alert.HELP, _BIP)
    assert incident.join(2, 8_000, alert.ALARM, _BUTTON) == 1
    assert incident.runs(10_000 + WINDOW_MS)


def test_the_first_millisecond_is_a_moment_like_others():
    incident = Incident()
    incident.join(1, 0, alert.HELP, _BUTTON)
    assert incident.runs(WINDOW_MS)
    assert not incident.runs(WINDOW_MS + 1)
