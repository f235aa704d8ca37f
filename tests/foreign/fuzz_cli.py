#!/usr/bin/env python3
"""Throw hostile values at every option and every file argument of the command line for a while.

    python tests/foreign/fuzz_cli.py [SECONDS] [SEED]

Not a test, for its length. Nothing listens where AWS is looked for. Ends with status 1 if a run
ends with `internal`, a traceback or a signal, or not within 20 s.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import typer

from ses_tenant.cli.app import app

LIMIT_S = 20
VALUES = [
    "",
    " ",
    "-",
    "--",
    "0",
    "-1",
    "1e9",
    "99999999999999999999",
    "\x1b[31m",
    "\u202e",
    "é",
    "💥",
    "a" * 5000,
    "${x}",
    "*",
    "../../etc/passwd",
    "/dev/zero",
    "/dev/null",
    "/dev/full",
    "/tmp",
    "/nowhere/x",
    "%s%n",
    "{0}",
    "a=b",
    "shop.example.com",
    "SHOP.example.com.",
    "co.uk",
    "a@b.example",
    "http://x.example",
    "127.0.0.1",
    "xn--",
    "a..b",
    "eu-central-1",
    "eu-nowhere-9",
    "file:/tmp/x/y",
    "file:",
    "file:\ud800",
    "command:true",
    "command:",
    "ssm:/x",
    "secretsmanager:x",
    "arn:aws:iam::123456789012:policy/x",
    "json",
    "0s",
    "90d",
    "1y",
    "AKIAIOSFODNN7EXAMPLE",
]
CONTENTS = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"[" * 100_000,
    b"{" * 100_000,
    b'{"a":' * 50_000,
    b"null",
    b"[]",
    b"[[]]",
    b"7",
    b'"x"',
    b"[[tenant]]\n",
    b"[accounts.x]\n",
    b"[tenants]\n" * 2,
    b'[tenants."shop.example.com"]\nto = 7\n',
    b"a = " + b"9" * 5000,
    b'{"UserDetailList": [7]}',
    b'{"UserDetailList": [{"UserName": null}], "Policies": {}}',
    b'[{"policies": 7}]',
    b'[{"name": "x", "policies": [{"Statement": [{"Effect": 7}]}], "action": "ses:SendEmail"}]',
    b"a" * 100_000,
]
AWS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_REGION": "eu-central-1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def verbs() -> dict[str, list[str]]:
    """Return the verbs, each with its options; the sandbox, which serves, is left to its own."""
    found = {}
    waiting = list(getattr(typer.main.get_command(app), "commands", {}).items())
    while waiting:
        name, command = waiting.pop()
        if inner := getattr(command, "commands", {}):
            waiting += [(f"{name} {below}", one) for below, one in inner.items()]
        elif not name.startswith("sandbox"):
            options = [o for p in command.params for o in p.opts if o.startswith("--")]
            found[name] = sorted(set(options) - {"--help"})
    return found


def arguments(chance: random.Random, folder: Path, known: dict[str, list[str]]) -> list[str]:
    """Return a random command line."""
    verb = chance.choice(sorted(known))
    file = folder / "input"
    file.write_bytes(chance.choice(CONTENTS))
    values = [*VALUES, str(file), str(file), str(folder / "pipe"), str(folder)]
    line = verb.split()
    if chance.random() < 0.5:  # valid but for one value
        line.append(str(file) if verb in ("plan", "apply") else "shop.example.com")
        return [*line, chance.choice(known[verb] or ["--help"]), chance.choice(values)]
    for _ in range(chance.randrange(4)):
        line.append(chance.choice(known[verb] or ["--help"]))
        if chance.random() < 0.8:
            line.append(chance.choice(values))
    for _ in range(chance.randrange(3)):
        line.append(chance.choice(values))
    return [part.replace("\0", "") for part in line]


def attempt(line: list[str], stdin: bytes, environ: dict[str, str]) -> str:
    """Return how a run ended; what begins with `!` must not be."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ses_tenant", *(a.encode("utf-8", "replace") for a in line)],
            input=stdin, env=environ, capture_output=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "!time"
    told = done.stdout + done.stderr
    if b"Traceback" in told or b"Exception ignored" in told:
        return "!traceback"
    if b"in a way it should not" in told or b'"internal"' in told:
        return "!internal"
    return f"status {done.returncode}" if 0 <= done.returncode < 128 else "!signal"


def main(seconds: int, seed: int) -> int:
    """Return the exit status."""
    chance, met = random.Random(seed), Counter[str]()
    known = verbs()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.mkfifo(folder / "pipe")
        environ = {**os.environ, **AWS, "HOME": name, "XDG_CONFIG_HOME": name}
        while time.monotonic() < end:
            line = arguments(chance, folder, known)
            ended = attempt(line, chance.choice(CONTENTS), environ)
            met[ended] += 1
            if ended.startswith("!"):
                print(ended, line)
    print(
        f"{sum(met.values())} runs of {len(known)} verbs, seed {seed}: {dict(sorted(met.items()))}"
    )
    return 1 if any(ended.startswith("!") for ended in met) else 0


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*given, *(60, 1)[len(given) :]))
