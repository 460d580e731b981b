"""A preprocessor of mdBook: relative links that leave docs/ lead to the repository on GitHub. The pages themselves keep links that GitHub
follows."""

import json
import posixpath
import re
import sys

REPOSITORY = "https://github.com/braid-graphql/braid"
# A link in the text, or the definition of one.
LINK = re.compile(r"(?P<before>\]\(|^\[[^\]]+\]: *)(?P<path>\.\.?/[^)#\s]*)", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def rewrite(text, page):
    """`page`: the path of the page below docs/."""

    def link(match):
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), match["path"]))
        if path.startswith("docs/"):
            return match[0]
        return f"{match['before']}{REPOSITORY}/blob/main/{path}"

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
