"""What is filtered, as files: tables, result files, preference pairs, training data, a regression suite, a report."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from raven_core import prompting
from raven_core.analysis import report, suites
from raven_core.analysis.filters import Filters
from raven_core.analysis.flat import Frame, tags_of
from raven_core.analysis.gallery import plain
from raven_core.analysis.reading import pairs, table
from raven_core.errors import OptionError, StoreError
from raven_core.judgments import JudgmentStore
from raven_core.judgments_export import guard_cell

COLUMNS = (
    "judgment_id", "verdict", "tags", "correction", "note", "annotator", "judged", "kind", "queue", "trial_id",
    "item_id", "candidate", "key", "task", "question", "question_type", "domain", "cell", "adapter", "similarity",
    "text", "image_hash", "image_file",
)  # fmt: skip
"""Columns of the tables; missing values are empty in CSV, null elsewhere."""

FILES = ("csv", "jsonl", "parquet", "html")
FOLDERS = ("coco", "vqa", "preferences", "corrections", "regression")
FORMATS = (*FILES, *FOLDERS)


def export(
    store: JudgmentStore, filters: Filters, format: str, out: str | Path, words: Mapping[str, str] | None = None
) -> int:
    """Write what the filters keep, whole or not at all.

    ====================  =========================================================================================
    csv jsonl parquet     a file: one row a judged answer; CSV cells are made safe for spreadsheets
    html                  a file: the report with its pictures
    coco vqa              result files ``[{image_id, caption}]`` or ``[{question_id, answer}]``, one a cell and adapter
    preferences           ``preferences.jsonl`` (``prompt, chosen, rejected, images``) and the pictures
    corrections           questions and captions with the corrected answers, in VQA v2 and COCO layout, and the pictures
    regression            the same, and the answers judged success: what ``evaluate`` should go on getting right
    ====================  =========================================================================================

    Params:
        out: the file; for the lower five a folder that is new or empty, or a file that ends in ``.zip``.
        words: of the report, in another language; see ``report.WORDS``.
    Returns:
        How many rows, results, pairs or cases were written.
    Raises:
        OptionError: the format is unknown, or the folder is not empty.
        StoreError: it cannot be written, or a picture is gone.
    """
    if format not in FORMATS:
        raise OptionError(f"Unknown export format {format!r}: use {', '.join(FORMATS)}.")
    target = Path(out)
    try:
        return (
            _file(store, filters, format, target, words) if format in FILES else _folder(store, filters, format, target)
        )
    except OSError as error:
        raise StoreError(f"{str(out)!r} cannot be written ({error}): check the folder.") from error


def plain_table(frame: Frame) -> Frame:
    """The rows of a table as they are exported: tags as lists, times as ISO 8601, no numbers of ours."""
    told = frame.assign(
        tags=[tags_of(int(bits)) for bits in frame["tag_bits"]],
        judged=frame["judged"].dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str[:-3] + "+00:00",
    )[list(COLUMNS)]
    return told.assign(**{name: told[name].astype("str") for name in told if told[name].dtype == "category"})


def preferences(duels: Frame) -> Iterable[dict[str, Any]]:
    """Pairs of which one was preferred as ``prompt, chosen, rejected, images``; one a pair, outvoted ones left out.

    ``prompt`` is the instruction the model was given, without neighbours; ``images`` names the query's file.
    """
    decided = duels[duels["outcome"].isin(["first", "second"])]
    for _, votes in decided.groupby("unit", sort=False):
        lead = int((votes["outcome"] == "first").sum()) * 2 - len(votes)
        row = votes.iloc[0]
        if lead and row["first_text"] != row["second_text"]:
            won, lost = ("first", "second") if lead > 0 else ("second", "first")
            yield {
                "prompt": prompting.instruction(plain(row["question"])),
                "chosen": row[f"{won}_text"],
                "rejected": row[f"{lost}_text"],
                "images": [] if plain(row["image_file"]) is None else [f"images/{row['image_file']}"],
            }


def _file(store: JudgmentStore, filters: Filters, format: str, out: Path, words: Mapping[str, str] | None) -> int:
    frame = filters.apply(table(store))
    temporary = out.with_name(out.name + ".tmp")
    try:
        if format == "html":
            temporary.write_text(report.html_report(store, filters, words), encoding="utf-8")
        else:
            _WRITERS[format](plain_table(frame), temporary)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return len(frame)


def _folder(store: JudgmentStore, filters: Filters, format: str, out: Path) -> int:
    if out.is_dir() and any(out.iterdir()):
        raise OptionError(f"{str(out)!r} is not empty: name another folder, or a file that ends in .zip.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as made:
        folder = Path(made) / "export"
        folder.mkdir()
        count = _filled(store, filters, format, folder)
        if out.suffix.lower() == ".zip":
            archive = shutil.make_archive(str(Path(made) / "archive"), "zip", folder)
            Path(archive).replace(out)
        else:
            folder.replace(out)
    return count


def _filled(store: JudgmentStore, filters: Filters, format: str, folder: Path) -> int:
    if format == "preferences":
        found = list(preferences(filters.apply(pairs(store))))
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in found)
        (folder / "preferences.jsonl").write_text(text, encoding="utf-8", newline="\n")
        for name in sorted({name for entry in found for name in entry["images"]}):
            suites.copy_picture(store, Path(name).name, folder / name)
        return len(found)
    frame = filters.apply(table(store))
    if format in ("coco", "vqa"):
        return suites.write_results(frame, "caption" if format == "coco" else "vqa", folder)
    return suites.write_suite(store, frame, folder, with_successes=format == "regression")


def _write_csv(frame: Frame, path: Path) -> None:
    safe = frame.assign(tags=[";".join(tags) for tags in frame["tags"]])
    texts = [name for name in safe if name not in ("candidate", "similarity", "judged")]
    guarded = {
        name: [guard_cell(str(text)) if plain(text) is not None else "" for text in safe[name]] for name in texts
    }
    safe.assign(**guarded).to_csv(path, index=False, encoding="utf-8", lineterminator="\r\n")


def _write_jsonl(frame: Frame, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in frame.to_dict("records"):
            file.write(json.dumps({str(name): plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n")


def _write_parquet(frame: Frame, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"tags": pa.list_(pa.string()), "candidate": pa.int64(), "similarity": pa.float64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    columns = [pa.array([plain(value) for value in frame[field.name]], type=field.type) for field in schema]
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), str(path))


_WRITERS: Mapping[str, Callable[[Frame, Path], None]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
}
