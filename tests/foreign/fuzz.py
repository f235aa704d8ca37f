#!/usr/bin/env python3
"""Throw malformed SMTP and HTTP at a sandbox for a while; it has to go on answering.

    python tests/foreign/fuzz.py [SECONDS] [SEED]

Not a test, for its length. Ends with status 1 if the sandbox stops answering, answers an AWS request
with 500 or a page of HTML, or accepts a message that is not the tenant's.
"""

import contextlib
import random
import socket
import ssl
import sys
import time
from collections import Counter

from ses_tenant.sandbox.server import serve
from tests.sandbox.conftest import BLOG, SHOP, Box, Key

LINES = [
    b"EHLO x", b"HELO", b"MAIL FROM:<a@shop.example.com>", b"MAIL FROM:<>", b"RCPT TO:<b@c.example>",
    b"DATA", b"RSET", b"AUTH PLAIN", b"AUTH LOGIN", b"AUTH PLAIN AGEAYg==", b"AUTH PLAIN %%%", b"NOOP",
    b"STARTTLS", b"VRFY x", b"QUIT", b"*", b"\x00\xff\xfe", b"A" * 5000, b".", b"From: a@shop.example.com",
    b"From: b@blog.example.org", b"From: =?x?q?=00?=", b"", b"Sender: <", b"MAIL FROM:<a@\xc3\xa9>",
]  # fmt: skip
HEADS = [
    b"POST / HTTP/1.1", b"GET /_ses-tenant/messages/x HTTP/1.1", b"POST /v2/email/outbound-emails HTTP/1.1",
    b"GET /_ses-tenant/../../etc/passwd HTTP/1.1", b"PUT / HTTP/1.1", b"GET /%ff%00 HTTP/1.1",
    b"POST /v2/email/outbound-bulk-emails HTTP/1.0", b"POST / HTTP/1.1", b"POST / HTTP/1.1",
    b"POST /v2/email/identities HTTP/1.1", b"PUT /v2/email/identities/x.example/dkim HTTP/1.1",
    b"GET /v2/email/identities/%ff HTTP/1.1", b"POST /v2/email/tags HTTP/1.1",
    b"POST /v2/email/configuration-sets HTTP/1.1", b"DELETE /v2/email/templates/x HTTP/1.1",
]  # fmt: skip
TARGETS = [
    b"", b"a.b", b"secretsmanager.GetSecretValue", b"secretsmanager.CreateSecret", b"secretsmanager.",
    b"secretsmanager.PutSecretValue", b"secretsmanager.TagResource", b"secretsmanager.ListSecrets",
    b"AmazonSSM.GetParameter", b"AmazonSSM.PutParameter", b"AmazonSSM.GetParametersByPath",
]  # fmt: skip
AUTHORIZATION = (
    b"Authorization: AWS4-HMAC-SHA256 Credential=%s/20260101/%s/%s/aws4_request, "
    b"SignedHeaders=host;x-amz-date, Signature=" + b"0" * 64
)
BODIES = [
    b"", b"{}", b"[]", b'{"Content":{}}', b'{"Content":{"Raw":{"Data":"%%"}}}', b'{"Content":5}',
    b"Action=SendEmail", b"Action=SendRawEmail&RawMessage.Data=AAAA", b"\xff\xfe", b"Action=",
    b'{"Content":{"Simple":{"Body":[]}},"Destination":{"ToAddresses":"x"},"FromEmailAddress":7}',
    b"Action=SendEmail&Source=a%0d%0ab@shop.example.com&Destination.ToAddresses.member.1=x",
    b'{"EmailIdentity":"x.example","DkimSigningAttributes":7,"Tags":[5]}', b'{"Name":{}}', b'{"Name":5}',
    b'{"SecretId":[],"SecretString":null}', b'{"ResourceArn":{},"Tags":7}', b"[" * 20_000, b"null",
    b"Action=VerifyDomainIdentity", b"Action=GetUser", b"Action=TagUser&UserName=x&Tags.member.1.Key=",
    b"Action=PutUserPolicy&UserName=x&PolicyName=y&PolicyDocument=[", b"Action=ListUsers&MaxItems=x",
    b"Action=PutUserPermissionsBoundary", b"Action=CreateUser&PermissionsBoundary=x&UserName=",
]  # fmt: skip


