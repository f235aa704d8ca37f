"""No function past sixty lines, no module past 450: a reader has to see the whole of one.

Complexity and statements are ruff's; lines it does not count.
"""

import ast
from pathlib import Path

import ses_tenant

ROOT = Path(ses_tenant.__file__).parent
MOST = 60
MOST_OF_A_MODULE = 450


def long_functions(source: str) -> dict[str, int]:
    """Return the functions whose bodies, without the docstring, are too long, with their lines."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            first, last = (body or node.body)[0], node.body[-1]
            lines = (last.end_lineno or last.lineno) - first.lineno + 1
            if lines > MOST:
                found[node.name] = lines
    return found


def test_functions_and_modules_are_short() -> None:
    texts = {path.relative_to(ROOT): path.read_text("utf-8") for path in ROOT.rglob("*.py")}
    assert len(texts) > 100
    functions = {path: long_functions(text) for path, text in texts.items()}
    assert {path: names for path, names in functions.items() if names} == {}
    assert [p for p, text in texts.items() if text.count("\n") > MOST_OF_A_MODULE] == []


def test_the_check_can_fail() -> None:
    def function(lines: int) -> str:
        return 'def f():\n    """Say what.\n\n    More.\n    """\n' + "    x = 1\n" * lines

    assert long_functions(function(MOST)) == {}
    assert long_functions(function(MOST + 1)) == {"f": MOST + 1}
