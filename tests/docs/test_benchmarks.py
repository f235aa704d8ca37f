"""`python -m benchmarks` runs, and its tables have a place in docs/benchmarks.md."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import watch

ROOT = Path(__file__).parents[2]
MARKED = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")


@pytest.mark.rare
def test_the_handler_of_the_watch_is_measured() -> None:
    found = watch.measure(events=300, tenants=20, batch=50, seconds=30)
    # Each event writes at least its minute and its hour, in a transaction, or shares them.
    assert 0 < found.written <= 4 * 301
    assert found.row().startswith("| 300 | 20 | 50 |")
    assert watch.HEAD in MARKED


@pytest.mark.rare
def test_two_tenants_are_measured_and_the_table_is_written(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.md"
    file.write_text(MARKED)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "compare", "--sizes", "2", "--latency", "0"),
            *("--beside", "--write", str(file)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr.count(" 0 throttled")) == (0, 3), done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("| ")]
    asked = {row[0].strip(): row[2].split(", ")[1].strip() for row in rows[1:]}
    assert asked == {
        "make N tenants": "9 requests",
        "plan, no change": "3 requests",
        "rotate one of N": "6 requests",
    }
    assert done.stdout.strip() in file.read_text()
    for part in ("throttled", "alone"):
        assert f"<!-- measured: {part} -->" in file.read_text()
