"""Write the reference, a page per public module, to docs/_build."""

from __future__ import annotations

import warnings
from pathlib import Path

import pdoc

ROOT = Path(__file__).resolve().parent


def main() -> None:
    """Build the pages."""
    # pdoc reports re-exported names of compiled libraries it cannot inspect; they are not ours.
    warnings.simplefilter("ignore")
    pdoc.render.configure(docformat="google", footer_text="DeepHealth", search=True)
    pdoc.pdoc("dhtask", "dhcore", "!dhtask._", "!dhcore._", output_directory=ROOT / "_build")
    print(f"{len(list((ROOT / '_build').rglob('*.html')))} pages in {ROOT / '_build'}")


if __name__ == "__main__":
    main()
