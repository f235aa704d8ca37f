"""A new setting, destination, format or rule is one place; everything else follows.

A copy of the package gets a made-up one of each, and a process of its own looks at what came of it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]

SETTING = """\
    footer: str | None = setting(
        TEXT,
        default=None,
        metavar="TEXT",
        help="A made-up text below each mail.",
        described="A made-up text.",
        sends=True,
    )

    def to_tags(self)"""
REMEMBERED = """\
    keeper: str | None = setting(
        TEXT,
        default=None,
        metavar="NAME",
        help="A made-up name of who looks after it.",
        described="A made-up name.",
        tag="ses-tenant:keeper",
    )
    permissions_boundary: str"""
DESTINATION = '''\
"""A made-up vault."""

from ses_tenant.destinations.scheme import Opening, Scheme, Sharing
from ses_tenant.destinations.stdout import StdoutDestination


class Vault(StdoutDestination):
    call = "PutThing"


SCHEME = Scheme(
    "vault",
    "vault:THING",
    lambda opening: Vault(opening.write),
    sharing=Sharing.ON_THE_MACHINE,
    in_lambda=True,
    sid="DeliverToVault",
    read=("vault:GetThing",),
    write=("vault:PutThing",),
    resource="vault:*:*:thing/web/*",
    written="a made-up thing",
    read_by="nobody",
)
'''
FORMAT = '''\


@form("made-up", "a made-up program", interfaces=API, language="ini")
def made_up(credentials: Credentials) -> str:
    """Write a made-up line."""
    return _lines([f"made-up = {credentials.access_key_id}"])
'''
RULE = """\
    MADE_UP = (
        "made_up",
        _INFO,
        "check",
        "a made-up rule",
    )
"""
LOOK = """
import json, sys
from pathlib import Path
sys.path.insert(0, "docs")
import generate
from ses_tenant.core.domain import SendingDomain
from ses_tenant.core.fleet.tenants_file import parse_fleet
from ses_tenant.core.fleet.export import fleet_toml
from ses_tenant.core.tenant.observed import Observed, User
from ses_tenant.core.tenant.request import TenantRequest, resolve
from ses_tenant.core.tenant import steps
from ses_tenant.destinations import registry
from ses_tenant.core.plans.repair import repair_user
from dataclasses import replace
from datetime import datetime, UTC

text = '''[tenants."shop.example.com"]
footer = "bye"
keeper = "Zoë & Co."
destination = "vault:{domain}"
format = "made-up"
regions = ["eu-central-1"]
'''
fleet = parse_fleet(text, "f", registry.file_checks())
spec = resolve(fleet.tenants[0].request, None, None)
user = User(
    spec.user_name, "arn:aws:iam::123456789012:user/x", "/ses-tenant/shop.example.com/",
    datetime.now(UTC), spec.tags,
)
observed = Observed(user, (), None, ())
again = resolve(TenantRequest(spec.domain), observed, None)
opened = registry.open_destination(again, None, print, force=False)
print(json.dumps({
    "help": generate.help_text("create"),
    "reference": generate.command_help(),
    "formats": generate.formats(),
    "tables": generate.format_table() + generate.destination_table() + generate.tenant_keys(),
    "rules": generate.rules(),
    "schema": registry.fleet_schema(),
    "tags": spec.tags,
    "remembered": again == spec,
    "stale": [s.keys for s in repair_user(
        replace(spec, keeper=None), observed, {}) if isinstance(s, steps.UntagUser)],
    "export": fleet_toml([observed], None),
    "shown": {s.name: s.data(again.value(s)) for s in __import__(
        "ses_tenant.core.tenant.spec", fromlist=["SENDING"]).SENDING},
    "step": steps.Deliver("u", again.destination, opened.call).action,
    "policy": registry.destination_policy(),
    "in_lambda": registry.in_lambda(again.destination),
}))
"""


def put(file: Path, before: str, text: str) -> None:
    whole = file.read_text("utf-8")
    assert whole.count(before) == 1
    file.write_text(whole.replace(before, text), "utf-8")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    here = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "ses_tenant", here / "ses_tenant")
    shutil.copytree(ROOT / "docs", here / "docs")
    package = here / "ses_tenant"
    put(package / "core" / "tenant" / "spec.py", "    def to_tags(self)", SETTING)
    put(package / "core" / "tenant" / "spec.py", "    permissions_boundary: str", REMEMBERED)
    (package / "destinations" / "vault.py").write_text(DESTINATION)
    put(package / "destinations" / "registry.py", "ssm, stdout\n", "ssm, stdout, vault\n")
    put(package / "destinations" / "registry.py", "ssm, command)", "ssm, command, vault)")
    with (package / "destinations" / "formats.py").open("a", encoding="utf-8") as file:
        file.write(FORMAT)
    rules = package / "core" / "findings" / "rules.py"
    put(rules, "    MAY_SEND_AS = (", RULE + "    MAY_SEND_AS = (")
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(here)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def test_a_setting(seen: Mapping[str, Any]) -> None:
    assert "--footer TEXT" in seen["help"]
    assert seen["reference"].count("--footer TEXT") == 3  # create, adopt, policy
    properties = seen["schema"]["definitions"]["tenant"]["properties"]
    assert properties["footer"]["description"] == "A made-up text."
    assert seen["tags"]["ses-tenant:sending"] == "footer=bye"
    assert seen["remembered"]
    assert 'footer = "bye"' in seen["export"]
    assert seen["shown"]["footer"] == "bye"
    assert "| `footer` | `--footer` | A made-up text. |" in seen["tables"]


def test_a_setting_with_a_tag_of_its_own(seen: Mapping[str, Any]) -> None:
    assert "--keeper NAME" in seen["help"]
    properties = seen["schema"]["definitions"]["tenant"]["properties"]
    assert properties["keeper"]["description"] == "A made-up name."
    assert seen["tags"]["ses-tenant:keeper"] == "Zo=C3=AB=20=26=20Co."
    assert seen["remembered"]
    assert 'keeper = "Zoë & Co."' in seen["export"]
    assert seen["stale"] == [["ses-tenant:keeper"]]


def test_a_destination(seen: Mapping[str, Any]) -> None:
    assert "vault:THING" in seen["help"]
    properties = seen["schema"]["definitions"]["tenant"]["properties"]
    assert "|vault:.+" in properties["destination"]["pattern"]
    assert 'destination = "vault:shop.example.com"' in seen["export"]
    assert seen["step"] == "vault:PutThing"
    assert seen["policy"]["Statement"][-1] == {
        "Sid": "DeliverToVault",
        "Effect": "Allow",
        "Action": ["vault:GetThing", "vault:PutThing"],
        "Resource": "arn:aws:vault:*:*:thing/web/*",
    }
    assert seen["in_lambda"]
    assert "| `vault:THING` | a made-up thing | nobody |" in seen["tables"]


def test_a_format(seen: Mapping[str, Any]) -> None:
    assert "made-up" in seen["help"]
    properties = seen["schema"]["definitions"]["tenant"]["properties"]
    assert properties["format"]["enum"][-1] == "made-up"
    assert "```ini\n# written by ses-tenant for shop.example.com\nmade-up = AKIA" in seen["formats"]
    assert 'format = "made-up"' in seen["export"]
    assert "| `made-up` | a made-up program | API | |" in seen["tables"]


def test_a_rule(seen: Mapping[str, Any]) -> None:
    assert "| `made_up` | check | info | a made-up rule |" in seen["rules"]
