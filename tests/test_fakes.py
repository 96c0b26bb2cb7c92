"""The virtual ESP32's modules have nothing that the chip's lack, and are called the same way.

Compared with the stubs of the stock image (build/typings): every public name of a fake exists there, a
class as a class, a constant with the same value; whatever a fake's function takes, some form of the real one takes
under the same name, and no fake demands what the real one does not.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAKES = ROOT / "boards" / "unix" / "modules"
STUBS = ROOT / "build" / "typings"


def stub_of(name: str) -> ast.Module:
    for path in (STUBS / f"{name}.pyi", STUBS / "stdlib" / f"{name}.pyi"):
        if path.exists():
            return ast.parse(path.read_text(encoding="utf-8"))
    raise FileNotFoundError(f"no stub for {name}; run `make setup`")


def public(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """{name: its definitions} (overloads are several); private names and imports are left out."""
    found: dict[str, list[ast.stmt]] = {}
    for node in body:
        if isinstance(node, ast.If):  # `if sys.version_info ...` in stubs
            for name, nodes in public(node.body + node.orelse).items():
                found.setdefault(name, []).extend(nodes)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.setdefault(node.target.id, []).append(node)
    return {name: nodes for name, nodes in found.items() if not name.startswith("_") or name == "__init__"}


def names(function: ast.FunctionDef) -> list[str]:
    """Parameters by name, self and cls left out; a positional-only one may have any name: `*`."""
    arguments = function.args
    listed = ["*"] * len(arguments.posonlyargs)
    listed += [argument.arg for argument in arguments.args + arguments.kwonlyargs]
    if arguments.posonlyargs and arguments.posonlyargs[0].arg in ("self", "cls"):
        listed = listed[1:]
    return [name for name in listed if name not in ("self", "cls")]


def demanded(function: ast.FunctionDef) -> int:
    arguments = function.args
    positional = [a.arg for a in arguments.posonlyargs + arguments.args if a.arg not in ("self", "cls")]
    keywords = sum(default is None for default in arguments.kw_defaults)
    return len(positional) - len(arguments.defaults) + keywords


def complaints(fake: list[ast.stmt], real: list[ast.stmt], where: str) -> list[str]:
    there = public(real)
    found = []
    for name, (node, *_) in public(fake).items():
        place = f"{where}.{name}"
        if name not in there:
            if name != "__init__":
                found.append(f"{place}: the chip has no such name")
        elif isinstance(node, ast.ClassDef):
            real_class = there[name][0]
            if isinstance(real_class, ast.ClassDef):
                found += complaints(node.body, real_class.body, place)
            else:
                found.append(f"{place}: no class on the chip")
        elif isinstance(node, ast.FunctionDef):
            found += call_complaints(node, there[name], place)
        else:
            found += value_complaints(node, there[name][0], place)
    return found


def call_complaints(fake: ast.FunctionDef, real: list[ast.stmt], place: str) -> list[str]:
    forms = [form for form in real if isinstance(form, ast.FunctionDef)]
    if not forms or any(form.args.vararg for form in forms):
        return []
    known = {name for form in forms for name in names(form)}
    known |= {"**"} if any(form.args.kwarg for form in forms) else set()
    positional = max(names(form).count("*") for form in forms)
    extra = [name for name in names(fake) if name not in known and "**" not in known]
    found = []
    if len(extra) > positional:
        found.append(f"{place}: the chip takes no {', '.join(extra)}")
    least = min(demanded(form) for form in forms)
    if demanded(fake) > least:
        found.append(f"{place}: demands {demanded(fake)} arguments, the chip {least}")
    return found


def value_complaints(fake: ast.stmt, real: ast.stmt, place: str) -> list[str]:
    mine, theirs = getattr(fake, "value", None), getattr(real, "value", None)
    if isinstance(mine, ast.Constant) and isinstance(theirs, ast.Constant) and mine.value != theirs.value:
        return [f"{place}: is {mine.value!r}, on the chip {theirs.value!r}"]
    return []


@pytest.mark.parametrize("path", sorted(FAKES.glob("*.py")), ids=lambda path: path.stem)
def test_a_fake_module_is_called_as_the_chips_is(path):
    fake = ast.parse(path.read_text(encoding="utf-8"))
    assert complaints(fake.body, stub_of(path.stem).body, path.stem) == []


@pytest.mark.parametrize("path", sorted(FAKES.glob("*.py")), ids=lambda path: path.stem)
def test_a_fake_module_says_what_it_does_not_model(path):
    assert "Not modelled:" in (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")


@pytest.mark.parametrize(
    ("fake", "complaint"),
    [
        ("def unique_serial(): ...", "m.unique_serial: the chip has no such name"),
        ("class Pin:\n    IN = 5", "m.Pin.IN: is 5, on the chip 1"),
        ("class WDT:\n    def feed(self, hard): ...", "m.WDT.feed: the chip takes no hard"),
        ("class WDT:\n    def __init__(self, *, id, timeout=5000): ...", "m.WDT.__init__: demands 1 arguments"),
        ("class Pin:\n    def pulse(self): ...", "m.Pin.pulse: the chip has no such name"),
    ],
)
def test_a_planted_difference_is_named(fake, complaint):
    found = complaints(ast.parse(fake).body, stub_of("machine").body, "m")
    assert [text for text in found if text.startswith(complaint)], found
