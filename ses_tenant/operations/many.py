"""Do the same for many tenants, or in many accounts, so that a failure stops no other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ses_tenant.core.errors import SesTenantError
from ses_tenant.operations.runtime import Runtime

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int, int], None]
# By name, None for an account without one; a SesTenantError says why an account is closed.
Accounts = Mapping[str | None, Runtime | SesTenantError]


def unwatched(_done: int, _total: int) -> None:
    """Take no notice of progress."""


def each_tenant(
    tenants: Sequence[T],
    work: Callable[[T], R],
    *,
    failed: Callable[[T, SesTenantError], R],
    workers: int,
    progress: Progress = unwatched,
) -> list[R]:
    """Return what came of each tenant, in their order; `workers` of them are worked on at a time.

    What `work` raises as a SesTenantError goes through `failed`, which returns the result to show
    for that tenant, and the others go on. `progress` is told (done, total) in this thread.
    Whatever else is raised, Ctrl-C above all, begins nothing more, lets what has begun come to its
    end, and is raised again.
    """

    def safely(tenant: T) -> R:
        try:
            return work(tenant)
        except SesTenantError as error:
            return failed(tenant, error)

    def collected(outcomes: Iterable[R]) -> list[R]:
        results: list[R] = []
        for result in outcomes:
            results.append(result)
            progress(len(results), len(tenants))
        return results

    if len(tenants) <= 1:  # so that Ctrl-C need not wait for a thread
        return collected(map(safely, tenants))
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            return collected(pool.map(safely, tenants))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def each_account(
    accounts: Accounts, work: Callable[[str | None, Runtime], R]
) -> tuple[list[tuple[str | None, R]], list[tuple[str | None, SesTenantError]]]:
    """Return what `work` gives for each account, by name, and the failures of the others."""
    results: list[tuple[str | None, R]] = []
    errors: list[tuple[str | None, SesTenantError]] = []
    for name, runtime in accounts.items():
        try:
            if isinstance(runtime, SesTenantError):
                raise runtime
            results.append((name, work(name, runtime)))
        except SesTenantError as error:
            errors.append((name, error))
    return results, errors


def of_account(name: str | None, error: SesTenantError) -> SesTenantError:
    """Return the failure, saying in which account it was."""
    return error if name is None else error.about(f"Account {name}")


def of_tenant(domain: str, error: SesTenantError) -> SesTenantError:
    """Return the failure, saying whose it is."""
    return error if domain in error.message else error.about(domain)
