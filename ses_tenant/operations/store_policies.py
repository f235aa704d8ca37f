"""Reading what guards the secrets and parameters that hold credentials: policies, keys, grants."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ses_tenant.core.errors import Notice, SesTenantError
from ses_tenant.core.iam.authorization import Policy
from ses_tenant.core.proof.guards import AWS_KEY, Guard, Key
from ses_tenant.core.proof.members import Member
from ses_tenant.core.proof.stores import PARAMETERS, SECRETS, Store, store_of
from ses_tenant.operations.many import each_tenant
from ses_tenant.operations.protocols import Stores

# Two requests a secret, and two a key: past this, only on demand.
MAX_STORES = 100
_WORKERS = 8
# DescribeParameters takes 50 names at once; what is given by its ARN may have two.
_AT_ONCE = 25
_AWS_SECRET = "alias/aws/secretsmanager"  # noqa: S105 - the name of a key
_SHOWN = 5
_COMES_TO = (
    "Who may read them by their own policies is found, on that condition; whom only the policy of "
    "a secret names is not."
)


def read_guards(
    stores: Stores | None, people: Iterable[Member], *, policies: bool | None
) -> tuple[Mapping[str, Guard], list[Notice]]:
    """Return what guards the secrets and parameters that tenants' tags name, by `Store.arn`.

    They are read if there are not too many of them, or as `policies` says. Without `stores` none
    can be. What was not read is among the notices.
    """
    found = (store_of(member) for member in people if member.domains)
    named = tuple({store.arn: store for store in found if store is not None}.values())
    if not named:
        return {}, []
    if stores is None:
        return {}, [_not_read(named, "What was saved does not tell of them.")]
    if policies is False:
        return {}, [_not_read(named, "--secret-policies reads them.")]
    if policies is None and len(named) > MAX_STORES:
        why = f"They are more than {MAX_STORES}: --secret-policies reads them."
        return {}, [_not_read(named, why)]
    return _read(stores, named)


@dataclass(frozen=True)
class _Told:
    """What is told of a secret or parameter; `key` as its Region and ID, None without any."""

    arn: str
    policies: tuple[Policy, ...]
    key: tuple[str, str] | None


_Answers = Mapping[str, _Told | str]  # by `Store.arn`; a text says why nothing is told


def _read(stores: Stores, named: Sequence[Store]) -> tuple[Mapping[str, Guard], list[Notice]]:
    there = [store for store in named if store.region]
    answers = {
        **{store.arn: "Its Region is not known." for store in named if not store.region},
        **_secrets(stores, [store for store in there if store.service == SECRETS]),
        **_parameters(stores, [store for store in there if store.service == PARAMETERS]),
    }
    told = {arn: each for arn, each in answers.items() if isinstance(each, _Told)}
    keys, notices = _keys(stores, {each.key for each in told.values() if each.key})
    guards = {
        arn: Guard(each.arn, each.policies, keys[each.key] if each.key else None)
        for arn, each in told.items()
    }
    left = [store for store in named if store.arn not in told]
    if left:
        notices.append(_not_read(left, str(answers[left[0].arn])))
    return guards, notices


def _secrets(stores: Stores, wanted: Sequence[Store]) -> _Answers:
    def read(store: Store) -> _Told | str:
        told = stores.secret(store.region, store.name)
        if told is None:
            return "There is no such secret."
        policy = () if told.policy is None else (Policy(f"of the secret {told.arn}", told.policy),)
        return _Told(told.arn, policy, (store.region, told.key_id or _AWS_SECRET))

    answers = each_tenant(wanted, read, failed=_said, workers=_WORKERS)
    return {store.arn: answer for store, answer in zip(wanted, answers, strict=True)}


def _parameters(stores: Stores, wanted: Sequence[Store]) -> _Answers:
    here = [store for store in wanted if not store.elsewhere]
    requests: list[tuple[str, Sequence[Store]]] = []
    for region in dict.fromkeys(store.region for store in here):
        of_region = [store for store in here if store.region == region]
        requests += [
            (region, of_region[n : n + _AT_ONCE]) for n in range(0, len(of_region), _AT_ONCE)
        ]

    def read(request: tuple[str, Sequence[Store]]) -> _Answers:
        region, some = request
        keys = stores.parameters(region, [name for store in some for name in store.names])
        return {store.arn: _of_parameter(store, keys) for store in some}

    def failed(request: tuple[str, Sequence[Store]], error: SesTenantError) -> _Answers:
        return {store.arn: error.message for store in request[1]}

    found: dict[str, _Told | str] = {s.arn: "It is of another account." for s in wanted}
    for answers in each_tenant(requests, read, failed=failed, workers=_WORKERS):
        found |= answers
    return found


def _of_parameter(store: Store, keys: Mapping[str, str | None]) -> _Told | str:
    name = next((name for name in store.names if name in keys), None)
    if name is None:
        return "There is no such parameter."
    key = keys[name]
    return _Told(store.arn, (), None if key is None else (store.region, key))


def _keys(
    stores: Stores, places: Collection[tuple[str, str]]
) -> tuple[Mapping[tuple[str, str], Key], list[Notice]]:
    """Return the keys by Region and ID; AWS's own are not asked for."""
    own = {place: AWS_KEY for place in places if "alias/aws/" in place[1]}
    wanted = sorted(set(places) - own.keys())
    refused: dict[str, str] = {}

    def read(place: tuple[str, str]) -> Key:
        return stores.key(*place)

    def failed(place: tuple[str, str], error: SesTenantError) -> Key:
        refused[place[1]] = error.message
        return Key(place[1])

    found = each_tenant(wanted, read, failed=failed, workers=_WORKERS)
    refused |= {
        key.arn: "Its grants were not listed."
        for key in found
        if key.policy is not None and key.grantees is None and not key.of_aws
    }
    keys = {**own, **dict(zip(wanted, found, strict=True))}
    told = "Who may decrypt with keys of KMS"
    return keys, [Notice("not_read", _told(told, refused))] if refused else []


def _not_read(left: Sequence[Store], why: str) -> Notice:
    told = _told("What guards secrets and parameters with credentials", {s.arn: why for s in left})
    return Notice("not_read", f"{told} {_COMES_TO}")


def _told(what: str, refused: Mapping[str, str]) -> str:
    names = sorted(refused)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    shown = ", ".join(names[:_SHOWN])
    return f"{what} was not read, of {shown}{more}. {refused[names[0]]}"


def _said(_store: Store, error: SesTenantError) -> str:
    return error.message
