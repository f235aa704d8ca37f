"""`identity` from the command line, against the sandbox and a real name server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from moto.iam.models import iam_backends
from moto.ses.models import ses_backends
from typer.testing import CliRunner

from ses_tenant.cli.app import app
from ses_tenant.core.identity.answers import Answer, Outcome
from ses_tenant.dns.resolver import DnsResolver, DnsServer
from ses_tenant.sandbox.identities import Ask, verify_pending
from ses_tenant.sandbox.server import Options, Sandbox, serve
from tests.dns.name_server import name_server, needs_nsd

from .conftest import Answer as Printed

SHOP = "shop.example.com"
REGION = "eu-central-1"


@dataclass
class World:
    """A sandbox that looks into a name server, once there is one."""

    sandbox: Sandbox
    ask: Ask
    server: list[DnsServer] = field(default_factory=list)

    def run(self, *args: str, status: int = 0) -> Printed:
        result = CliRunner().invoke(app, list(args), prog_name="ses-tenant")
        assert result.exit_code == status, (result.stdout, result.stderr)
        return Printed(result.exit_code, result.stdout, result.stderr)

    @property
    def resolver(self) -> str:
        return f"127.0.0.1:{self.server[0].port}"

    def ses_looks(self) -> None:
        """Let SES look at the name server now; it does so every second as well."""
        verify_pending(self.sandbox.post.account, self.ask, lambda: datetime.now(UTC))


@contextmanager
def open_world() -> Iterator[World]:
    servers: list[DnsServer] = []

    def ask(name: str, kind: str) -> Answer:
        if not servers:
            return Answer(Outcome.NO_NAME)
        return DnsResolver((servers[0],), lifetime=2.0).ask(name, kind)

    with serve(Options(region=REGION, ask=ask)) as sandbox:
        yield World(sandbox, ask, servers)


def reach(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.sandbox.url)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "operator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with open_world() as opened:
        reach(opened, monkeypatch)
        yield opened


@pytest.fixture(scope="module")
def _empty() -> Iterator[World]:
    with open_world() as opened:
        yield opened


@pytest.fixture
def empty(_empty: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A sandbox that is shared by what changes nothing in it, and without what others left."""
    iam_backends.reset()
    ses_backends.reset()
    reach(_empty, monkeypatch)
    return _empty


def test_create_prints_the_records_and_a_second_run_changes_nothing(world: World) -> None:
    first = world.run("identity", "create", SHOP, "-o", "json").json
    assert [step["action"] for step in first["data"]["steps"]] == [
        "ses:CreateEmailIdentity", "ses:PutEmailIdentityMailFromAttributes",
    ]  # fmt: skip
    assert first["data"]["regions"] == [
        {
            "region": REGION,
            "identity": SHOP,
            "ses": {
                "status": "PENDING", "dkim": "PENDING", "mail_from": "PENDING",
                "last_checked_at": None,
            },
        }
    ]  # fmt: skip
    second = world.run("identity", "create", SHOP, "-o", "json").json
    assert second["data"]["steps"] == []
    assert second["data"]["records"] == first["data"]["records"]
    printed = world.run("identity", "records", SHOP, "-o", "json").json
    assert printed["data"] == {"domain": SHOP, "records": first["data"]["records"]}
    purposes = [record["purpose"] for record in printed["data"]["records"]]
    assert purposes == ["dkim", "dkim", "dkim", "mail_from_mx", "mail_from_spf", "dmarc"]
    assert {record["required"] for record in printed["data"]["records"][:5]} == {True}


def test_a_dry_run_changes_nothing(world: World) -> None:
    shown = world.run("identity", "create", SHOP, "--dry-run")
    assert shown.stdout.startswith("+ ses:CreateEmailIdentity: eu-central-1: create")
    world.run("identity", "records", SHOP, status=1)


def test_stdout_has_the_records_and_nothing_else(world: World) -> None:
    printed = world.run("identity", "create", SHOP, "--records", "zone")
    assert "Add these records" in printed.stderr
    lines = printed.stdout.splitlines()
    assert all(line.startswith(";") or " IN " in line for line in lines)
    assert world.run("identity", "records", SHOP, "--format", "zone").stdout == printed.stdout


