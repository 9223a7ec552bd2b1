"""``python -m raven_core``: ask about an image, measure what retrieval does, export judgments."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from raven_core.cli_evaluate import add_commands
from raven_core.cli_output import hush
from raven_core.errors import RavenError
from raven_core.request import check_question
from raven_core.settings import Settings
from raven_core.types import NEAREST_FIRST, NEAREST_LAST, Generation
from raven_core.version import __version__

FORMATS = ("csv", "jsonl", "parquet")
_SETTING_FLAGS = (
    "profile",
    "k",
    "modalities",
    "adapter",
    "order",
    "question_weight",
    "drop_duplicates",
    "seed",
    "max_new_tokens",
    "device",
    "data_dir",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it worked, 2 with one line on stderr when RAVEN refused."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except RavenError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def ask(options: argparse.Namespace) -> None:
    """Print the answer, or with ``--json`` the whole record."""
    settings = _settings(options)
    check_question(options.question)  # before the models load
    hush()
    from raven_core.pipeline import Raven

    generation = Raven.load(settings=settings).answer(options.image, options.question, exclude_ids=options.exclude)
    print(json.dumps(record(generation), ensure_ascii=False) if options.json else described(generation))


def export_judgments(options: argparse.Namespace) -> None:
    """Write the judgments to a file and say how many."""
    from raven_core.judgments import JudgmentStore

    count = JudgmentStore.from_settings(_settings(options)).export(options.format, options.out)
    print(f"{count} judgments written to {options.out}")


def record(generation: Generation) -> dict[str, Any]:
    """An answer as plain values: text, confidence, neighbours, modalities, model, adapter, seconds."""
    return {
        "text": generation.text,
        "confidence": round(generation.confidence, 6),
        "neighbours": [
            {"id": entry.id, "caption": entry.caption, "similarity": entry.similarity, "rank": entry.rank}
            for entry in generation.neighbours
        ],
        "modalities": sorted(generation.modalities),
        "model": generation.model,
        "adapter": generation.adapter,
        "seconds": round(generation.timings["total"], 3),
    }


def described(generation: Generation) -> str:
    """An answer for people: its text, then a line for each neighbour."""
    lines = [
        f"  {entry.rank}. {entry.similarity:.2f}  {entry.caption or '(no caption)'}  [{entry.id}]"
        for entry in generation.neighbours
    ]
    return "\n".join([generation.text, *lines])


def _settings(options: argparse.Namespace) -> Settings:
    return Settings.load(flags={name: getattr(options, name, None) for name in _SETTING_FLAGS})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m raven_core", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_ask(commands.add_parser("ask", help="caption an image, or answer a question about it"))
    add_commands(commands)
    judgments = commands.add_parser("judgments", help="what people judged")
    export = judgments.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "export", help="write them to a file"
    )
    export.add_argument("--format", choices=FORMATS, default="csv")
    export.add_argument("--out", required=True, metavar="FILE")
    export.add_argument("--data-dir", metavar="DIR", help="where judgments.db is (default: data, or RAVEN_DATA_DIR)")
    export.set_defaults(run=export_judgments)
    return parser


def _add_ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="an image file")
    parser.add_argument("--question", metavar="Q", help="leave it out for a caption")
    parser.add_argument("--k", type=int, metavar="N", help="neighbours to retrieve, 0 to 10")
    parser.add_argument(
        "--modalities", metavar="M", help="what of them the model is given: image,text or image or text or none"
    )
    parser.add_argument("--adapter", metavar="A", help="an adapter of the profile, or base")
    parser.add_argument("--profile", metavar="P", help="name or folder of a profile")
    parser.add_argument("--order", metavar="O", help=f"{NEAREST_LAST} or {NEAREST_FIRST}")
    parser.add_argument(
        "--question-weight", type=float, metavar="W", help="share of the question in the search, 0 to 1"
    )
    parser.add_argument("--exclude", action="append", default=[], metavar="ID", help="a pair that must not come back")
    parser.add_argument(
        "--keep-duplicates", dest="drop_duplicates", action="store_false", default=None,
        help="let pairs come back whose image is this image again",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, metavar="S")
    parser.add_argument("--max-new-tokens", type=int, metavar="N")
    parser.add_argument("--device", metavar="D", help="cpu, cuda ... (default: a GPU where there is one)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=ask)