def smtp(box: Box, key: Key, chance: random.Random) -> str:
    """Say random lines, logged in or not."""
    context = ssl.create_default_context(cafile=str(box.sandbox.ca_file))
    address = (box.sandbox.host, box.sandbox.smtps_port)
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, 5) as plain,
        context.wrap_socket(plain, server_hostname=box.sandbox.host) as connection,
    ):
        connection.settimeout(5)
        connection.recv(4096)
        if chance.random() < 0.7:
            import base64

            token = base64.b64encode(f"\0{key.access_key_id}\0{key.password()}".encode())
            connection.sendall(b"EHLO x\r\nAUTH PLAIN " + token + b"\r\n")
        lines = [chance.choice(LINES) for _ in range(chance.randrange(1, 25))]
        connection.sendall(chance.choice((b"\r\n", b"\n", b"\r")).join(lines) + b"\r\n")
        if chance.random() < 0.5:
            connection.sendall(chance.randbytes(chance.randrange(300)))
        connection.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            while connection.recv(65536):
                pass
    return "smtp"


def http(box: Box, key: Key, chance: random.Random) -> str:
    """Make a random request; return the status."""
    port = int(box.sandbox.url.rpartition(":")[2])
    service = chance.choice((b"ses", b"iam", b"sts", b"x", b"secretsmanager", b"ssm"))
    region = chance.choice((b"eu-central-1", b"eu-central-1", b"xx-nowhere-1", b"", b"\xff"))
    who = chance.choice((b"operator", key.access_key_id.encode()))
    body = chance.choice(BODIES) + (chance.randbytes(20) if chance.random() < 0.1 else b"")
    length = chance.choice((len(body), len(body), len(body), 0, -1, 10**12))
    kind = chance.choice((b"application/x-www-form-urlencoded", b"application/json", b"\xff"))
    first = chance.choice(HEADS)
    head = [first, b"Host: 127.0.0.1", b"Content-Type: " + kind]
    head += [b"Content-Length: %d" % length]
    if chance.random() < 0.8:
        head.append(AUTHORIZATION % (who, region, service))
    if chance.random() < (0.9 if service in (b"ssm", b"secretsmanager") else 0.1):
        head.append(b"X-Amz-Target: " + chance.choice(TARGETS))
    with (
        contextlib.suppress(OSError),
        socket.create_connection((box.sandbox.host, port), 5) as connection,
    ):
        connection.settimeout(0.5)
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
        answer = connection.recv(65536)
        if b"<html" in answer.lower() and b"/_ses-tenant/" not in first:
            return "http page"
        return f"http {answer[9:12].decode('latin-1')}"
    return "http -"


def main(seconds: int, seed: int) -> int:
    """Return the exit status."""
    chance = random.Random(seed)
    with serve() as sandbox:
        box = Box(sandbox)
        shop = box.tenant(SHOP)
        box.tenant(BLOG)
        met: Counter[str] = Counter()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            met[chance.choice((smtp, http))(box, shop, chance)] += 1
        code, _ = box.mail(shop, f"info@{SHOP}")
        alive = code == 250 and bool(box.client("sesv2").list_email_identities())
        foreign = [
            entry
            for entry in sandbox.post.outbox.entries()
            if entry.outcome == "accepted" and entry.domain == SHOP
            if any(not sender.endswith(f"@{SHOP}") for sender in entry.senders)
        ]
    print(f"{sum(met.values())} attempts: {dict(met)}; alive: {alive}; foreign: {len(foreign)}")
    return 0 if alive and not foreign and not met["http 500"] + met["http page"] else 1


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*given, *(60, 1)[len(given) :]))
