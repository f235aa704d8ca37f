"""What the documentation site needs besides its pages: links out of docs/, and llms.txt."""

import posixpath
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
_PAGES: list[tuple[str, str, str]] = []


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Return a page's text in which links to files of the repository lead to the repository.

    On its own page at GitHub, `../examples/` is right; the site has docs/ alone.
    """
    folder = posixpath.dirname(page.file.src_uri)

    def absolute(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, link[1]))
        if path.startswith("docs/"):
            return link[0]
        return f"]({config['repo_url']}/blob/main/{path}{link[2] or ''})"

    title = page.title or page.file.src_uri
    paragraphs = [p for p in markdown.split("\n\n") if p[:1].isalnum() or p[:1] in "`*"]
    text = paragraphs[0] if paragraphs else str(title)
    summary = " ".join(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).split())
    _PAGES.append((page.canonical_url, title, summary))
    return _LINK.sub(absolute, markdown)


def on_post_page(output: str, **_: Any) -> str:
    """Return the page with a name for the theme's search dialog, which a screen reader says."""
    return output.replace('role="dialog"', 'role="dialog" aria-label="Search"')


def on_post_build(config: Any, **_: Any) -> None:
    """Write llms.txt: the pages, each with its first paragraph, for programs that read."""
    lines = [f"# {config['site_name']}", "", f"> {config['site_description']}", "", "## Pages", ""]
    lines += [f"- [{title}]({url}): {summary}" for url, title, summary in _PAGES]
    Path(config["site_dir"], "llms.txt").write_text("\n".join(lines) + "\n", "utf-8")