@needs_nsd
@pytest.mark.parametrize(
    "by_itself", [False, pytest.param(True, marks=pytest.mark.rare, id="in real time")]
)
def test_from_a_bare_domain_to_a_verified_one(
    world: World, tmp_path: Path, *, by_itself: bool
) -> None:
    zone = world.run("identity", "create", SHOP, "--records", "zone").stdout
    saved = tmp_path / "records.json"
    saved.write_text(world.run("identity", "records", SHOP, "-o", "json").stdout)
    with name_server(tmp_path, {"example.com": ""}) as empty:
        world.server[:] = [empty]
        missing = world.run(
            "identity", "check", SHOP, "--resolver", world.resolver, "-o", "json", status=4
        ).json["data"]["domains"][0]
        assert (missing["verdict"], missing["ses"]["status"]) == ("missing", "PENDING")
        assert {record["verdict"] for record in missing["records"]} == {"missing"}
        world.server.clear()
    folder = tmp_path / "right"
    folder.mkdir()
    with name_server(folder, {"example.com": zone}) as right:
        world.server[:] = [right]
        if not by_itself:
            world.ses_looks()
        waited = world.run("identity", "create", SHOP, "--wait", "1m")
        assert f"{SHOP} is verified in {REGION}." in waited.stderr
        found = world.run(
            "identity", "check", SHOP, "--resolver", world.resolver, "-o", "json"
        ).json
        (checked,) = found["data"]["domains"]
        assert (checked["verdict"], checked["identity"]) == ("ok", SHOP)
        assert checked["ses"]["status"] == "SUCCESS"
        assert checked["ses"]["last_checked_at"].endswith("Z")
        assert [record["found"] for record in checked["records"]] == [
            [record["value"]] for record in checked["records"]
        ]
        offline = world.run(
            "identity", "check", "--from", str(saved), "--resolver", world.resolver, "-o", "json"
        ).json["data"]["domains"]
        assert [(d["domain"], d["region"], d["verdict"]) for d in offline] == [(SHOP, REGION, "ok")]
        assert set(offline[0]["ses"].values()) == {None}
        world.run("create", SHOP)
        everyone = world.run("identity", "check", "--resolver", world.resolver).stdout
        assert everyone.startswith(f"ok  {SHOP} in {REGION}\n")


def test_what_is_missing_is_asked_once_the_tenant_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # This sandbox verifies the domain of a tenant, which there has to be for that.
    with serve(Options(region=REGION)) as sandbox:
        world = World(sandbox, lambda _name, _kind: Answer(Outcome.NO_NAME))
        reach(world, monkeypatch)
        printed = world.run("create", SHOP, "-o", "json").json["data"]["readiness"]
        assert (printed["ready"], printed["missing"]) == (True, [])
        assert "Next:" not in world.run("create", "blog.example.org").stderr


def test_a_fleet_gets_its_identities(world: World, tmp_path: Path) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(
        f'[defaults]\ndestination = "file:{tmp_path}/{{domain}}.env"\n'
        '[defaults.identity]\ndmarc-rua = "dmarc@example.com"\n'
        f'[tenants."{SHOP}"]\n[tenants."www.example.org".identity]\nmail-from = "bounce"\n'
    )
    planned = world.run("plan", str(file), status=4).stdout
    assert "      2 x ses:CreateEmailIdentity\n" in planned
    assert "      then to add to DNS: 6 CNAME, 2 MX, 4 TXT\n" in planned
    applied = world.run("apply", str(file), "--yes", "-o", "json")
    shop = applied.json["data"]["tenants"][0]
    assert shop["domain"] == SHOP
    assert [step["action"] for step in shop["steps"]][-2:] == [
        "ses:CreateEmailIdentity", "ses:PutEmailIdentityMailFromAttributes",
    ]  # fmt: skip
    assert [record["name"] for record in shop["records"]][2:] == [
        f"<key>._domainkey.{SHOP}", f"mail.{SHOP}", f"mail.{SHOP}", f"_dmarc.{SHOP}",
    ]  # fmt: skip
    assert world.run("plan", str(file)).stdout == "2 tenants: 2 unchanged\n"
    records = world.run("identity", "records", "-o", "json").json["data"]
    assert records["domain"] is None
    assert len({record["name"] for record in records["records"]}) == 2 * (3 + 1 + 1)
    part = world.run("identity", "records", SHOP, "other.example.com", "-o", "json", status=3).json
    assert [error["code"] for error in part["errors"]] == ["not_found"]
    assert len(part["data"]["records"]) == 6
    exported = world.run("export").stdout
    assert f'[tenants."{SHOP}".identity]\n' in exported
    assert '[tenants."www.example.org".identity]\nmail-from = "bounce"\n' in exported
    file.write_text(exported)
    assert world.run("plan", str(file)).stdout == "2 tenants: 2 unchanged\n"


