"""What a page keeps of a person: trials and judgments in the store, or nothing when storing is off."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from raven_core import annotation_forget
from raven_core.errors import StoreError
from raven_core.judgments import JudgmentStore
from raven_core.settings import Settings
from raven_core.types import Generation, Judgment
from raven_core.ui.words import say


@dataclass(frozen=True)
class Keeper:
    """The store as the page uses it; None keeps nothing.

    ``folder`` (its name, or "" for a database elsewhere) and ``retention_days`` are told to people.
    """

    store: JudgmentStore | None
    folder: str = ""
    retention_days: int = 0

    @classmethod
    def from_settings(cls, settings: Settings) -> Keeper:
        """A keeper of what the settings allow.

        Raises:
            StoreError: the store cannot be opened.
        """
        if not settings.store:
            return cls(None)
        folder = "" if settings.database_url else settings.data_dir.name
        return cls(JudgmentStore.from_settings(settings), folder, settings.retention_days)

    @property
    def is_on(self) -> bool:
        """Whether anything can be stored at all."""
        return self.store is not None

    @property
    def place(self) -> str:
        """Where things are kept, in words."""
        return say("place_folder", folder=self.folder) if self.folder else say("place_database")

    @property
    def term(self) -> str:
        """How long things are kept, in words."""
        return say("term_days", days=self.retention_days) if self.retention_days else say("term_forever")

    @property
    def note(self) -> str:
        """The privacy note, in one sentence or two."""
        return say("store_on", place=self.place, term=self.term) if self.is_on else say("store_server_off")

    def keep(self, raven: Any, generation: Generation, image: Image.Image, question: str | None, person: str) -> str:
        """Store an answer with its image, and return its trial id.

        Raises:
            StoreError: it cannot be stored.
        """
        trial = raven.trial(generation, question=question, session=person)
        return self._store.save_trial(trial, image).id

    def judge(
        self, trial_id: str, verdict: str, tags: Collection[str], correction: str, note: str, person: str
    ) -> Judgment:
        """Save a person's verdict, or change it; when this returns it is on disk."""
        return self._store.judge(trial_id, verdict, tags, correction, note, annotator=person)

    def withdraw(self, judgment: Judgment) -> Judgment:
        """Take a judgment back."""
        return self._store.withdraw(judgment.id)

    def count(self, person: str) -> int:
        """How many judgments of this person stand."""
        return self.store.count(person) if self.store is not None else 0

    def last(self, person: str) -> tuple[Judgment, str] | None:
        """This person's latest judgment that stands, and the answer it is about."""
        if self.store is None:
            return None
        given = self.store.judgments(annotator=person)
        if not given:
            return None
        latest = max(given, key=lambda judgment: judgment.updated)
        return latest, self.store.trial(latest.trial_id).output

    def forget(self, person: str) -> int:
        """Delete everything this person gave; how many answers that was."""
        return self._store.delete_session(person) if self.store is not None else 0

    def forget_annotations(self, owners: Sequence[str]) -> int:
        """Delete what came from these owners on the Annotate tab, under any name; about how many items that was."""
        return annotation_forget.forget(self._store.database, owners) if self.store is not None else 0

    def purge(self) -> int:
        """Delete what is older than was promised; how many answers that was."""
        return self.store.purge(self.retention_days) if self.store is not None and self.retention_days else 0

    @property
    def _store(self) -> JudgmentStore:
        if self.store is None:
            raise StoreError(say("not_judgeable_server"))
        return self.store
