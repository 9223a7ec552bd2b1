"""What ``raven_core`` exports, pinned: a change here is a change for everyone who uses it."""

import inspect
import subprocess
import sys
from pathlib import Path

import raven_core
from raven_core import errors

ROOT = Path(__file__).resolve().parent.parent


def test_the_exported_names_are_these():
    assert raven_core.__all__ == [
        "AdapterError", "AddedPair", "Attribution", "Comparison", "ConfigError", "EncoderMismatchError", "Gathered",
        "Generation", "HubError", "ImageError", "InputError", "Judgment", "JudgmentStore", "MemoryStoreError",
        "Neighbour", "NeighbourEdit", "OptionError", "Pair", "Profile", "ProfileError", "Prompt", "Query",
        "QuestionError", "Raven", "RavenError", "Settings", "StoreError", "Token", "Trial", "__version__",
    ]  # fmt: skip
    for name in raven_core.__all__:
        assert getattr(raven_core, name) is not None


def test_answer_takes_these_options():
    assert list(inspect.signature(raven_core.Raven.answer).parameters) == [
        "self", "image", "question", "k", "modalities", "adapter", "order", "question_weight", "exclude_ids",
        "drop_duplicates", "seed", "max_new_tokens", "given",
    ]  # fmt: skip


def test_a_study_takes_these_options():
    assert list(inspect.signature(raven_core.Raven.compare).parameters) == [
        "self", "image", "question", "cells", "ks", "neighbours", "references", "leak_cap", "edits", "added", "cancel",
        "options",
    ]  # fmt: skip
    assert list(inspect.signature(raven_core.Raven.attribute).parameters) == [
        "self", "generation", "image", "question", "method", "parts",
    ]  # fmt: skip


def test_every_error_is_a_raven_error_and_says_in_a_sentence_what_it_is():
    tree = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert len(tree) > 10
    for error in tree:
        assert issubclass(error, raven_core.RavenError) and error.__doc__ and error.__name__ in errors.__doc__


def test_importing_the_package_is_light():
    code = "import sys, raven_core; print(sorted({'torch', 'transformers', 'sqlalchemy', 'faiss'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
