"""Judgments as flat tables: one row a judged answer, and one row a pair of answers that somebody compared.

The tables are kept in memory, and brought up to date by what the database's history has gained since. Columns of
``table``:

=================  ==================================================================================================
judgment_id        of the judgment; a judged item has several rows, one a candidate
kind               ``trial`` (judged on its own) or ``item`` (of a queue)
unit               uint64, the answer that was judged, whoever judged it; the same for a trial shown in a queue
query              uint64, its image and question
verdict, score     success, partly, failure; 2, 1, 0
tag_bits           bit n is set for ``ERROR_TAGS[n]``
cell, adapter      what the model was given of the neighbours, and its adapter (``base`` for none)
task               ``caption`` or ``vqa``
question_type      as the data set says, else the first two words of the question
similarity         of the nearest neighbour, -1 to 1; NaN where none was retrieved
judged             datetime64[ms], UTC, when it was first judged
=================  ==================================================================================================

and ``annotator domain queue question text correction note image_hash image_file trial_id item_id candidate key``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from raven_core.annotation_sources import cell_of
from raven_core.annotation_types import LETTERS
from raven_core.types import ERROR_TAGS, VERDICTS

Frame: TypeAlias = pd.DataFrame
Texts: TypeAlias = Any
"""A pandas Series of str."""

SCORES: Mapping[str, int] = {"success": 2, "partly": 1, "failure": 0}
CATEGORIES = ("kind", "verdict", "cell", "adapter", "task", "question_type", "domain", "annotator", "queue")
BASE_NAME = "base"

COLUMNS = (
    "judgment_id", "kind", "unit", "query", "verdict", "score", "tag_bits", "cell", "adapter", "task", "question_type",
    "domain", "similarity", "annotator", "queue", "judged", "question", "text", "correction", "note", "image_hash",
    "image_file", "trial_id", "item_id", "candidate", "key",
)  # fmt: skip

PAIR_COLUMNS = (
    "judgment_id", "unit", "query", "outcome", "first_cell", "second_cell", "first_adapter", "second_adapter",
    "first_text", "second_text", "blind", "tag_bits", "task", "question_type", "domain", "similarity", "annotator",
    "queue", "judged", "question", "correction", "note", "image_hash", "image_file", "item_id", "key",
)  # fmt: skip
"""``outcome``: first, second, both-good or both-bad; candidates in the order of the item, not as shown."""

_PAIR_CATEGORIES = (
    "outcome", "first_cell", "second_cell", "first_adapter", "second_adapter", "task", "question_type", "domain",
    "annotator", "queue",
)  # fmt: skip
_NO_VERDICT = len(VERDICTS)


def of_trials(raw: Frame) -> Frame:
    """The rows of judged trials, from what ``reading.trial_rows`` read."""
    frame = raw.copy()
    frame["kind"], frame["queue"], frame["item_id"], frame["key"], frame["candidate"] = "trial", "", None, "", 0
    frame["cell"] = _cells(raw)
    frame["tag_bits"] = _decoded(raw["tags"], bits_of).astype(np.uint16)
    frame["similarity"] = raw["image_similarity"].astype("float64").fillna(raw["any_similarity"].astype("float64"))
    frame["unit"] = hashed(raw["trial_id"])
    return _finished(frame)


def of_items(raw: Frame) -> Frame:
    """The rows of judged candidates, from what ``reading.item_rows`` read; those without a verdict are left out.

    Who pressed both-good or both-bad without verdicts has said success or failure of each.
    """
    numbers = raw["candidate"].to_numpy(dtype=np.int64)
    codes = _by_number(raw["verdicts"], numbers, lambda entry: _NO_VERDICT if entry is None else VERDICTS.index(entry))
    pressed = raw["preference"].to_numpy(dtype=object)
    silent = codes == _NO_VERDICT
    codes = np.where(silent & (pressed == "both-good"), VERDICTS.index("success"), codes)
    codes = np.where(silent & (pressed == "both-bad"), VERDICTS.index("failure"), codes)
    said = codes != _NO_VERDICT
    frame = raw[said].copy()
    frame["verdict"] = np.array(VERDICTS, dtype=object)[codes[said]]
    frame["tag_bits"] = _by_number(raw["tags"], numbers, bits_of)[said].astype(np.uint16)
    frame["kind"] = "item"
    names = frame["item_id"] + ":" + frame["candidate"].astype(str)
    frame["unit"] = hashed(frame["trial_id"].where(frame["trial_id"].notna(), names))
    return _finished(frame)


def of_pairs(raw: Frame) -> Frame:
    """The pairs of candidates that were compared, from what ``reading.item_rows`` read.

    A preferred candidate makes one pair with every other; both-good and both-bad speak of every pair.
    """
    side = ["judgment_id", "candidate", "cell", "adapter", "text", "similarity"]
    compared = raw[raw["preference"] != ""]
    second = compared[side].rename(columns={name: f"second_{name}" for name in side[1:]})
    frame = compared.rename(columns={"cell": "first_cell", "adapter": "first_adapter", "text": "first_text"})
    frame = frame.merge(second, on="judgment_id")
    frame = frame[frame["candidate"] < frame["second_candidate"]].reset_index(drop=True)
    preferred = frame["preferred"].astype("float64").to_numpy()
    one, two = frame["candidate"].to_numpy(dtype=float), frame["second_candidate"].to_numpy(dtype=float)
    tie = np.isnan(preferred)
    chosen = np.where(preferred == one, "first", "second").astype(object)
    frame["outcome"] = np.where(tie, frame["preference"].to_numpy(dtype=object), chosen)
    similarities = frame[["similarity", "second_similarity"]].astype("float64")
    frame["similarity"] = similarities.max(axis=1)
    numbers = [frame[name].to_numpy(dtype=np.int64) for name in ("candidate", "second_candidate")]
    frame["tag_bits"] = _either(frame["tags"], numbers)
    names = frame["item_id"] + ":" + frame["candidate"].astype(str) + ":" + frame["second_candidate"].astype(str)
    frame["unit"] = hashed(names)
    frame = frame[tie | (preferred == one) | (preferred == two)]
    for name in ("first_adapter", "second_adapter"):
        frame[name] = frame[name].fillna(BASE_NAME)
    frame["blind"] = frame["blind"].astype(bool)
    return categorised(_described(frame)[list(PAIR_COLUMNS)], _PAIR_CATEGORIES)


def joined(old: Frame, new: Frame) -> Frame:
    """Both, one after the other; categories of both are kept as categories."""
    if not len(old) or not len(new):
        return (new if len(new) else old).reset_index(drop=True)
    columns: dict[str, Any] = {}
    for name in old.columns:
        parts = [old[name], new[name]]
        if isinstance(old[name].dtype, pd.CategoricalDtype):
            columns[name] = pd.api.types.union_categoricals(parts)
        else:
            columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns)


def categorised(frame: Frame, names: Iterable[str] = CATEGORIES) -> Frame:
    """The frame with these columns as categories; what is missing becomes ""."""
    return frame.assign(**{name: frame[name].astype("str").fillna("").astype("category") for name in names})


def bits_of(tags: Iterable[str]) -> int:
    """Error tags as a number: bit n for ``ERROR_TAGS[n]``."""
    return sum(1 << ERROR_TAGS.index(tag) for tag in set(tags) if tag in ERROR_TAGS)


def tags_of(bits: int) -> list[str]:
    """The tags of such a number, in the order of ``ERROR_TAGS``."""
    return [tag for place, tag in enumerate(ERROR_TAGS) if bits >> place & 1]


def hashed(texts: Texts) -> npt.NDArray[np.uint64]:
    """A number for each text, the same for the same text everywhere."""
    return np.asarray(pd.util.hash_array(texts.to_numpy(dtype=object), categorize=False), dtype=np.uint64)


def query_hash(image_hash: Texts, question: Texts) -> npt.NDArray[np.uint64]:
    """A number for each image with its question."""
    return hashed(image_hash.fillna("").astype("str") + "\n" + question.fillna("\n").astype("str"))


def _finished(frame: Frame) -> Frame:
    frame["score"] = frame["verdict"].map(SCORES).astype(np.int8)
    frame["adapter"] = frame["adapter"].fillna(BASE_NAME)
    frame["similarity"] = frame["similarity"].astype("float64")
    return categorised(_described(frame)[list(COLUMNS)])


def _described(frame: Frame) -> Frame:
    """What follows from image, question and time alone."""
    asked = frame["question"].notna()
    frame["task"] = np.where(asked, "vqa", "caption")
    frame["query"] = query_hash(frame["image_hash"], frame["question"])
    told = frame["question_type"].fillna("")
    frame["question_type"] = told.where(told != "", _first_words(frame["question"]))
    frame["judged"] = (
        pd.to_datetime(frame["judged"], utc=True, format="ISO8601").dt.tz_localize(None).astype("datetime64[ms]")
    )
    for name in ("correction", "note"):
        frame[name] = frame[name].fillna("").astype("str")
    return frame


def _first_words(questions: Texts) -> Texts:
    codes, texts = pd.factorize(questions)
    words = np.array([" ".join(str(text).lower().split()[:2]) for text in texts] + ["caption"], dtype=object)
    return pd.Series(words[codes], index=questions.index)  # code -1, no question, takes the last


def _cells(raw: Frame) -> Texts:
    """The cell that each trial names, or the one that its settings amount to."""
    ways = raw[["named_cell", "modalities", "k", "adapter"]].astype("object")
    ways = ways.where(ways.notna(), None)
    codes, keys = pd.factorize(pd.Series(list(ways.itertuples(index=False, name=None)), dtype=object))
    found = [str(named) if named else _cell(modalities, k, adapter) for named, modalities, k, adapter in keys]
    return pd.Series(np.array([*found, ""], dtype=object)[codes], index=raw.index)


def _cell(modalities: str | None, k: Any, adapter: str | None) -> str:
    return cell_of(json.loads(modalities) if modalities else (), 1 if k is None else int(k), adapter)


def _decoded(texts: Texts, make: Any) -> npt.NDArray[np.int64]:
    """A number for each JSON text; each different text is decoded once."""
    codes, different = pd.factorize(texts)
    return np.array([make(json.loads(text)) for text in different] + [0], dtype=np.int64)[codes]


def _by_number(texts: Texts, numbers: npt.NDArray[np.int64], make: Any) -> npt.NDArray[np.int64]:
    """A number for the ``numbers``-th entry of each JSON list; each different text is decoded once."""
    codes, different = pd.factorize(texts)
    looked_up = np.zeros((len(different) + 1, len(LETTERS)), dtype=np.int64)
    for row, text in enumerate(different):
        entries = json.loads(text)
        looked_up[row, : len(entries)] = [make(entry) for entry in entries]
    return looked_up[codes, numbers]


def _either(texts: Texts, numbers: Iterable[npt.NDArray[np.int64]]) -> npt.NDArray[np.uint16]:
    found = np.zeros(len(texts), dtype=np.int64)
    for number in numbers:
        found |= _by_number(texts, number, bits_of)
    return found.astype(np.uint16)
