"""A preprocessor of mdBook: makes links that GitHub follows into links that the site has. Relative links that leave docs/ lead to the
repository; README.md, which GitHub shows for its folder, is the folder's index page."""

import json
import posixpath
import re
import sys
from pathlib import Path

REPOSITORY = "https://github.com/braid-graphql/braid"
ROOT = Path(__file__).resolve().parent.parent
# A relative link in the text, without its anchor.
LINK = re.compile(r"(?<=\]\()(?![a-z]+:)[^)#\s]+")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def rewrite(text, page):
    """`page`: the path of the page below docs/."""

    def link(match):
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), match[0]))
        if path.startswith("docs/"):
            return re.sub(r"\bREADME\.md$", "index.md", match[0])
        return f"{REPOSITORY}/{'tree' if (ROOT / path).is_dir() else 'blob'}/main/{path}"

    parts, end = [], 0
    for code in FENCED.finditer(text):
        parts += [LINK.sub(link, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join(parts) + LINK.sub(link, text[end:])


def rewrite_all(items):
    for item in items:
        if isinstance(item, dict) and "Chapter" in item:
            chapter = item["Chapter"]
            chapter["content"] = rewrite(chapter["content"], chapter["source_path"] or chapter["path"])
            rewrite_all(chapter["sub_items"])


if sys.argv[1:2] != ["supports"]:
    _, book = json.load(sys.stdin)
    rewrite_all(book["items"])
    json.dump(book, sys.stdout)
