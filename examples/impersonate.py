#!/usr/bin/env python3
"""Create two tenants, and let one send over SMTP: as itself, and as the other.

    ses-tenant sandbox -- python examples/impersonate.py

Needs the sandbox's variables and nothing but Python. Nothing leaves the machine.
"""

import json
import os
import smtplib
import ssl
import subprocess
import sys
from email.message import EmailMessage

SHOP, BLOG = "shop.example.com", "blog.example.org"


def create(domain: str) -> dict[str, str]:
    """Make a tenant as a person would, and return its SMTP credentials."""
    command = ["ses-tenant", "create", domain, "--smtp"]
    print("$", *command, flush=True)
    done = subprocess.run([*command, "-o", "json"], stdout=subprocess.PIPE, check=True)
    credentials: dict[str, str] = json.loads(done.stdout)["data"]["credentials"]["smtp"][0]
    return credentials


def send(credentials: dict[str, str], sender: str) -> str:
    """Send one message; return the server's answer to it."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "customer@client.example"
    message["Subject"] = "Your order"
    message.set_content("Thank you.\n")
    host, port = credentials["host"], int(credentials["port"])
    with smtplib.SMTP(host, port, timeout=30) as smtp:
        smtp.starttls(context=ssl.create_default_context())
        smtp.login(credentials["user_name"], credentials["password"])
        smtp.mail(sender)
        smtp.rcpt("customer@client.example")
        code, answer = smtp.data(message.as_bytes())
    return f"{code} {answer.decode()}"


def main() -> int:
    """Return 0 if the first message is taken and the second refused."""
    if "SES_TENANT_SMTP_HOST" not in os.environ:
        print("Run it in the sandbox: ses-tenant sandbox -- python examples/impersonate.py")
        return 2
    shop = create(SHOP)
    create(BLOG)
    answers = []
    for sender in (f"info@{SHOP}", f"info@{BLOG}"):
        print(f"\nThe password of {SHOP}, sending as {sender}:", flush=True)
        answers.append(send(shop, sender))
        print(answers[-1], flush=True)
    print("\n$ ses-tenant sandbox outbox", flush=True)
    subprocess.run(["ses-tenant", "sandbox", "outbox"], check=True)
    return 0 if answers[0].startswith("250 ") and answers[1].startswith("554 ") else 1


if __name__ == "__main__":
    sys.exit(main())
