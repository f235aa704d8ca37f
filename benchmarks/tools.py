"""What each tool is told to do: make N tenants, look whether they are right, rotate one.

Each tenant is the same everywhere: an IAM user with path and tags, its inline policy, an access
key, and the credentials in a file of this machine (Terraform: in its state).
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Account, Measured

ROTATED = 0  # which of the tenants


def domain(number: int) -> str:
    """Return the domain of a tenant."""
    return f"site{number:04}.example.com"


@dataclass(frozen=True)
class Tool:
    """How one tool is used; None for what it has no command for."""

    name: str
    version: str
    prepare: Callable[[Account, int], None]
    apply: Callable[[Account], Measured]
    plan: Callable[[Account], Measured] | None
    rotate: Callable[[Account], Measured]


@dataclass(frozen=True)
class Missing:
    """A tool that cannot be measured here, and why."""

    name: str
    reason: str


def _output(*command: str, cwd: Path | None = None) -> tuple[int, str]:
    done = subprocess.run(  # noqa: S603
        command, cwd=cwd, capture_output=True, text=True, check=False
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def _policy_of(name: str) -> str:
    return _output(sys.executable, "-m", "ses_tenant", "policy", name)[1]


def _policies(count: int) -> dict[str, str]:
    text = _policy_of(domain(0))
    return {domain(n): text.replace(domain(0), domain(n)) for n in range(count)}


# ses-tenant ---------------------------------------------------------------------------------------

_OURS = [sys.executable, "-m", "ses_tenant"]


def prepare(account: Account, count: int) -> None:
    """Write the tenants file."""
    lines = [f'[defaults]\ndestination = "file:{account.folder}/{{domain}}.env"\n']
    lines += [f'[tenants."{domain(n)}"]\n' for n in range(count)]
    (account.folder / "tenants.toml").write_text("".join(lines))


def apply(account: Account) -> Measured:
    """Make all tenants."""
    return account.run([*_OURS, "apply", "--yes", "--quiet"])


def plan(account: Account) -> Measured:
    """Look whether they are right."""
    return account.run([*_OURS, "plan"])


def rotate_one(account: Account) -> Measured:
    """Give one tenant a new key, and verify it."""
    return account.run([*_OURS, "rotate-keys", domain(ROTATED), "--yes"])


def rotate_all(account: Account) -> Measured:
    """Give every tenant a new key, and verify each."""
    return account.run([*_OURS, "rotate-keys", "--max-age", "0s", "--yes", "--quiet"])


def list_all(account: Account) -> Measured:
    """List all tenants."""
    return account.run([*_OURS, "list", "-o", "json"])


def ours() -> Tool:
    """Return ses-tenant itself."""
    version = _output(*_OURS, "--version")[1].rpartition(" ")[2]
    return Tool("ses-tenant", version, prepare, apply, plan, rotate_one)


# Terraform ----------------------------------------------------------------------------------------

_MAIN_TF = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
locals {
  policies = jsondecode(file("policies.json"))
}
resource "aws_iam_user" "site" {
  for_each = local.policies
  name     = "ses-${each.key}"
  path     = "/ses-tenant/${each.key}/"
  tags     = { "ses-tenant:domain" = each.key, "ses-tenant:interface" = "api" }
}
resource "aws_iam_user_policy" "site" {
  for_each = local.policies
  name     = "ses-tenant-sending"
  user     = aws_iam_user.site[each.key].name
  policy   = each.value
}
resource "aws_iam_access_key" "site" {
  for_each = local.policies
  user     = aws_iam_user.site[each.key].name
}
"""


def terraform(folder: Path, mirror: Path | None) -> Tool | Missing:
    """Return Terraform, its provider installed in `folder`; `mirror` has providers unpacked."""
    found = shutil.which("terraform")
    if found is None:
        return Missing("Terraform", "terraform is not on PATH")
    (folder / "main.tf").write_text(_MAIN_TF)
    arguments = [f"-plugin-dir={mirror.absolute()}"] if mirror else []
    status, text = _output(found, "init", "-no-color", *arguments, cwd=folder)
    provider = re.search(r"hashicorp/aws v([\d.]+)", text)
    if status or not provider:
        return Missing("Terraform", "terraform init found no provider; see --terraform-mirror")
    version = re.search(r"v([\d.]+)", _output(found, "version")[1])

    def prepare(account: Account, count: int) -> None:
        shutil.copytree(folder, account.folder, symlinks=True, dirs_exist_ok=True)
        (account.folder / "policies.json").write_text(json.dumps(_policies(count)))

    return Tool(
        "Terraform",
        f"{version[1] if version else '?'}, provider {provider[1]}",
        prepare,
        lambda account: account.run([found, "apply", "-auto-approve", "-no-color"]),
        lambda account: account.run([found, "plan", "-detailed-exitcode", "-no-color"]),
        lambda account: account.run(
            [
                *(found, "apply", "-auto-approve", "-no-color"),
                f'-replace=aws_iam_access_key.site["{domain(ROTATED)}"]',
            ]
        ),
    )


