#!/usr/bin/env python3
"""Every link of a page leads to a file or a heading that is there. Addresses of the web are looked at, not opened."""
import os
import re
import sys
import urllib.parse

from markdown import page_of
from sources import ROOT, files, pages, report

# [text](target "title"), ![text](target), [name]: target, and HTML.
_LINK = re.compile(r"""\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)|^ {0,3}\[[^]^]+\]:\s*<?(\S+?)>?\s*$"""
                   r"""|<(?:a|img|source)\s[^>]*?(?:href|src|srcset)="([^"]+)\"""", re.M)


def links_of(page):
    """(line, target) of each."""
    text = page.text()
    for link in _LINK.finditer(text):
        yield text.count("\n", 0, link.start()), next(filter(None, link.groups()))


def problem_of(name, target):
    """What is wrong with a link, or None."""
    parts = urllib.parse.urlsplit(target)
    if parts.scheme or target.startswith("//"):
        is_good = (parts.scheme in ("http", "https") and "." in parts.netloc) or (
            parts.scheme == "mailto" and "@" in parts.path)
        return None if is_good else "is no address"
    path = name
    if parts.path:
        path = os.path.normpath(os.path.join(os.path.dirname(name), urllib.parse.unquote(parts.path)))
        if path.startswith("../") or not (path in files() or (ROOT / path).is_dir()):
            return "is not there"
    if not parts.fragment:
        return None
    if path.endswith(".md"):
        return None if urllib.parse.unquote(parts.fragment) in page_of(path).anchors() else "has no such heading"
    line = re.fullmatch(r"L(\d+)(?:-L\d+)?", parts.fragment)
    return None if line and int(line[1]) <= (ROOT / path).read_text().count("\n") else "has no such line"


def main():
    found, count = [], 0
    for name in pages():
        for line, target in links_of(page_of(name)):
            count += 1
            if problem := problem_of(name, target):
                found.append(f"{name}:{line}: {target} {problem}")
    return report(found, f"links: {count} in {len(pages())} pages lead somewhere")


if __name__ == "__main__":
    sys.exit(main())
