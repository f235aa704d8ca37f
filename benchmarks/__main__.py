"""`python -m benchmarks`: measure, and write the tables of docs/benchmarks.md.

compare    ses-tenant, Terraform, Ansible and the aws CLI, for 1, 10 and 100 tenants
throttled  ses-tenant against a server that allows 20 requests a second
alone      ses-tenant for 1,000 and 5,000 tenants
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import report, tools
from benchmarks.measure import RATE, Account, FailedError, Measured, account

PARTS = ("compare", "throttled", "alone")
_SIZES = {"compare": [1, 10, 100], "throttled": [100], "alone": [1000, 5000]}
_OTHERS = ["terraform", "ansible", "aws"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", help="which parts; without one, all", metavar="PART")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of tenants, for each part")
    parser.add_argument("--latency", type=float, default=0.1, metavar="SECONDS")
    parser.add_argument(
        "--beside", nargs="*", choices=_OTHERS, default=_OTHERS, help="the other tools to compare"
    )
    parser.add_argument("--terraform-mirror", type=Path, metavar="DIR", help="unpacked providers")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace the tables in FILE")
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="ses-tenant-benchmarks-") as name:
        folder = Path(name)
        for part in given.parts or PARTS:
            sizes = given.sizes or _SIZES[part]
            match part:
                case "compare":
                    found = _tools(folder, given)
                    chosen = [tool for tool in found if isinstance(tool, tools.Tool)]
                    missing = [tool for tool in found if isinstance(tool, tools.Missing)]
                    cells = _compare(folder, given.latency, sizes, chosen)
                    text = report.compare(cells, sizes, chosen, missing)
                case "throttled":
                    text = report.throttled(_throttled(folder, given.latency, sizes))
                case _:
                    text = report.alone(_alone(folder, given.latency, sizes))
            text = f"{report.circumstances(given.latency)}\n\n{text}"
            sys.stdout.write(f"{text}\n")
            if given.write:
                report.replace(given.write, part, text)


def _tools(folder: Path, given: argparse.Namespace) -> list[tools.Tool | tools.Missing]:
    configured = folder / "terraform"
    configured.mkdir()
    return [
        tools.ours(),
        *(
            make()
            for name, make in {
                "terraform": lambda: tools.terraform(configured, given.terraform_mirror),
                "ansible": tools.ansible,
                "aws": tools.aws_cli,
            }.items()
            if name in given.beside
        ),
    ]


def _compare(
    folder: Path, latency_s: float, sizes: Sequence[int], chosen: Sequence[tools.Tool]
) -> dict[report.Cell, Measured]:
    measured = {}
    for size in sizes:
        for tool in chosen:
            with account(folder / f"{tool.name}-{size}", latency_s) as aws:
                tool.prepare(aws, size)
                for verb in report.VERBS:
                    if (run := getattr(tool, verb)) is not None:
                        measured[verb, size, tool.name] = _measure(tool.name, verb, size, run, aws)
    return measured


def _throttled(
    folder: Path, latency_s: float, sizes: Sequence[int]
) -> dict[tuple[int, str], Measured]:
    measured = {}
    for size in sizes:
        with account(folder / f"throttled-{size}", latency_s, RATE) as aws:
            tools.prepare(aws, size)
            for verb, run in (("apply", tools.apply), ("rotate all", tools.rotate_all)):
                measured[size, verb] = _measure("throttled", verb, size, run, aws)
    return measured


def _alone(folder: Path, latency_s: float, sizes: Sequence[int]) -> dict[tuple[int, str], Measured]:
    measured = {}
    for size in sizes:
        with account(folder / f"alone-{size}", latency_s) as aws:
            tools.prepare(aws, size)
            for verb, run in (
                ("apply", tools.apply),
                ("plan, no change", tools.plan),
                ("list", tools.list_all),
                ("rotate one", tools.rotate_one),
                ("rotate all", tools.rotate_all),
            ):
                measured[size, verb] = _measure("alone", verb, size, run, aws)
    return measured


def _measure(
    who: str, verb: str, size: int, run: Callable[[Account], Measured], aws: Account
) -> Measured:
    measured = run(aws)
    sys.stderr.write(
        f"{who}: {verb} {size}: {measured.seconds:.1f} s, {measured.requests} requests, "
        f"{measured.throttled} throttled, {measured.peak_mb:.0f} MB\n"
    )
    return measured


if __name__ == "__main__":
    try:
        main()
    except FailedError as error:
        sys.exit(str(error))
