"""python -m finetune.fieldguide export --split in-domain --n 100 --seed 1 --out DIR"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from finetune.fieldguide.export import export
from finetune.fieldguide.species import DOMAINS
from raven_core.errors import RavenError


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("export", help="write pictures, captions and questions of one split")
    parser.add_argument("--split", required=True, help=f"one of {', '.join(DOMAINS)}")
    parser.add_argument("--n", type=int, required=True, help="number of pictures, 1 or more")
    parser.add_argument("--seed", type=int, required=True, help="other seeds give other pictures")
    parser.add_argument("--out", type=Path, required=True, help="an empty or new folder")
    parser.add_argument("--size", type=int, default=256, help="width and height in pixels (default 256)")
    parser.add_argument("--force", action="store_true", help="replace an earlier export in --out")
    parser.set_defaults(run=_run_export)


def _run_export(options: argparse.Namespace) -> None:
    export(options.split, options.n, options.seed, options.out, options.size, options.force)
    print(f"Wrote {options.n} pictures of {options.split} to {options.out}")


# A further command is one function here that adds its parser and sets `run`.
_COMMANDS = (_add_export,)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 with one line on stderr when it was refused."""
    parser = argparse.ArgumentParser(prog="python -m finetune.fieldguide", description="The Field Guide as data.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in _COMMANDS:
        add(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except RavenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
