"""Who may import whom, among the rings of ses_tenant and among the rooms of its core.

Read from the source, not from what happens to run.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import ses_tenant

ROOT = Path(ses_tenant.__file__).parent

STARTS = ("core", "operations", "aws", "dns", "destinations", "wiring")
ALLOWED = {
    "core": {"core"},
    "operations": {"core", "operations"},
    "aws": {"core", "aws"},
    "destinations": {"core", "aws", "destinations"},
    "dns": {"core", "dns"},
    "sandbox": {"core", "sandbox"},
    "report": {"core", "report"},
    # What puts AWS, destinations and this machine together, and those that start there.
    "wiring": {"core", "operations", "aws", "destinations", "wiring"},
    "cli": {*STARTS, "sandbox", "report", "cli"},
    "functions": {*STARTS, "functions"},
    "api": {"core", "operations", "aws", "wiring", "api"},
    "": {"cli"},  # ses_tenant/__init__.py and ses_tenant/__main__.py
}
# The rooms of the core and those that each may use besides the leaves. What a room may use, those
# above it may use as well; there is no way back.
ROOMS = {
    "iam": set[str](),
    "tenant": set[str](),
    "identity": {"tenant"},
    "watch": {"tenant"},
    "rotation": {"tenant"},
    "plans": {"rotation"},
    "fleet": {"rotation", "tenant", "watch"},
    "proof": {"tenant", "iam"},
    "findings": {"plans", "rotation", "proof", "identity"},
}
LEAVES = {"errors", "domain", "regions", "smtp", "text"}
# So that it could be lifted out.
IAM_LEAVES = {"errors"}
# Third-party modules that belong to some parts alone.
ONLY_IN = {
    "typer": {"cli"},
    "click": {"cli"},
    "rich": {"cli"},
    "boto3": {"aws", "sandbox"},
    "botocore": {"aws", "sandbox"},
    "mypy_boto3_iam": {"aws"},
    "dns": {"dns"},
    "moto": {"sandbox"},
    "flask": {"sandbox"},
    "werkzeug": {"sandbox"},
    "jinja2": {"report"},
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
                if base in ("ses_tenant", "ses_tenant.core"):
                    yield from (f"{base}.{alias.name}" for alias in names)
            case ast.Call(func=ast.Name(id="__import__")):
                yield "__import__"
            case ast.Call(func=ast.Attribute(attr="import_module")):
                yield "importlib.import_module"


def reachable(room: str) -> set[str]:
    """Return the rooms that a room may import, itself included."""
    return {room}.union(*(reachable(other) for other in ROOMS[room]))


def room_violations(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield what is wrong with the imports of a module of the core, as to rooms and leaves."""
    room = (*package.split("."), "", "")[2]
    for name in imports(tree, package):
        if not name.startswith("ses_tenant.core."):
            continue
        other = name.split(".")[2]
        if other in ROOMS:
            if not room or other not in reachable(room):
                yield f"{room or 'a leaf'} imports {name}"
        elif other not in (IAM_LEAVES if room == "iam" else LEAVES):
            yield f"{room or 'a leaf'} imports {name}"


def violations(source: str, package: str) -> list[str]:
    """Return what is wrong with `source` as a module of `package`, a line each."""
    part = (*package.split("."), "")[1]
    tree = ast.parse(source)
    found = list(room_violations(tree, package)) if part == "core" else []
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


def test_every_room_and_leaf_is_known() -> None:
    core = ROOT / "core"
    rooms = {path.parent.name for path in core.glob("*/*.py")}
    assert {"iam", "tenant", "rotation", "plans", "proof", "findings", "fleet"} <= rooms
    assert rooms <= ROOMS.keys()
    assert {path.stem for path in core.glob("*.py")} == LEAVES | {"__init__"}


