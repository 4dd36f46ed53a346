"""Check the links of built HTML pages without a network: every local address and anchor must exist.

Of addresses elsewhere only the scheme is looked at; that they lead somewhere is not checked.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ALLOWED = ("https", "mailto")


class Page(HTMLParser):
    """The anchors and the links of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect one element's anchor and address."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        address = found.get("href" if tag in ("a", "link") else "src")
        if address:
            self.links.append(address)


def check(root: Path) -> list[str]:
    """Return what is wrong with the links of the pages below a directory."""
    pages = {path: Page(path) for path in sorted(root.rglob("*.html"))}
    wrong = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if parts.scheme not in (*ALLOWED, "data"):
                    wrong.append(f"{path.relative_to(root)}: {link}: not https")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                wrong.append(f"{path.relative_to(root)}: {link}: there is no such file")
            elif parts.fragment and target.suffix == ".html":
                known = next((p.anchors for q, p in pages.items() if q.resolve() == target), set())
                if unquote(parts.fragment) not in known:
                    wrong.append(f"{path.relative_to(root)}: {link}: there is no such anchor")
    return wrong


def main() -> int:
    """Check the directory named on the command line."""
    root = Path(sys.argv[1])
    pages = len(list(root.rglob("*.html")))
    wrong = check(root)
    print("\n".join(wrong) or f"{pages} pages, every link leads somewhere")
    return 1 if wrong or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
