"""Which part of ses_tenant may import which: read from the source, not from what happens to run."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ses_tenant

ROOT = Path(ses_tenant.__file__).parent

ALLOWED = {
    "core": {"core"},
    "operations": {"core", "operations"},
    "aws": {"core", "aws"},
    "destinations": {"core", "aws", "destinations"},
    "sandbox": {"core", "sandbox"},
    "cli": {"core", "operations", "aws", "destinations", "sandbox", "cli"},
    "functions": {"core", "operations", "aws", "destinations", "functions"},
    "": {"cli"},  # ses_tenant/__init__.py and ses_tenant/__main__.py
}
# Third-party modules that belong to some parts alone.
ONLY_IN = {
    "typer": {"cli"},
    "click": {"cli"},
    "rich": {"cli"},
    "boto3": {"aws", "sandbox"},
    "botocore": {"aws", "sandbox"},
    "mypy_boto3_iam": {"aws"},
    "moto": {"sandbox"},
    "flask": {"sandbox"},
    "werkzeug": {"sandbox"},
}
# No I/O, no clock, no environment, no chance in the core.
NOT_IN_CORE = {
    *("asyncio", "concurrent", "ctypes", "getpass", "glob", "http", "importlib", "io", "logging"),
    *("multiprocessing", "os", "pathlib", "platform", "random", "requests", "secrets", "select"),
    *("shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading"),
    *("time", "urllib", "urllib3", "uuid"),
}
PURE = {"urllib.parse"}
NOT_CALLED_IN_CORE = {"open", "print", "input", "eval", "exec", "__import__", "breakpoint"}
CLOCKS = {"now", "utcnow", "today"}


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield every module that is imported anywhere, inside functions as well, by absolute name."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = module or ""
                if level:
                    parents = package.split(".")[: len(package.split(".")) - level + 1]
                    base = ".".join([*parents, *([module] if module else [])])
                yield base
                # `from ses_tenant import aws` imports a part, too
                yield from (f"{base}.{alias.name}" for alias in names if base == "ses_tenant")
            case ast.Call(func=ast.Name(id="__import__")):
                yield "__import__"
            case ast.Call(func=ast.Attribute(attr="import_module")):
                yield "importlib.import_module"


def violations(source: str, package: str) -> list[str]:
    """Return what is wrong with `source` as a module of `package`, a line each."""
    part = (*package.split("."), "")[1]
    tree = ast.parse(source)
    found = []
    for name in imports(tree, package):
        top, _, rest = name.partition(".")
        if top == "ses_tenant" and rest:
            if rest.partition(".")[0] not in ALLOWED[part] | {"__version__"}:
                found.append(f"{part} imports {name}")
        elif part not in ONLY_IN.get(top, {part}) or (
            part == "core" and top in NOT_IN_CORE and name not in PURE
        ):
            found.append(f"{part} imports {name}")
        elif name in ("__import__", "importlib.import_module"):
            found.append(f"{part} hides an import")
    if part == "core":
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in NOT_CALLED_IN_CORE:
                    found.append(f"core calls {name}")
                case ast.Attribute(attr=name) if name in CLOCKS:
                    found.append(f"core reads a clock: {name}")
                case _:
                    pass
    return found


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def package_of(path: Path) -> str:
    return ".".join(("ses_tenant", *path.relative_to(ROOT).parts[:-1]))


def test_every_part_is_known_and_looked_at() -> None:
    found = [(*package_of(path).split("."), "")[1] for path in modules()]
    assert {"core", "operations", "aws", "destinations", "cli"} <= set(found)
    assert set(found) <= ALLOWED.keys()
    assert found.count("core") > 8


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_one_way(path: Path) -> None:
    assert violations(path.read_text(encoding="utf-8"), package_of(path)) == []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("core", "import boto3"),
        ("core", "import botocore.exceptions"),
        ("core", "from botocore.exceptions import ClientError"),
        ("core", "from rich.table import Table"),
        ("core", "import os.path"),
        ("core", "from time import sleep"),
        ("core", "import urllib.request"),
        ("core", "def f():\n    import random"),
        ("core", "if True:\n    from subprocess import run"),
        ("core", "import json, socket"),
        ("core", "from ses_tenant.operations.apply import apply"),
        ("core", "from ses_tenant import aws"),
        ("core", "import ses_tenant.cli"),
        ("core", "from ..aws import iam"),
        ("core", "from .. import aws"),
        ("core.deeper", "from ...aws import iam"),
        ("core.deeper", "from ses_tenant.cli import app"),
        ("core", "from importlib import import_module"),
        ("core", "open('x')"),
        ("core", "print('x')"),
        ("core", "from datetime import datetime\nthen = datetime.now()"),
        ("core", "from datetime import date\nthen = date.today()"),
        ("operations", "from ses_tenant.aws.iam import BotoIam"),
        ("operations", "from ses_tenant.destinations import formats"),
        ("operations", "import typer"),
        ("operations", "def f():\n    import boto3"),
        ("operations", "import importlib\nimportlib.import_module('boto3')"),
        ("operations", "__import__('boto3')"),
        ("aws", "from ses_tenant.operations import protocols"),
        ("aws", "from ses_tenant.cli import app"),
        ("aws", "import rich"),
        ("destinations", "import boto3"),
        ("destinations", "from ses_tenant.operations import protocols"),
        ("destinations", "import moto"),
        ("sandbox", "from ses_tenant.aws import session"),
        ("sandbox", "import typer"),
        ("cli", "import boto3"),
        ("cli", "from botocore.exceptions import ClientError"),
        ("cli", "import moto.server"),
        ("cli", "from ses_tenant.functions import scheduled"),
        ("functions", "import boto3"),
        ("functions", "from ses_tenant.cli import console"),
        ("functions", "from ses_tenant.sandbox import server"),
        ("functions", "import typer"),
        ("operations", "from ses_tenant.functions import settings"),
        ("", "from ses_tenant.core import domain"),
    ],
)
def test_the_check_can_fail(package: str, source: str) -> None:
    assert len(violations(source, f"ses_tenant.{package}".rstrip("."))) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        (
            "core",
            "import re, json\nfrom datetime import datetime\nfrom ses_tenant.core import steps",
        ),
        ("core", "from . import steps\nfrom .steps import Plan\nimport ses_tenant"),
        ("core", "import idna\nfrom publicsuffixlist import PublicSuffixList"),
        ("operations", "import time\nfrom ses_tenant.core.plan import plan_create"),
        ("core.deeper", "from ..steps import Plan"),
        ("aws", "from ses_tenant import __version__"),
        ("aws", "import boto3, os\nfrom ses_tenant.core.errors import ErrorCode"),
        ("destinations", "from ses_tenant.aws import session\nimport os"),
        ("sandbox", "import boto3, moto\nfrom ses_tenant.core import domain"),
        ("cli", "import typer\nfrom rich import box\nfrom ses_tenant.sandbox import run"),
        ("functions", "from ses_tenant.aws import iam\nfrom ses_tenant.operations import rotate"),
        ("", "from ses_tenant.cli import main"),
    ],
)
def test_the_check_lets_pass_what_is_allowed(package: str, source: str) -> None:
    assert violations(source, f"ses_tenant.{package}".rstrip(".")) == []
