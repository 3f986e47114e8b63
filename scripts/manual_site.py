"""Writes the manual as pages into a folder: the chapters as the product shows them, in a frame of their own."""

import sys
from pathlib import Path

import jinja2

from bakery import __version__
from bakery.web.assets import FOLDER as STATIC
from bakery.web.manual import PARTS, Chapter, chapter
from bakery.web.presenters.help import help_parts

SHEETS = ("tokens", "base", "components", "tables", "pages", "manual")
ADDRESS = "{}.html"
FIRST = PARTS[0].keys[0]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in SHEETS:
        (folder / f"{sheet}.css").write_bytes((STATIC / f"{sheet}.css").read_bytes())
    (folder / "mark.svg").write_bytes((STATIC / "mark.svg").read_bytes())
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    frame = environment.get_template("manual_site.html")
    for part in PARTS:
        for key in part.keys:
            write(folder / ADDRESS.format(key), frame, chapter(key, ADDRESS))
    write(folder / "index.html", frame, chapter(FIRST, ADDRESS))
    print(f"The manual begins in {folder / 'index.html'}.")


def write(path: Path, frame: jinja2.Template, found: Chapter | None) -> None:
    if found is None:
        sys.exit(f"{path.stem} has no place in the manual.")
    parts = help_parts(ADDRESS, current=found.key)
    path.write_text(frame.render(chapter=found, parts=parts, sheets=SHEETS, version=__version__), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
