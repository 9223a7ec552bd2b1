"""Tables of the judgment database: trials and judgments; queues, their items and what was said about them."""

from __future__ import annotations

import sqlalchemy as sa

SCHEMA_VERSION = 3
"""1: trials, judgments. 2: queues, items, candidates, comparisons; judgments are indexed by their last change.
3: what is said about items has an owner, who may delete it."""

metadata = sa.MetaData()

meta = sa.Table(
    "meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)

trials = sa.Table(
    "trials",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created", sa.Text, nullable=False, index=True),
    sa.Column("session", sa.Text, nullable=False, index=True),
    sa.Column("image_hash", sa.Text, index=True),
    sa.Column("image_file", sa.Text),
    sa.Column("question", sa.Text),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("neighbours", sa.JSON, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("output", sa.Text, nullable=False),
    sa.Column("logprobs", sa.JSON, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("adapter", sa.Text),
    sa.Column("fingerprints", sa.JSON, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("timings", sa.JSON, nullable=False),
    sa.Column("app_version", sa.Text, nullable=False),
)


def _said() -> list[sa.Column]:
    """What a person said, in a judgment and in each earlier version of it."""
    return [
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("correction", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("updated", sa.Text, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
    ]


judgments = sa.Table(
    "judgments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("trial_id", sa.ForeignKey("trials.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("annotator", sa.Text, nullable=False, index=True),
    sa.Column("created", sa.Text, nullable=False),
    *_said(),
    sa.UniqueConstraint("trial_id", "annotator"),
)

history = sa.Table(
    "judgment_history",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("judgment_id", sa.ForeignKey("judgments.id", ondelete="CASCADE"), nullable=False, index=True),
    *_said(),
)

judgments_updated = sa.Index("ix_judgments_updated", judgments.c.updated)
"""Since version 2: when was anything said last?"""

queues = sa.Table(
    "queues",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("ordering", sa.Text, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("blind", sa.Boolean, nullable=False),
    sa.Column("wanted", sa.Integer, nullable=False),
    sa.Column("session", sa.Text, nullable=False, index=True),
    sa.Column("created", sa.Text, nullable=False, index=True),
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("queue_id", sa.ForeignKey("queues.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # as given, from 0: candidates are shuffled by it
    sa.Column("position", sa.Integer, nullable=False),  # as handed out, from 0
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("image_hash", sa.Text, index=True),
    sa.Column("image_file", sa.Text, index=True),
    sa.Column("question", sa.Text),
    sa.Column("domain", sa.Text, nullable=False),
    sa.Column("question_type", sa.Text, nullable=False),
    sa.Column("references", sa.JSON, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.UniqueConstraint("queue_id", "position"),
)

candidates = sa.Table(
    "candidates",
    metadata,
    sa.Column("item_id", sa.ForeignKey("items.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("cell", sa.Text, nullable=False),
    sa.Column("adapter", sa.Text),
    sa.Column("trial_id", sa.ForeignKey("trials.id", ondelete="CASCADE"), index=True),
    sa.Column("confidence", sa.Float),
    sa.Column("similarity", sa.Float),
    sa.Column("neighbours", sa.JSON, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
)


def _owner() -> sa.Column:
    """Whom something came from, where a name says nothing of that; "" where it is not known. It is a secret."""
    return sa.Column("owner", sa.Text, nullable=False, server_default="")


assignments = sa.Table(
    "assignments",
    metadata,
    sa.Column("item_id", sa.ForeignKey("items.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("shown", sa.JSON, nullable=False),
    sa.Column("assigned", sa.Text, nullable=False),
    _owner(),
)
"""Who has which item open, so that others are given other ones."""


def _compared() -> list[sa.Column]:
    """What a person said about an item, now and in each earlier version of it; candidates by their number."""
    return [
        sa.Column("preference", sa.Text, nullable=False),
        sa.Column("preferred", sa.Integer),
        sa.Column("verdicts", sa.JSON, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("correction", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float),
        sa.Column("shown", sa.JSON, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("updated", sa.Text, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        _owner(),
    ]


item_judgments = sa.Table(
    "item_judgments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("item_id", sa.ForeignKey("items.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("annotator", sa.Text, nullable=False, index=True),
    sa.Column("created", sa.Text, nullable=False),
    *_compared(),
    sa.UniqueConstraint("item_id", "annotator"),
    sa.Index("ix_item_judgments_updated", "updated"),
)

item_history = sa.Table(
    "item_judgment_history",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("judgment_id", sa.ForeignKey("item_judgments.id", ondelete="CASCADE"), nullable=False, index=True),
    *_compared(),
)

owned = (assignments, item_judgments, item_history)
"""Tables with an owner, since version 3."""

item_history_owner = sa.Index("ix_item_judgment_history_owner", item_history.c.owner)
"""Since version 3: what came from whom?"""
