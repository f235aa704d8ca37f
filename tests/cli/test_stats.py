"""`stats` as people, scripts and spreadsheets read it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from ses_tenant.aws.session import open_session
from ses_tenant.aws.watch_store import WatchTable
from ses_tenant.cli.stats import sparkline
from ses_tenant.core.watch.events import MailEvent, read_event
from tests.aws.test_watch_store import make_table
from tests.core.watch.samples import event

from .aws_server import Server
from .conftest import Run

REGION = "eu-central-1"


def test_the_counts_of_all_tenants(server: Server, run: Run) -> None:
    del server
    missing = run("stats", "shop.example.com", "-o", "json")
    assert (missing.status, missing.error["code"]) == (1, "not_found")
    assert missing.error["message"].startswith("The watch is not set up in this Region: ")
    assert "What became of the mail" not in run("audit", "-o", "html").stdout
    make_table()
    for domain in ("shop.example.com", "blog.example.org"):
        run("create", domain, "-q", "-o", "json")
    at = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = [
        read_event({**event(kind, number), "time": at}, None)
        for kind, number in (("send", 1), ("send", 2), ("delivery", 1), ("bounce", 2))
    ]
    table = WatchTable(open_session(None, REGION, None), REGION)
    table.count("shop.example.com", [one for one in told if isinstance(one, MailEvent)])
    blog, shop = run("stats", "--since", "24h", "-o", "json").json["data"]["tenants"]
    assert (blog["domain"], blog["sends"]) == ("blog.example.org", 0)
    assert sum(shop.pop("sends_over_time")) == 2
    assert shop == {
        "domain": "shop.example.com", "sends": 2, "deliveries": 1, "bounces": 1, "complaints": 0,
        "rejects": 0,
    }  # fmt: skip
    assert run("stats", "-o", "csv").stdout == (
        "domain,sends,deliveries,bounces,complaints,rejects\n"
        "blog.example.org,0,0,0,0,0\n"
        "shop.example.com,2,1,1,0,0\n"
    )
    lines = run("stats", "shop.example.com").stdout.splitlines()
    assert lines[0].split() == [
        "Domain", "Sends", "Deliv.", "Bounces", "Compl.", "Rejects", "Over", "time",
    ]  # fmt: skip
    assert lines[2].split()[:6] == ["shop.example.com", "2", "1", "1", "0", "0"]
    assert all(len(line) <= 80 for line in lines)
    html = run("audit", "-o", "html").stdout
    (row,) = re.findall(r"<tr>.*<bdi>shop.example.com</bdi></th>(<td>2</td>.*)</tr>", html)
    assert re.findall(r"<td[^>]*>([^<]*)</td>", row)[:5] == ["2", "1", "1", "0", "0"]


@pytest.mark.parametrize("since", ["30m", "37d", "soon"])
def test_a_time_for_which_there_are_no_counts_is_refused(run: Run, since: str) -> None:
    answer = run("stats", "--since", since, "--region", REGION, "-o", "json")
    assert (answer.status, answer.error["code"]) == (2, "usage")


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([], ""),
        ([0, 0], "  "),
        ([1], "█"),
        ([0, 1, 100], " ▁█"),
        ([1, 2, 3, 4], "▂▄▆█"),
        ([7] * 3, "███"),
    ],
)
def test_bars_are_in_proportion_and_nothing_is_a_space(values: list[int], bars: str) -> None:
    assert sparkline(values) == bars
