"""RAVEN on real photos, from the data to a measured profile.

    python -m finetune.photos --data ../shared/data --out build/photos

Resumable: a stage that is done is not done again, and one that was interrupted goes on from its checkpoint.
docs/photos.md describes the stages.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from finetune.photos.build import PhotoBuild
from finetune.photos.corpus import DataMissingError, check_data
from finetune.photos.recipe import PhotoRecipe, tiny_recipe

OUT = Path(__file__).resolve().parents[2] / "build" / "photos"


def main(argv: list[str] | None = None) -> None:
    """Builds and measures; leaves with status 2 where the data is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m finetune.photos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with flickr8k, daquar and weights")
    parser.add_argument("--out", type=Path, default=OUT, help="the profile's folder (default: build/photos)")
    parser.add_argument("--until", metavar="STAGE", help="stop after this stage")
    parser.add_argument("--tune", action="store_true", help="try the adapters' learning rates on held-out photos first")
    parser.add_argument("--tiny", action="store_true", help="the same stages in minutes, to test the build itself")
    parser.add_argument("--fresh", action="store_true", help="forget what was built before")
    options = parser.parse_args(argv)
    try:
        check_data(options.data)
    except DataMissingError as error:
        parser.error(str(error))
    recipe = tiny_recipe() if options.tiny else PhotoRecipe()
    build = PhotoBuild(recipe, options.data.resolve(), options.out, options.tune)
    if options.until is not None and options.until not in build.stages():
        parser.error(f"there is no stage {options.until!r}: use one of {', '.join(build.stages())}")
    if options.fresh:
        shutil.rmtree(build.work, ignore_errors=True)
    if not build.begun_alike():
        parser.error(f"{options.out} was begun with another recipe or other data: add --fresh, or take another --out")
    build.run(options.until)
    total = sum(record["seconds"] for record in build.records().values())
    print(f"Built in {total / 60:.0f} minutes: {options.out}")


if __name__ == "__main__":
    main()
