"""Take the README's picture: the canyon in JupyterLab, after a reader has moved it."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.lab import Lab, LabServer, chromium  # noqa: E402

NOTEBOOK = "04-numerical-computation.ipynb"


def main() -> None:
    with (
        LabServer(ROOT / "notebooks") as server,
        chromium() as browser,
        Lab(server, browser, device_scale_factor=2) as lab,
    ):
        lab.open(NOTEBOOK)
        lab.run_all()
        card = lab.page.locator(".dlc-explorer").first
        card.scroll_into_view_if_needed()
        slider = card.get_by_role("slider").first
        for _ in range(6):  # a canyon twice as long
            slider.press("ArrowRight")
        lab.idle()
        lab.page.evaluate("document.activeElement.blur()")
        card.screenshot(path=ROOT / "docs" / "canyon.png")


if __name__ == "__main__":
    main()
