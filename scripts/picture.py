"""Take the pictures: one explorer of every chapter, and the canyon in JupyterLab as moved."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import dlcompanion  # noqa: E402
from tests.browser.lab import Lab, LabServer, chromium  # noqa: E402

NOTEBOOK = "04-numerical-computation.ipynb"
SHOWN = {  # of each chapter's explorers, and where it is
    "linear_algebra.pca": {"angle": 130},
    "probability.kl_asymmetry": {},
    "numerical_computation.canyon": {},
    "machine_learning.capacity": {},
    "feedforward_networks.xor": {"w2": -2.0},
    "regularization.dropout": {},
    "optimization.arena": {},
}


def store_pictures() -> None:
    """Write a PNG file for every chapter, which README and the start notebook show."""
    folder = ROOT / "notebooks" / "pictures"
    folder.mkdir(exist_ok=True)
    for name, settings in SHOWN.items():
        explorer = dlcompanion.explorers()[name]()
        explorer.set(**settings)
        (folder / f"{name.split('.')[1]}.png").write_bytes(explorer.png())


def main() -> None:
    store_pictures()
    with (
        LabServer(ROOT / "notebooks") as server,
        chromium() as browser,
        Lab(server, browser, device_scale_factor=2) as lab,
    ):
        lab.open(NOTEBOOK)
        lab.run_all()
        card = lab.page.locator(".dlc-explorer", has_text="How long may a step be").first
        card.scroll_into_view_if_needed()
        slider = card.get_by_role("slider").first
        for _ in range(6):  # a canyon twice as long
            slider.press("ArrowRight")
        lab.idle()
        lab.page.evaluate("document.activeElement.blur()")
        card.screenshot(path=ROOT / "docs" / "canyon.png")


if __name__ == "__main__":
    main()
