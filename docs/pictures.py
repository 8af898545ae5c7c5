"""Makes the README's pictures anew: the demo's leaderboard, a report, and the dashboard as Chromium shows it.

    python -m docs.pictures [STORAGE] [STUDY]

Of a finished study; by default the one that `make demo` leaves. Needs Debian's `chromium`, playwright and
matplotlib (both of the extra `dev`).
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console

from search.showing.savings import told
from search.showing.tables import leaderboard_table
from studies.report.write import write_plot, write_report
from studies.store import StudyStore
from studies.store.readonly import ReadOnlyStore
from studies.verdicts.leaderboard import build_leaderboard, conclusion
from studies.verdicts.savings import savings

REPO = Path(__file__).parents[1]
OUT = REPO / "docs" / "pictures"
DEMO = "sqlite:///crucible-demo/crucible.db"
CHROMIUM = "/usr/bin/chromium"
MOST_BYTES = 150_000
COLOURS = 96
PLOTS = ("curve", "optimism", "weights")


def main(storage: str = DEMO, study: str = "tiny") -> None:
    """Write every picture into docs/pictures/."""
    OUT.mkdir(exist_ok=True)
    with ReadOnlyStore(storage) as store, tempfile.TemporaryDirectory() as folder:
        number = store.study(study)
        for kind in PLOTS:
            write_plot(store, study, kind, OUT / f"{kind}.svg")
        terminal(store, study, REPO / "docs" / "demo.svg")
        page = write_report(store, study, Path(folder) / "report.html", "html").path.as_uri()
        with sync_playwright() as playwright, served(storage) as url:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for scheme, ending in (("light", ""), ("dark", "-dark")):
                picture(browser, page, f"report{ending}", scheme, 1000, 1080)
            picture(browser, url, "studies", "light", 1100, 560)
            picture(browser, f"{url}/studies/{number}", "study", "light", 1100, 1080)
            picture(browser, f"{url}/studies/{number}", "study-phone", "dark", 390, 844)
            picture(browser, f"{url}/studies/{number}/slices", "slices", "light", 1100, 900)
            browser.close()
    for file in sorted(OUT.iterdir()):
        print(f"{file.relative_to(REPO)}  {file.stat().st_size:,} bytes")


def terminal(store: StudyStore, study: str, file: Path) -> None:
    """What `make demo` prints at its end: the judged candidates, and what is proven."""
    rows, saved = build_leaderboard(store, study), savings(store, store.study(study))
    screen = Console(record=True, width=121, file=io.StringIO())
    screen.print("$ make demo\n", leaderboard_table([row for row in rows if row.holdout], study))
    screen.print(conclusion(rows), *([told(saved)] if saved else []), sep="\n", highlight=False)
    screen.save_svg(str(file), title="crucible demo")


@contextmanager
def served(storage: str) -> Iterator[str]:
    """The dashboard's address, while it runs."""
    command = [sys.executable, "-m", "search", "dashboard", "--storage", storage, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPO) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline().split()
            yield next(word for word in said if word.startswith("http")).rstrip("/")
        finally:
            process.terminate()


def picture(browser: Any, url: str, name: str, scheme: str, width: int, height: int) -> None:
    """The top of a page, in few colours, which text and charts don't miss."""
    size = {"width": width, "height": height}
    page = browser.new_page(viewport=size, color_scheme=scheme, device_scale_factor=1.5)
    page.goto(url)
    page.wait_for_timeout(1500)  # charts draw themselves after the page is there
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    place = OUT / f"{name}.png"
    image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(place, optimize=True)
    assert place.stat().st_size <= MOST_BYTES, f"{place}: {place.stat().st_size:,} bytes"


if __name__ == "__main__":
    main(*sys.argv[1:])
