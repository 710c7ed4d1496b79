"""The public address is written once, in pyproject.toml; every link derives from it."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
TEXTS = [*ROOT.glob("*.md"), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
HOSTS = r"github\.com|github\.io|githubusercontent\.com|mybinder\.org|nbviewer\.\w+"
LINK = re.compile(rf"[\w.:/@-]*(?:{HOSTS})[^\s\\\"'`<>()\[\]]*")


def foreign_links(text: str, repository: str) -> list[str]:
    """The links to GitHub, Binder and nbviewer that lead elsewhere than to `repository`."""
    name = repository.removeprefix("https://github.com/")
    ours = [
        repository,
        f"https://mybinder.org/v2/gh/{name}",
        f"https://nbviewer.org/github/{name}",
        f"https://raw.githubusercontent.com/{name}",
        "https://mybinder.org/badge_logo.svg",
    ]
    own = re.compile(rf"({'|'.join(map(re.escape, ours))})(\.git|[/?#].*)?")
    return [
        link
        for link in (found.rstrip(".,;:!") for found in LINK.findall(text))
        if not own.fullmatch(link)
    ]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_derive_from_the_one_address(path):
    assert foreign_links(path.read_text(encoding="utf-8"), REPOSITORY) == []


@pytest.mark.parametrize(
    "text",
    [
        "git clone https://github.com/me/it.git",
        "[code](https://github.com/me/it), see https://github.com/me/it.",
        '"[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/me/it/HEAD)\\n"',
        "https://nbviewer.org/github/me/it/blob/main/notebooks/00-start-here.ipynb",
        "https://raw.githubusercontent.com/me/it/main/picture.png",
        "GitHub and nbviewer show the notebooks; the documentation is on https://docs.jax.dev",
    ],
)
def test_own_links_pass(text):
    assert foreign_links(text, "https://github.com/me/it") == []


@pytest.mark.parametrize(
    "link",
    [
        "https://github.com/other/it",
        "https://github.com/me/it2",
        "http://github.com/me/it",
        "git@github.com:other/it.git",
        "https://mybinder.org/v2/gh/other/it/HEAD",
        "https://nbviewer.org/github/other/it/blob/main/a.ipynb",
        "https://nbviewer.jupyter.org/github/me/it",
        "https://raw.githubusercontent.com/other/it/main/a.png",
        "https://other.github.io/it",
    ],
)
def test_foreign_links_are_found(link):
    assert foreign_links(f"see [this]({link}), or ask", "https://github.com/me/it") == [link]
