"""``make mwaa``: write requirements.txt and plugins.zip for a chosen Amazon MWAA version."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from image import own
from image.catalogue import NEWEST_IMAGE, UnsupportedError, find
from image.constraints import ConstraintsError
from image.package import check_package, requirements_text, write_package
from image.wheel import ROOT, expected_wheel


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--airflow", default=NEWEST_IMAGE.airflow, help="Airflow version of the environment")
    parser.add_argument("--python", help="Python minor version; refused if the image has another")
    parser.add_argument("--wheel", type=Path, help="the wheel (default: the one in dist/)")
    parser.add_argument("--output", type=Path, help="folder (default: dist/mwaa/<Airflow version>)")
    parser.add_argument("--requirements", type=Path, help="your own requirements, added to ours")
    parser.add_argument(
        "--plugins", type=Path, help="a folder with your own plugins and wheels, added to ours"
    )
    parser.add_argument("--offline", action="store_true", help="stage the variant for no internet access")
    parser.add_argument("--stage", action="store_true", help="copy both to dist/, where deploy.sh takes them")
    parser.add_argument(
        "--print", action="store_true", help="print the requirements.txt of the usual variant, write nothing"
    )
    parser.add_argument("--check", action="store_true", help="only check the files that are there")
    return parser.parse_args()


def main() -> int:
    """Write or check the files; 2 with one message if an input cannot work."""
    options = parse_arguments()
    try:
        image = find(options.airflow, options.python)
        folder = options.output or ROOT / "dist" / "mwaa" / image.airflow
        if options.check:
            check_package(folder, image)
            print(f"{folder}: the files fit Airflow {image.airflow} on Python {image.python}.")
            return 0
        if options.print:
            print(requirements_text(image, expected_wheel(), offline=False), end="")
            return 0
        added = {"own_requirements": options.requirements, "own_plugins": options.plugins}
        made = list(write_package(image, options.wheel, folder, offline=False, **added))
        try:
            made += write_package(image, options.wheel, folder / "offline", offline=True, **added)
        except ConstraintsError as error:
            shutil.rmtree(folder / "offline", ignore_errors=True)  # it would be of an earlier run
            if options.offline:
                raise UnsupportedError(str(error)) from error
            print(f"Left out the variant for environments without internet access: {error}", file=sys.stderr)
        if options.requirements:
            for line in own.read(options.requirements, options.offline).dropped:
                print(line, file=sys.stderr)
    except UnsupportedError as error:
        print(f"make mwaa: {error}", file=sys.stderr)
        return 2
    if options.stage:
        for path in [path for path in made if (path.parent.name == "offline") == options.offline]:
            made.append(Path(shutil.copyfile(path, ROOT / "dist" / path.name)))
    for path in made:
        print(f"{path} ({path.stat().st_size:,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
