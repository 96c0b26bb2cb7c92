"""Read the imports out of Python source without running it."""

import ast
import importlib.util
from collections.abc import Iterator
from typing import NamedTuple


class Import(NamedTuple):
    line: int
    names: tuple[str, ...]  # `from a import b` may mean the module a.b or a name in a: both are here
    computed: bool = False


def imports(source: str, package: str) -> Iterator[Import]:
    """All imports of a source text, inside functions too; relative ones are resolved against its package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, (alias.name,))
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(relative, package) if node.level else relative
            for alias in node.names:
                yield Import(node.lineno, (module, f"{module}.{alias.name}"))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
            name = node.args[0] if node.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield Import(node.lineno, (name.value,))
            else:
                yield Import(node.lineno, (ast.unparse(node),), computed=True)
