"""Rules of the house that no linter knows."""

import ast
from pathlib import Path

import alertbox

PACKAGE = Path(alertbox.__file__).parent


def test_no_constructor_takes_more_than_five_arguments_by_position():
    """More of them cannot be told apart where they are passed: they are named there."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__" and len(node.args.args) > 6:
                found[f"{path.relative_to(PACKAGE)}:{node.lineno}"] = len(node.args.args) - 1
    assert found == {}
