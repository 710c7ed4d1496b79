"""Markdown with LaTeX to HTML: as much as the texts of exercises need."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

_CSS = Path(__file__).with_name("practice.css").read_text(encoding="utf-8")
STYLE = f"<style>{_CSS}</style>"
_SPAN = re.compile(
    r"```\w*\n(?P<block>.*?)```|(?P<tex>\$\$.+?\$\$|\$[^$]+\$)|`(?P<code>[^`]+)`"
    r"|\*\*(?P<strong>.+?)\*\*|\*(?P<em>[^*\s][^*]*)\*",
    re.DOTALL,
)


def render(markdown: str) -> str:
    """Return paragraphs of HTML; formulas are left for MathJax, code is out of its reach."""
    return "".join(f"<p>{inline(part)}</p>" for part in re.split(r"\n\s*\n", markdown.strip()))


def inline(markdown: str) -> str:
    """Return the HTML of one paragraph."""
    result, last = "", 0
    for match in _SPAN.finditer(markdown):
        result += html.escape(markdown[last : match.start()], quote=False)
        kind, last = match.lastgroup, match.end()
        text = html.escape(match[kind], quote=False)
        if kind == "tex":
            result += text
        elif kind == "block":
            result += code(match[kind])
        else:
            result += f"<{kind}>{inline(match[kind]) if kind != 'code' else text}</{kind}>"
    return result + html.escape(markdown[last:], quote=False)


def code(source: str) -> str:
    """Return a block of code as HTML."""
    return f"<pre><code>{html.escape(source.strip(), quote=False)}</code></pre>"


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Return labelled values as an aligned table, or nothing."""
    lines = "".join(
        f"<tr><th>{html.escape(label)}</th><td>{code(value)}</td></tr>" for label, value in rows
    )
    return f"<table>{lines}</table>" if rows else ""


def notice(note: str) -> str:
    """Return a small line for what the reader should know beside the matter, or nothing."""
    return f"<p class='dlc-notice'>{html.escape(note)}</p>" if note else ""