# Nothing is sent there without a permission, so it fails at once; where a port is closed, it is
# waited for an answer.
NOWHERE = "255.255.255.255:9"


@pytest.mark.parametrize("nowhere", [NOWHERE, pytest.param("127.0.0.1:9", marks=pytest.mark.rare)])
def test_a_name_server_that_does_not_answer(empty: World, nowhere: str) -> None:
    refused = empty.run("identity", "check", SHOP, "--resolver", nowhere, "-o", "json", status=1)
    assert refused.error["code"] == "dns_unavailable"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("create", SHOP, "--mail-from", SHOP), "usage"),
        (("create", SHOP, "--mail-from", "a b"), "usage"),
        (("create", "*.example.com"), "invalid_domain"),
        (("create", SHOP, "--region", "eu-nowhere-1"), "no_region"),
        (("create", SHOP, "--replicate-from", "us-east-1"), "usage"),
        (("create", SHOP, "--dmarc-rua", "nobody"), "usage"),
        (("create", SHOP, "--dmarc-rua", "a;b@example.com"), "usage"),
        (("create", SHOP, "--records", "stone"), "usage"),
        (("create", SHOP, "--wait", "soon"), "usage"),
        (("records", "nobody.example.com"), "not_found"),
        (("adopt", "nobody.example.com"), "not_found"),
        (("check", SHOP, "--resolver", "dns.example.com"), "usage"),
        (("check", "--from", "/dev/null/x"), "usage"),
    ],
)
def test_bad_input(empty: World, args: tuple[str, ...], code: str) -> None:
    status = 1 if code in ("not_found", "no_region") else 2
    if args[:2] == ("check", "--from"):
        args = (*args, "--resolver", NOWHERE)
        status, code = 1, "dns_unavailable"
    refused = empty.run("identity", *args, "-o", "json", status=status)
    assert refused.error["code"] == code


def test_an_identity_that_a_tenant_needs_is_not_deleted(world: World) -> None:
    world.run("identity", "create", "example.com")
    world.run("create", SHOP)
    refused = world.run("identity", "delete", "example.com", "--yes", "-o", "json", status=1)
    assert refused.error["code"] == "already_exists"
    assert SHOP in refused.error["message"]
    world.run("delete", SHOP, "--yes")
    world.run("identity", "delete", "example.com", status=2)  # nobody can be asked here
    world.run("identity", "delete", "example.com", "--yes")
    again = world.run("identity", "delete", "example.com", "--yes", "-o", "json").json
    assert again["data"] == {"domain": "example.com", "steps": []}


@needs_nsd
def test_what_is_saved_must_be_records(empty: World, tmp_path: Path) -> None:
    with name_server(tmp_path, {"example.com": ""}) as server:
        empty.server[:] = [server]
        for text in ("", "[]x", '{"data": {"records": [{}]}}', "{}", json.dumps([{"name": 1}])):
            (tmp_path / "saved.json").write_text(text)
            refused = empty.run(
                "identity", "check", "--from", str(tmp_path / "saved.json"),
                "--resolver", empty.resolver, "-o", "json", status=2,
            )  # fmt: skip
            assert refused.error["code"] == "usage"
        empty.server.clear()