# Ansible ------------------------------------------------------------------------------------------

_SITES = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    policies: "{{ lookup('file', 'policies.json') | from_json }}"
  tasks:
    - amazon.aws.iam_user:
        name: "ses-{{ item.key }}"
        path: "/ses-tenant/{{ item.key }}/"
        state: present
        tags: {"ses-tenant:domain": "{{ item.key }}", "ses-tenant:interface": api}
      loop: "{{ policies | dict2items }}"
    - amazon.aws.iam_policy:
        iam_type: user
        iam_name: "ses-{{ item.key }}"
        policy_name: ses-tenant-sending
        policy_json: "{{ item.value }}"
        state: present
      loop: "{{ policies | dict2items }}"
    - amazon.aws.iam_access_key_info:
        user_name: "ses-{{ item.key }}"
      loop: "{{ policies | dict2items }}"
      register: present
    - amazon.aws.iam_access_key:
        user_name: "ses-{{ item.item.key }}"
      loop: "{{ present.results }}"
      when: not item.access_keys
      no_log: true
      register: made
    - ansible.builtin.copy:
        content: "{{ made.results | to_json }}"
        dest: "{{ playbook_dir }}/credentials.json"
        mode: "0600"
      when: made is changed
      no_log: true
"""
_ROTATE = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - amazon.aws.iam_access_key:
        user_name: "ses-{{ domain }}"
        rotate_keys: true
      no_log: true
      register: made
    - ansible.builtin.copy:
        content: "{{ made | to_json }}"
        dest: "{{ playbook_dir }}/rotated.json"
        mode: "0600"
      no_log: true
"""


def ansible() -> Tool | Missing:
    """Return Ansible with its collection for AWS."""
    found, galaxy = shutil.which("ansible-playbook"), shutil.which("ansible-galaxy")
    if found is None or galaxy is None:
        return Missing("Ansible", "ansible-playbook is not on PATH")
    listed = _output(galaxy, "collection", "list", "amazon.aws")[1]
    collection = re.search(r"amazon\.aws +([\d.]+)", listed)
    if not collection:
        return Missing("Ansible", "the collection amazon.aws is not installed")
    version = re.search(r"core ([\d.]+)", _output(found, "--version")[1])
    python = Path(found).with_name("python")
    play = [found, "-i", "localhost,", "-e", f"ansible_python_interpreter={python}"]

    def prepare(account: Account, count: int) -> None:
        (account.folder / "policies.json").write_text(json.dumps(_policies(count)))
        (account.folder / "sites.yml").write_text(_SITES)
        (account.folder / "rotate.yml").write_text(_ROTATE)

    return Tool(
        "Ansible",
        f"core {version[1] if version else '?'}, amazon.aws {collection[1]}",
        prepare,
        lambda account: account.run([*play, "sites.yml"]),
        lambda account: account.run([*play, "--check", "sites.yml"]),
        lambda account: account.run([*play, "-e", f"domain={domain(ROTATED)}", "rotate.yml"]),
    )


# aws CLI ------------------------------------------------------------------------------------------

_CREATE_SH = """
set -eu
umask 077
while read -r domain; do
  aws iam create-user --user-name "ses-$domain" --path "/ses-tenant/$domain/" --tags \\
    "Key=ses-tenant:domain,Value=$domain" Key=ses-tenant:interface,Value=api > "$domain.user"
  aws iam put-user-policy --user-name "ses-$domain" --policy-name ses-tenant-sending \\
    --policy-document "file://$domain.policy"
  aws iam create-access-key --user-name "ses-$domain" > "$domain.key"
done < domains
"""
_ROTATE_SH = """
set -eu
umask 077
old=$(aws iam list-access-keys --user-name "ses-$1" --query 'AccessKeyMetadata[0].AccessKeyId' \\
  --output text)
aws iam create-access-key --user-name "ses-$1" > "$1.key"
aws iam delete-access-key --user-name "ses-$1" --access-key-id "$old"
"""


def aws_cli() -> Tool | Missing:
    """Return the aws CLI in a shell script, as one would write it by hand."""
    found = shutil.which("aws")
    if found is None:
        return Missing("aws CLI", "aws is not on PATH")
    version = re.search(r"aws-cli/([\d.]+)", _output(found, "--version")[1])

    def prepare(account: Account, count: int) -> None:
        for name, text in _policies(count).items():
            (account.folder / f"{name}.policy").write_text(text)
        names = "".join(f"{domain(n)}\n" for n in range(count))
        (account.folder / "domains").write_text(names)
        (account.folder / "create.sh").write_text(_CREATE_SH)
        (account.folder / "rotate.sh").write_text(_ROTATE_SH)

    return Tool(
        "aws CLI",
        version[1] if version else "?",
        prepare,
        lambda account: account.run(["sh", "create.sh"]),
        None,
        lambda account: account.run(["sh", "rotate.sh", domain(ROTATED)]),
    )
