#!/usr/bin/env python3
"""Draw the pictures of the documents, for light and dark, as SVG.

python docs/pictures.py           draws them; the transcript is that of a run in the sandbox
python docs/pictures.py --check   exits with status 1 if one is not as it would be drawn

The transcript runs `ses-tenant` and `examples/impersonate.py`; keys, ports and times are left out
of it, so that a picture changes only when what is said changes.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path(__file__).with_name("pictures")
STYLE = """
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328 }
  .sans { font-family: system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
  .small { font-size: 12px; fill: #59636e }
  .bold { font-weight: 600 }
  .good { fill: #1a7f37 } .bad { fill: #b3261e; font-weight: 600 }
  .paper { fill: #f6f8fa; stroke: #d1d9e0 } .box { fill: #ffffff; stroke: #818b98 }
  .line { stroke: #59636e; fill: none; stroke-width: 1.5 } .no { stroke: #b3261e }
  .old { fill: #8250df } .new { fill: #0969da } .off { fill: #b1bac4 }
  .gone { fill: none; stroke: #818b98; stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .good { fill: #3fb950 } .bad { fill: #ff7b72 }
    .paper { fill: #151b23; stroke: #3d444d } .box { fill: #0d1117; stroke: #656c76 }
    .line { stroke: #9198a1 } .no { stroke: #ff7b72 }
    .old { fill: #ab7df8 } .new { fill: #4493f8 } .off { fill: #656c76 }
  }
"""


def svg(width: int, height: int, title: str, body: str, style: str = "") -> str:
    """Return a picture with its title, which is what a screen reader says."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n{body}</svg>\n"
    )


def text(x: int, y: int, words: str, kind: str = "", anchor: str = "") -> str:
    """Return a line of text at a place."""
    attributes = (f' class="{kind}"' if kind else "") + (
        f' text-anchor="{anchor}"' if anchor else ""
    )
    return f'<text x="{x}" y="{y}"{attributes} xml:space="preserve">{escape(words)}</text>\n'


def box(x: int, y: int, width: int, height: int, kind: str = "box") -> str:
    """Return a rectangle with round corners."""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" class="{kind}"/>\n'


def transcript() -> list[str]:
    """Return what `examples/impersonate.py` prints in the sandbox, less what differs each time."""
    done = subprocess.run(
        [sys.executable, "-m", "ses_tenant", "sandbox", "--", sys.executable,
         "examples/impersonate.py"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=120,
    )  # fmt: skip
    told = done.stdout.split("\n$ ses-tenant sandbox outbox")[0]
    return re.sub(r"(?m)^(250 Ok).*", r"\1", told).splitlines()


def impersonation(lines: Sequence[str]) -> str:
    """Draw the transcript as a terminal whose lines come one after the other, and stay."""
    body, y, seconds, delays = box(0, 0, 760, 400, "paper"), 34, 0.4, ""
    for number, line in enumerate(lines):
        kind = "good" if line.startswith("250 ") else "bad" if line.startswith("554 ") else ""
        kind = "bold" if line.startswith("$ ") else kind
        for piece in wrap(line, 84, break_on_hyphens=False) or [""]:
            body += text(20, y, piece, f"{kind} line{number}".strip())
            y += 22
        delays += f"  .line{number} {{ animation-delay: {seconds:.1f}s }}\n"
        seconds += 1.2 if line.startswith(("$ ", "The ")) else 0.5
    motion = (
        "  @keyframes come { from { opacity: 0 } to { opacity: 1 } }\n"
        "  @media (prefers-reduced-motion: no-preference) {\n"
        "  text { animation: come .3s both }\n" + delays + "  }\n"
    )  # fmt: skip
    height = y + 4
    title = "The password of shop.example.com is taken for its own domain and refused for another"
    return svg(760, height, title, body.replace('height="400"', f'height="{height}"'), motion)


def before_after() -> str:
    """Draw one shared key, and a key for each domain."""
    arrows = (
        '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="context-stroke"/>'
        "</marker></defs>\n"
    )
    body = arrows
    for left, heading in ((0, "One key for all"), (390, "One key for each")):
        body += box(left + 4, 4, 362, 272, "paper") + text(left + 24, 34, heading, "sans bold")
        for row, site in enumerate(("shop", "blog", "news")):
            y = 58 + row * 62
            body += box(left + 20, y, 90, 40) + text(left + 34, y + 25, site, "sans")
            body += box(left + 228, y, 126, 40)
            body += text(left + 291, y + 25, f"*@{site}.example", "small", "middle")
    for sender in range(3):
        for domain in range(3):
            start, end = 78 + sender * 62, 78 + domain * 62
            kind = "line" if sender == domain else "line no"
            body += f'<path d="M112 {start}L224 {end}" class="{kind}" marker-end="url(#to)"/>\n'
    for row in range(3):
        y = 78 + row * 62
        body += f'<path d="M502 {y}L614 {y}" class="line" marker-end="url(#to)"/>\n'
    body += text(24, 262, "Each may send as every other.", "sans small")
    body += text(414, 262, "Each may send as itself, and nothing else.", "sans small")
    title = "With one key each site may send as every other, with one each only as itself"
    return svg(760, 280, title, body)


def rotation() -> str:
    """Draw the timeline of a rotation: two keys, and what they are at each time."""
    body = box(0, 0, 760, 196, "paper")
    body += text(20, 62, "old key", "sans bold") + text(20, 112, "new key", "sans bold")
    for x, width, y, kind in (
        (110, 300, 46, "old"), (412, 216, 46, "off"), (630, 110, 46, "gone"), (250, 490, 96, "new"),
    ):  # fmt: skip
        body += box(x, y, width, 22, kind)
    for x, step, when in (
        (250, "issue and deliver", "day 0"), (411, "deactivate", "after 24 h"),
        (629, "delete", "after 7 days"),
    ):  # fmt: skip
        body += f'<path d="M{x} 36V146" class="line"/>\n'
        body += text(x, 164, step, "sans", "middle") + text(x, 182, when, "sans small", "middle")
    body += text(180, 28, "one key", "sans small", "middle")
    body += text(330, 28, "both work", "sans small", "middle")
    body += text(520, 28, "off; one command brings it back", "sans small", "middle")
    body += text(690, 28, "gone", "sans small", "middle")
    title = (
        "The new key is delivered, both work for a day; the old one is off for a week, then gone"
    )
    return svg(760, 196, title, body)


def main(arguments: Sequence[str]) -> int:
    """Draw, or with --check compare; return the exit status."""
    drawn = {
        "impersonation": impersonation(transcript()),
        "before-after": before_after(),
        "rotation": rotation(),
    }
    status = 0
    for name, picture in drawn.items():
        file = PICTURES / f"{name}.svg"
        if "--check" not in arguments:
            file.write_text(picture, "utf-8")
        elif not file.exists() or file.read_text("utf-8") != picture:
            sys.stderr.write(f"{file.name} is out of date; run: python docs/pictures.py\n")
            status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
