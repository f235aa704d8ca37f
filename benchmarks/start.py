"""`python -m benchmarks.start`: a cold `create` beside a bare boto3 script with the same calls.

They take turns in one run, so that whatever else the machine does falls on both. What is compared
is processor time, the smallest of each.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import Account, account

BARE = """
import json, sys
import boto3
name, domain = f"ses-{sys.argv[1]}", sys.argv[1]
iam = boto3.client("iam")
try:
    iam.get_user(UserName=name)
except iam.exceptions.NoSuchEntityException:
    pass
tags = [{"Key": "ses-tenant:domain", "Value": domain}]
iam.create_user(UserName=name, Path=f"/ses-tenant/{domain}/", Tags=tags)
condition = {"StringLike": {"ses:FromAddress": [f"*@{domain}"]}}
allow = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*", "Condition": condition}
document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam.put_user_policy(UserName=name, PolicyName="sending", PolicyDocument=document)
print(iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"])
"""
COMMANDS: dict[str, Callable[[int], list[str]]] = {
    "bare boto3": lambda n: ["-c", BARE, f"bare-{n}.example.com"],
    "create": lambda n: ["-m", "ses_tenant", "create", f"shop-{n}.example.com", "--quiet"],
    "--help": lambda _: ["-m", "ses_tenant", "--help"],
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the seconds of each and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="how often each is run")
    runs = parser.parse_args(arguments).runs
    spent: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder, account(Path(folder) / "start", 0) as aws:
        for n in range(runs):
            for name, command in COMMANDS.items():
                spent[name].append(_processor_seconds(command(n), aws))
    least = {name: min(seconds) for name, seconds in spent.items()}
    for name, seconds in least.items():
        sys.stdout.write(f"{name:12} {seconds:.2f} s\n")
    sys.stdout.write(f"create / bare boto3: {least['create'] / least['bare boto3']:.2f}\n")


def _processor_seconds(command: Sequence[str], aws: Account) -> float:
    process = subprocess.Popen(  # noqa: S603 - our own commands
        [sys.executable, *command],
        env=aws.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: status {process.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
