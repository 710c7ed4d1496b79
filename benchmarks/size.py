"""How large the package is: python benchmarks/size.py

Lines of Python and JavaScript, as they are (these are what the budgets count) and without blank
lines, comments and docstrings, and the longest functions without their docstrings.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[1] / "dlcompanion"
BUDGETS = {"package": 8000, "live": 900}
LONGEST, LONGEST_BUILDER = 30, 60  # lines; a builder makes an explorer or an exercise
NUM_SHOWN = 12
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
          tokenize.ENDMARKER}  # fmt: skip
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Function(NamedTuple):
    length: int
    limit: int
    place: str


def docstring_lines(node: ast.AST) -> set[int]:
    if not isinstance(node, DOCUMENTED) or ast.get_docstring(node) is None:
        return set()
    return set(range(node.body[0].lineno, node.body[0].end_lineno + 1))


def python_code_lines(text: str) -> int:
    used = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            used.update(range(token.start[0], token.end[0] + 1))
    return len(used.difference(*map(docstring_lines, ast.walk(ast.parse(text)))))


def javascript_code_lines(text: str) -> int:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    lines = map(str.strip, text.splitlines())
    return sum(bool(line) and not line.startswith("//") for line in lines)


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1 - len(docstring_lines(node))
            builder = getattr(node.returns, "id", "") in ("Explorer", "Exercise")
            place = f"{path.relative_to(PACKAGE.parent)}:{node.lineno} {node.name}"
            yield Function(length, LONGEST_BUILDER if builder else LONGEST, place)


def count() -> dict[str, list[int]]:
    """Return lines and lines of code by folder; exercises count on their own."""
    sizes = defaultdict(lambda: [0, 0])
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.js")]):
        text = path.read_text(encoding="utf-8")
        code = python_code_lines(text) if path.suffix == ".py" else javascript_code_lines(text)
        parts = path.relative_to(PACKAGE).parts
        folder = parts[0] if len(parts) > 1 else "(base)"
        exercises = path.name == "exercises.py"
        for row in ["exercises.py"] if exercises else [folder, "package"]:
            sizes[row][0] += len(text.splitlines())
            sizes[row][1] += code
    return sizes


def main() -> None:
    sizes = count()
    print(f"{'':24}{'lines':>8}{'of code':>9}{'budget':>8}")
    for name in sorted(sizes, key=lambda name: (name in ("package", "exercises.py"), name)):
        lines, code = sizes[name]
        budget = BUDGETS.get(name)
        verdict = "" if not budget else f"{budget:8}  {'within' if lines <= budget else 'OVER'}"
        print(f"{name:24}{lines:8}{code:9}{verdict}")
    print("\nThe longest functions, without their docstrings:")
    found = [function for path in PACKAGE.rglob("*.py") for function in functions(path)]
    for length, limit, place in sorted(found, reverse=True)[:NUM_SHOWN]:
        print(f"{length:5} {place}{'' if length <= limit else f'  OVER {limit}'}")


if __name__ == "__main__":
    main()
