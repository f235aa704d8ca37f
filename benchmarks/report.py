"""What was measured, as Markdown."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import RATE, Measured
from benchmarks.tools import Missing, Tool

VERBS = {"apply": "make N tenants", "plan": "plan, no change", "rotate": "rotate one of N"}
Cell = tuple[str, int, str]  # verb, number of tenants, name of the tool


def circumstances(latency_s: float) -> str:
    """Return when and on what it was measured."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {latency_s * 1000:.0f} ms added to each request, "
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"moto {version('moto')}, boto3 {version('boto3')}."
    )


def compare(
    cells: Mapping[Cell, Measured],
    sizes: Sequence[int],
    tools: Sequence[Tool],
    missing: Sequence[Missing],
) -> str:
    """Return the table of all tools: seconds, requests, and how many times ours each takes."""
    lines = [
        "; ".join(f"{tool.name} {tool.version}" for tool in tools) + ".",
        "",
        "| | N | " + " | ".join(tool.name for tool in tools) + " |",
        "|---|--:|" + "---|" * len(tools),
    ]
    for verb, title in VERBS.items():
        for size in sizes:
            own = cells[verb, size, tools[0].name]
            row = (_cell(cells.get((verb, size, tool.name)), own) for tool in tools)
            lines.append(f"| {title} | {size} | " + " | ".join(row) + " |")
    lines += ["", *(f"Not measured: {tool.name}, as {tool.reason}." for tool in missing)]
    return "\n".join(lines).rstrip() + "\n"


def throttled(cells: Mapping[tuple[int, str], Measured]) -> str:
    """Return the table of a server that throttles."""
    lines = [
        f"| | N | seconds | requests answered | throttled | seconds / (requests / {RATE}) |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for (size, verb), m in cells.items():
        ratio = m.seconds / (m.requests / RATE)
        lines.append(
            f"| {verb} | {size} | {m.seconds:.1f} | {m.requests} | {m.throttled} | {ratio:.2f} |"
        )
    return "\n".join(lines) + "\n"


def alone(cells: Mapping[tuple[int, str], Measured]) -> str:
    """Return the table of ses-tenant alone."""
    lines = ["| | N | seconds | requests | peak memory |", "|---|--:|--:|--:|--:|"]
    for (size, verb), m in cells.items():
        lines.append(
            f"| {verb} | {size:,} | {m.seconds:.1f} | {m.requests:,} | {m.peak_mb:.0f} MB |"
        )
    return "\n".join(lines) + "\n"


def replace(file: Path, part: str, text: str) -> None:
    """Put `text` between the marks of `part` in a Markdown file."""
    marked = re.compile(rf"(<!-- measured: {part} -->\n).*?(<!-- end of measured -->\n)", re.DOTALL)
    before = file.read_text(encoding="utf-8")
    after = marked.sub(lambda found: f"{found[1]}{text}{found[2]}", before)
    file.write_text(after, encoding="utf-8")


def _cell(measured: Measured | None, own: Measured) -> str:
    if measured is None:
        return "-"
    text = f"{measured.seconds:.1f} s, {measured.requests} requests"
    if measured is own:
        return text
    return f"{text}, {measured.seconds / own.seconds:.1f}x"
