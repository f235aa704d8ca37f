"""Small accounts in the words of GetAccountAuthorizationDetails, for tests of the proof."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ses_tenant.core.proof.members import Account, read_account

Json = dict[str, Any]
ACCOUNT = "123456789012"
IAM = f"arn:aws:iam::{ACCOUNT}"
ROOT = f"{IAM}:root"
SHOP = "shop.example.com"
BLOG = "blog.example.org"


def allow(*actions: str, on: str | Sequence[str] = "*", **conditions: Json) -> Json:
    said: Json = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return {**said, "Condition": conditions} if conditions else said


def deny(*actions: str, on: str | Sequence[str] = "*", **conditions: Json) -> Json:
    return {**allow(*actions, on=on, **conditions), "Effect": "Deny"}


def policy(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def inline(*statements: Json, name: str = "own") -> list[Json]:
    return [{"PolicyName": name, "PolicyDocument": policy(*statements)}] if statements else []


def attached(*names: str) -> list[Json]:
    return [{"PolicyName": name, "PolicyArn": f"{IAM}:policy/{name}"} for name in names]


def user(
    name: str,
    *statements: Json,
    managed: Sequence[str] = (),
    groups: Sequence[str] = (),
    boundary: str | None = None,
    tags: Mapping[str, str] | None = None,
    path: str = "/",
) -> Json:
    limit = {"PermissionsBoundary": {"PermissionsBoundaryArn": f"{IAM}:policy/{boundary}"}}
    return {
        "UserName": name,
        "Path": path,
        "Arn": f"{IAM}:user{path}{name}",
        "UserPolicyList": inline(*statements),
        "GroupList": list(groups),
        "AttachedManagedPolicies": attached(*managed),
        "Tags": [{"Key": k, "Value": v} for k, v in (tags or {}).items()],
        **(limit if boundary else {}),
    }


def tenant(domain: str = SHOP, *more: Json, destination: str = "-", **tags: str) -> Json:
    """Return a tenant's user, spelled out as IAM holds it; `more` are statements besides."""
    send = allow("ses:SendRawEmail", StringLike={"ses:FromAddress": [f"*@{domain}"]})
    only = deny("*", StringNotLike={"ses:FromAddress": [f"*@{domain}"]})
    return user(
        f"ses-{domain}",
        send,
        *([] if more else [only]),
        *more,
        path=f"/ses-tenant/{domain}/",
        tags={
            "ses-tenant:domain": domain,
            "ses-tenant:interface": "smtp",
            "ses-tenant:regions": "eu-central-1",
            "ses-tenant:destination": destination,
            **tags,
        },
    )


def trusting(*principals: str, **conditions: Json) -> Json:
    """Return a statement of a trust policy, for accounts and people or for services."""
    service = [p for p in principals if p.endswith(".amazonaws.com")]
    people = [p for p in principals if p not in service]
    named = {**({"Service": service} if service else {}), **({"AWS": people} if people else {})}
    said: Json = {"Effect": "Allow", "Principal": named, "Action": "sts:AssumeRole"}
    return {**said, "Condition": conditions} if conditions else said


def role(
    name: str,
    *statements: Json,
    trust: Iterable[Json] = (),
    managed: Sequence[str] = (),
    boundary: str | None = None,
    profile: bool = False,
    path: str = "/",
) -> Json:
    limit = {"PermissionsBoundary": {"PermissionsBoundaryArn": f"{IAM}:policy/{boundary}"}}
    return {
        "RoleName": name,
        "Path": path,
        "Arn": f"{IAM}:role{path}{name}",
        "AssumeRolePolicyDocument": policy(*trust),
        "InstanceProfileList": [{"InstanceProfileName": name}] if profile else [],
        "RolePolicyList": inline(*statements),
        "AttachedManagedPolicies": attached(*managed),
        "Tags": [],
        **(limit if boundary else {}),
    }


def group(name: str, *statements: Json, managed: Sequence[str] = ()) -> Json:
    return {
        "GroupName": name,
        "Arn": f"{IAM}:group/{name}",
        "GroupPolicyList": inline(*statements),
        "AttachedManagedPolicies": attached(*managed),
    }


def managed(name: str, *statements: Json, others: Sequence[Json] = ()) -> Json:
    versions = [{"VersionId": "v1", "IsDefaultVersion": True, "Document": policy(*statements)}]
    versions += [
        {"VersionId": f"v{n}", "IsDefaultVersion": False, "Document": policy(other)}
        for n, other in enumerate(others, start=2)
    ]
    return {"PolicyName": name, "Arn": f"{IAM}:policy/{name}", "PolicyVersionList": versions}


def page(*entries: Json) -> Json:
    """Return one answer with the entries, each under the list that it belongs to."""
    found: Json = {}
    for entry in entries:
        kind = next(
            listed
            for key, listed in (
                ("UserName", "UserDetailList"),
                ("RoleName", "RoleDetailList"),
                ("GroupName", "GroupDetailList"),
                ("PolicyName", "Policies"),
            )
            if key in entry
        )
        found.setdefault(kind, []).append(entry)
    return found


def account(*entries: Json) -> Account:
    return read_account([page(*entries)])
