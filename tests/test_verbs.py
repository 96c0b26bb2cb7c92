"""A system test names the verbs that it uses, so that a box which lacks one is left alone.

Read from the source of each file, whose marks `needs` are taken together.
"""

import ast
from pathlib import Path

import pytest
from world import VERBS, VIRTUAL_VERBS, lacks

TESTS = Path(__file__).parent
_NO_BOXES = {"pytest", "bip", "gesture", "kit"}  # of which a name is no verb
_STEPPING = {
    "advance_until": ("advance",),
    "glows": ("advance",),
    "share_lit": ("advance", "light"),
}  # what tests/rig/stepping.py does


def used(source: str) -> set[str]:
    """Attributes named like a verb, of whatever may be a box."""
    nodes = list(ast.walk(ast.parse(source)))
    found = {n.attr for n in nodes if isinstance(n, ast.Attribute) and ast.unparse(n.value) not in _NO_BOXES}
    helpers = {n.id for n in nodes if isinstance(n, ast.Name)} & _STEPPING.keys()
    return found & (VERBS | VIRTUAL_VERBS) | {verb for helper in helpers for verb in _STEPPING[helper]}


def declared(source: str) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    marks = (call for call in calls if ast.unparse(call.func) == "pytest.mark.needs")
    return {ast.literal_eval(word) for mark in marks for word in mark.args}


@pytest.mark.parametrize("path", sorted((TESTS / "system").glob("test_*.py")), ids=lambda path: path.stem)
def test_a_system_test_declares_the_verbs_that_it_uses(path):
    source = path.read_text(encoding="utf-8")
    assert used(source) - declared(source) == set()


def test_a_planted_verb_is_found_and_a_declared_one_is_not_missed():
    planted = "@pytest.mark.needs('press')\ndef test_x(box):\n    box.press()\n    kit.box.stall(5)\n    share_lit(box)"
    assert used(planted) - declared(planted) == {"stall", "advance", "light"}


def test_the_virtual_box_has_every_verb_and_a_cable_only_its_own():
    everything = sorted(VERBS | VIRTUAL_VERBS)
    assert lacks("sim", everything) is None
    for kind in ("serial", "pty"):
        assert [verb for verb in everything if lacks(kind, [verb]) is None] == ["restart", "serial"]


def test_a_word_that_is_no_verb_is_an_error():
    with pytest.raises(ValueError, match="'jump' is no verb"):
        lacks("sim", ["press", "jump"])