def test_imports_go_one_way() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): violations(path.read_text("utf-8"), package_of(path))
        for path in modules()
    }
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_the_check_can_fail() -> None:
    for package, source in (
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
        ("core.tenant", "from ...aws import iam"),
        ("core.tenant", "from ses_tenant.cli import app"),
        ("core", "from ses_tenant.core.tenant import spec"),
        ("core", "from ses_tenant.core.iam.globs import glob"),
        ("core.iam", "from ses_tenant.core.domain import SendingDomain"),
        ("core.iam", "from ses_tenant.core.tenant import naming"),
        ("core.iam", "from ..tenant import naming"),
        ("core.tenant", "from ses_tenant.core.iam.authorization import Policy"),
        ("core.tenant", "from ses_tenant.core.rotation.keys import Situation"),
        ("core.rotation", "from ses_tenant.core.plans.repair import plan_repair"),
        ("core.identity", "from ses_tenant.core.iam.globs import glob"),
        ("core.fleet", "from ses_tenant.core.proof import ways"),
        ("core.proof", "from ses_tenant.core.findings.finding import Finding"),
        ("core.proof", "from ses_tenant.core.rotation.keys import Situation"),
        ("core.plans", "from ses_tenant.core.proof.members import Member"),
        ("core.plans", "from ses_tenant.core import attic"),
        ("core", "from importlib import import_module"),
        ("core", "open('x')"),
        ("core", "print('x')"),
        ("core", "from datetime import datetime\nthen = datetime.now()"),
        ("core", "from datetime import date\nthen = date.today()"),
        ("operations", "from ses_tenant.aws.iam import BotoIam"),
        ("operations", "from ses_tenant.destinations import formats"),
        ("operations", "import typer"),
        ("operations", "import dns.resolver"),
        ("operations", "from ses_tenant.dns import resolver"),
        ("dns", "import boto3"),
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
        ("report", "from ses_tenant.operations import audit"),
        ("report", "import rich"),
        ("cli", "import jinja2"),
        ("operations", "from ses_tenant.report import audit"),
        ("cli", "import boto3"),
        ("cli", "from botocore.exceptions import ClientError"),
        ("cli", "import moto.server"),
        ("cli", "from ses_tenant.functions import scheduled"),
        ("functions", "import boto3"),
        ("functions", "from ses_tenant.cli import console"),
        ("functions", "from ses_tenant.sandbox import server"),
        ("functions", "import typer"),
        ("operations", "from ses_tenant.functions import settings"),
        ("api", "from ses_tenant.cli import console"),
        ("api", "import typer"),
        ("operations", "from ses_tenant import api"),
        ("operations", "from ses_tenant.wiring import make_runtime"),
        ("destinations", "from ses_tenant import wiring"),
        ("wiring", "from ses_tenant.cli.console import Console"),
        ("wiring", "import boto3"),
        ("api", "from ses_tenant.destinations import registry"),
        ("", "from ses_tenant.core.domain import SendingDomain"),
    ):
        found = violations(source, f"ses_tenant.{package}".rstrip("."))
        assert len(found) == 1, (package, source)


def test_the_check_lets_pass_what_is_allowed() -> None:
    for package, source in (
        (
            "core",
            "import re, json\nfrom datetime import datetime\nfrom ses_tenant.core import errors",
        ),
        ("core", "from . import errors\nfrom .domain import SendingDomain\nimport ses_tenant"),
        ("core.tenant", "from . import steps\nfrom ses_tenant.core import domain, regions, smtp"),
        ("core.iam", "from ses_tenant.core.errors import ErrorCode\nfrom .globs import glob"),
        ("core.findings", "from ses_tenant.core.proof import ways\nfrom ..iam import globs"),
        ("core.findings", "from ses_tenant.core.identity.ses import SesAccount"),
        ("core.plans", "from ses_tenant.core.tenant import steps"),
        ("core", "import idna\nfrom publicsuffixlist import PublicSuffixList"),
        ("operations", "import time\nfrom ses_tenant.core.plans.create import plan_create"),
        ("aws", "from ses_tenant import __version__"),
        ("aws", "import boto3, os\nfrom ses_tenant.core.errors import ErrorCode"),
        ("destinations", "from ses_tenant.aws import session\nimport os"),
        ("sandbox", "import boto3, moto\nfrom ses_tenant.core import domain"),
        ("cli", "import typer\nfrom rich import box\nfrom ses_tenant.sandbox import run"),
        ("report", "import jinja2\nfrom ses_tenant.core.findings.finding import Finding"),
        ("functions", "from ses_tenant.aws import iam\nfrom ses_tenant.operations import rotate"),
        ("wiring", "from ses_tenant.aws.iam import Iam\nfrom ses_tenant.destinations import file"),
        ("functions", "from ses_tenant import wiring"),
        ("", "from ses_tenant.cli import main"),
    ):
        found = violations(source, f"ses_tenant.{package}".rstrip("."))
        assert found == [], (package, source)
