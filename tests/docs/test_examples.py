"""Each example does what examples/README.md says of it."""

import ast
import base64
import json
import os
import shlex
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.request import urlopen

import boto3
import botocore.session
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from ses_tenant.cli.app import app
from ses_tenant.core.tenant.operator_actions import VERBS
from ses_tenant.sandbox.server import serve

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
POLICIES = [
    "handmade-api-policy.json",
    "handmade-smtp-policy.json",
    "operator-policy.json",
    "destination-policy.json",
    "role-policy.json",
]
READS = ("Get", "List", "Generate", "Simulate")
OWN, FOREIGN = {"ses:FromAddress": "info@example.net"}, {"ses:FromAddress": "info@example.org"}
ATTACHED = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def document(name: str) -> dict[str, Any]:
    loaded = json.loads((EXAMPLES / name).read_text())
    assert isinstance(loaded, dict)
    return loaded


def ours(*options: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["policy", "example.net", *options])
    loaded = json.loads(result.stdout)
    assert isinstance(loaded, dict)
    return loaded


def listed(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def condition_met(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    for operator, keys in condition.items():
        for key, patterns in keys.items():
            found = context.get(key)
            like = found is not None and any(fnmatchcase(found, p) for p in listed(patterns))
            match operator:
                case "StringLike":
                    met = like
                case "StringNotLike":
                    met = not like
                case "StringLikeIfExists":
                    met = found is None or like
                case _:
                    raise NotImplementedError(operator)
            if not met:
                return False
    return True


def allowed(action: str, context: Mapping[str, str], *policies: Mapping[str, Any]) -> bool:
    """Decide as IAM does for these few operators: an explicit Deny first, then any Allow."""
    effects = set()
    for policy in policies:
        for statement in policy["Statement"]:
            named = any(fnmatchcase(action, p) for p in listed(statement.get("Action", [])))
            if "NotAction" in statement:
                named = not any(fnmatchcase(action, p) for p in listed(statement["NotAction"]))
            if named and condition_met(statement.get("Condition", {}), context):
                effects.add(statement["Effect"])
    return effects == {"Allow"}


# The actions of both versions of the SES API begin with ses:.
SERVICES = {
    **{name: name for name in ("iam", "kms", "route53", "secretsmanager", "ses", "ssm")},
    "dynamodb": "dynamodb",
    "events": "events",
    "sesv2": "ses",
}


# An action that no operation has: it lets another Region use the DKIM keys of an identity.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
PERMISSION_ONLY = {"ses:replicateemailidentitydkimsigningkey"}


@pytest.mark.parametrize("name", POLICIES)
def test_policy_is_well_formed_and_names_actions_that_exist(name: str) -> None:
    policy = document(name)
    assert policy["Version"] == "2012-10-17"
    session = botocore.session.get_session()
    known = {
        f"{prefix}:{operation}".lower()
        for service, prefix in SERVICES.items()
        for operation in session.get_service_model(service).operation_names
    }
    sids = [statement.get("Sid", "") for statement in policy["Statement"]]
    assert all(sid.isalnum() for sid in sids if sid)
    for statement in policy["Statement"]:
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        for action in listed(statement["Action"]):
            assert action.lower() in known | PERMISSION_ONLY


@pytest.mark.parametrize("action", ["ses:SendEmail", "ses:SendRawEmail"])
def test_a_role_sends_as_its_domain_and_does_its_other_work(action: str) -> None:
    role = document("role-policy.json")
    assert allowed(action, OWN, role)
    assert not allowed(action, FOREIGN, role)
    assert not allowed(action, {}, role)
    assert allowed("s3:GetObject", {}, role, ATTACHED)


@pytest.mark.parametrize("action", ["ses:SendEmail", "ses:SendRawEmail"])
def test_the_idea_of_the_handmade_policies_is_right(action: str) -> None:
    handmade = document("handmade-api-policy.json")
    assert allowed(action, OWN, handmade)
    assert not allowed(action, FOREIGN, handmade)
    smtp = document("handmade-smtp-policy.json")
    assert allowed(action, OWN, smtp) is (action == "ses:SendRawEmail")
    assert not allowed(action, FOREIGN, smtp)


@pytest.mark.parametrize("action", ["ses:GetSendQuota", "ses:GetSendStatistics"])
def test_the_handmade_policy_denies_the_quota_and_ours_allows_it(action: str) -> None:
    assert not allowed(action, {}, document("handmade-api-policy.json"))
    assert allowed(action, {}, ours())


@pytest.mark.parametrize(
    ("name", "options"),
    [("handmade-api-policy.json", ()), ("handmade-smtp-policy.json", ("--smtp",))],
)
def test_an_attached_policy_reopens_the_handmade_one_and_not_ours(
    name: str, options: tuple[str, ...]
) -> None:
    for action, context in (
        ("ses:SendRawEmail", FOREIGN),
        ("ses:SendBulkEmail", {}),
        ("s3:GetObject", {}),
        ("iam:CreateUser", {}),
    ):
        assert allowed(action, context, document(name), ATTACHED)
        assert not allowed(action, context, ours(*options), ATTACHED)
    assert allowed("ses:SendRawEmail", OWN, ours(*options), ATTACHED)


def test_the_handmade_policy_lets_bounces_go_anywhere_and_ours_does_not() -> None:
    bouncing = {**OWN, "ses:FeedbackAddress": "bounces@example.org"}
    assert allowed("ses:SendEmail", bouncing, document("handmade-api-policy.json"))
    assert not allowed("ses:SendEmail", bouncing, ours())
    assert allowed("ses:SendEmail", OWN, ours())
    assert allowed("ses:SendEmail", bouncing, ours("--return-path", "example.org"))


def test_upper_case_is_refused_as_the_readme_says() -> None:
    assert not allowed("ses:SendEmail", {"ses:FromAddress": "Info@Example.NET"}, ours())


def called_actions() -> set[str]:
    """Return the IAM actions of all boto3 calls in ses_tenant/aws."""
    sources = [(ROOT / "ses_tenant" / "aws" / name).read_text() for name in ("iam.py", "report.py")]
    tree = ast.parse("\n".join(sources))
    client = boto3.client(
        "iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    names = client.meta.method_to_api_mapping
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {f"iam:{names[name]}" for name in found if name in names}


def test_the_operator_policy_allows_what_is_called() -> None:
    statements = document("operator-policy.json")["Statement"]
    granted = [(action, s["Resource"]) for s in statements for action in listed(s["Action"])]
    assert len(granted) == len(set(granted))
    assert called_actions() <= {action for action, _ in granted}


def test_the_destination_policy_allows_what_is_called_and_no_more() -> None:
    granted = {a for s in document("destination-policy.json")["Statement"] for a in s["Action"]}
    called = set()
    for service in ("secretsmanager", "ssm"):
        source = (ROOT / "ses_tenant" / "destinations" / f"{service}.py").read_text()
        client = boto3.client(
            service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        called |= {
            f"{service}:{operation}"
            for method, operation in client.meta.method_to_api_mapping.items()
            if f".{method}(" in source
        }
    # CreateSecret with tags wants the permission to tag as well.
    assert granted == called | {"secretsmanager:TagResource"}


def test_the_file_on_another_host_works_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "destinations.md").read_text()
    line = next(x for x in text.splitlines() if "mail.json.new" in x)
    _, _, _, _, to, _, read_back = shlex.split(line)
    monkeypatch.chdir(tmp_path)
    here = [part.replace("ssh shop ", "sh -c ") for part in (to, read_back)]
    options = ["--to", here[0], "--read-back", here[1]]
    with empty_account() as url:
        env = {**OPERATOR, "AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-west-1"}
        made = CliRunner().invoke(app, ["create", "shop.example.com", *options], env=env)
        assert made.exit_code == 0, made.stderr
        first = json.loads((tmp_path / "mail.json").read_text())
        assert (tmp_path / "mail.json").stat().st_mode & 0o777 == 0o600
        rotate = ["rotate-keys", "shop.example.com", "--grace", "0s", "-o", "json"]
        states = []
        for _ in range(2):
            run = CliRunner().invoke(app, rotate, env=env)
            assert run.exit_code == 0, run.stdout
            states.append(json.loads(run.stdout)["data"]["tenants"][0])
    held = json.loads((tmp_path / "mail.json").read_text())
    assert [s["state"] for s in states] == ["OVERLAP", "RETIRING"]
    assert held["access_key_id"] == states[0]["access_key_id"]
    assert first["access_key_id"] == states[1]["access_key_id"]


def test_the_operator_policy_writes_only_under_our_path() -> None:
    by_sid = {s["Sid"]: s for s in document("operator-policy.json")["Statement"]}
    assert {sid: s["Resource"] for sid, s in by_sid.items()} == {
        "ReadTenants": "arn:aws:iam::*:user/*",
        "ReadAccount": "*",
        "WriteTenants": "arn:aws:iam::*:user/ses-tenant/*",
        "LeaveGroups": "arn:aws:iam::*:group/*",
        "DeleteVirtualMFADevices": "arn:aws:iam::*:mfa/*",
        "ReadIdentities": "arn:aws:ses:*:*:identity/*",
        "ReadSendingStatus": "*",
        "CreateIdentities": "arn:aws:ses:*:*:identity/*",
        "ChangeIdentities": "arn:aws:ses:*:*:identity/*",
        "KeepEventsSet": "arn:aws:ses:*:*:configuration-set/ses-tenant-events",
        "ChooseEventsSet": "arn:aws:ses:*:*:identity/*",
        "RequestProduction": "*",
        "KeepSesTenants": "*",
        "TagSesTenants": "arn:aws:ses:*:*:tenant/*",
        "ReplicateDkimKeys": "arn:aws:ses:*:*:identity/*",
        "ReadZones": "*",
        "ReadRecords": "arn:aws:route53:::hostedzone/*",
        "AddRecords": "arn:aws:route53:::hostedzone/*",
        "ReadWhoGuardsSecrets": "*",
        "ReadWhoGuardsKeys": "arn:aws:kms:*:*:key/*",
        "PutTrials": "arn:aws:events:*:*:event-bus/default",
        "ReadCounts": "arn:aws:dynamodb:*:*:table/ses-tenant-watch",
    }
    reads = listed(by_sid["ReadTenants"]["Action"]) + listed(by_sid["ReadAccount"]["Action"])
    assert all(action.split(":")[1].startswith(READS) for action in reads)
    assert by_sid["DeleteVirtualMFADevices"]["Action"] == ["iam:DeleteVirtualMFADevice"]
    assert by_sid["LeaveGroups"]["Action"] == ["iam:RemoveUserFromGroup"]


def test_the_operator_policy_is_what_the_command_prints() -> None:
    commands = [name for name in VERBS if name != "adopt"]
    result = CliRunner().invoke(app, ["operator-policy", *commands])
    assert result.stdout == (EXAMPLES / "operator-policy.json").read_text()


OPERATOR = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def empty_account() -> Iterator[str]:
    """Serve an account that is empty."""
    with serve() as sandbox:
        yield sandbox.url


def created(url: str, *options: str) -> dict[str, str]:
    """Run `create` with these options; return what it prints."""
    result = CliRunner().invoke(
        app, ["create", *options], env={**OPERATOR, "AWS_ENDPOINT_URL": url}
    )
    assert result.exit_code == 0, result.stderr
    return dict(line.split("=", 1) for line in result.stdout.splitlines())


def run_example(name: str, sender: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SMTP_"))}
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), sender, "you@example.com"],
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_send_boto3_sends_with_what_create_prints() -> None:
    with empty_account() as url:
        printed = created(url, "shop.example.com", "--region", "eu-west-1")
        assert printed["AWS_REGION"] == "eu-west-1"
        boto3.client(
            "ses",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        ).verify_domain_identity(Domain="shop.example.com")
        env = {**printed, "AWS_ENDPOINT_URL": url, "AWS_EC2_METADATA_DISABLED": "true"}
        done = run_example("send_boto3.py", "info@shop.example.com", env)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        with urlopen(f"{url}/_ses-tenant/messages.json", timeout=10) as answer:
            assert b"info@shop.example.com" in answer.read()
        refused = run_example("send_boto3.py", "info@blog.example.org", env)
        assert refused.returncode == 1
        assert "AccessDeniedException" in refused.stderr


def certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 with its key; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@contextmanager
def smtp_server(file: Path, login: bytes, domain: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Serve one SMTP session: STARTTLS, AUTH PLAIN with `login`, MAIL FROM only of `domain`.

    Gives the port and the list that will hold the commands and the message.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    seen: list[bytes] = []

    def session(connection: socket.socket) -> None:
        stream = cast("BinaryIO", connection.makefile("rwb", buffering=0))
        stream.write(b"220 test\r\n")
        encrypted = False
        while line := stream.readline():
            words = line.upper().split()
            seen.append(line.strip())
            match words[0]:
                case b"EHLO":
                    offer = b"250 AUTH PLAIN\r\n" if encrypted else b"250 STARTTLS\r\n"
                    stream.write(b"250-test\r\n" + offer)
                case b"STARTTLS":
                    stream.write(b"220 go\r\n")
                    connection = context.wrap_socket(connection, server_side=True)
                    stream = cast("BinaryIO", connection.makefile("rwb", buffering=0))
                    encrypted = True
                case b"AUTH":
                    good = encrypted and base64.b64decode(line.split()[2]) == login
                    stream.write(b"235 welcome\r\n" if good else b"535 no\r\n")
                case b"MAIL":
                    own = b"@" + domain + b">" in line
                    stream.write(b"250 ok\r\n" if own else b"554 Access denied\r\n")
                case b"DATA":
                    stream.write(b"354 go\r\n")
                    while (line := stream.readline()) != b".\r\n":
                        seen.append(line.strip())
                    stream.write(b"250 taken\r\n")
                case b"QUIT":
                    stream.write(b"221 bye\r\n")
                    break
                case _:
                    stream.write(b"250 ok\r\n")
        stream.close()
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: session(listener.accept()[0]), daemon=True)
        thread.start()
        yield listener.getsockname()[1], seen
        thread.join(10)


@pytest.mark.parametrize("sender", ["info@blog.example.org", "info@shop.example.com"])
def test_send_smtplib_sends_encrypted_with_what_create_prints(tmp_path: Path, sender: str) -> None:
    with empty_account() as url:
        printed = created(url, "blog.example.org", "--smtp", "--region", "eu-west-1")
    assert printed["SMTP_HOST"] == "email-smtp.eu-west-1.amazonaws.com"
    assert printed["SMTP_PORT"] == "587"
    login = f"\0{printed['SMTP_USERNAME']}\0{printed['SMTP_PASSWORD']}".encode()
    file = certificate(tmp_path)
    with smtp_server(file, login, b"blog.example.org") as (port, seen):
        env = {
            **printed,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
            "SSL_CERT_FILE": str(file),
        }
        done = run_example("send_smtplib.py", sender, env)
    if sender.endswith("@blog.example.org"):
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert b"From: info@blog.example.org" in seen
        assert b"Sent through Amazon SES." in seen
    else:
        assert done.returncode == 1
        assert "Access denied" in done.stderr
    assert seen.index(b"STARTTLS") < next(n for n, line in enumerate(seen) if b"AUTH" in line)
