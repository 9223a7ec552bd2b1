"""One caption out of several: the one that the others agree with most, by CIDEr."""

from __future__ import annotations

from collections.abc import Sequence

from raven_core.metrics.captioning import score_captions


def consensus(captions: Sequence[Sequence[str]]) -> list[str]:
    """For each picture the caption that scores highest against the picture's other ones; the first of equals.

    CIDEr weighs a word by how few pictures it describes, so the winner says what is particular and agreed upon, not
    what is merely common (consensus captions: Vedantam et al., arXiv 1411.5726; Devlin et al., arXiv 1505.04467).
    """
    others: dict[str, list[str]] = {}
    candidates: dict[str, str] = {}
    for picture, said in enumerate(captions):
        for place, caption in enumerate(said if len(said) > 1 else ()):
            candidates[f"{picture}/{place}"] = caption
            others[f"{picture}/{place}"] = [*said[:place], *said[place + 1 :]]
    if not candidates:
        return [said[0] for said in captions]
    scores = score_captions(others, candidates).per_image
    agreed = {name: values["CIDEr"] for name, values in scores.items()}
    return [
        max(enumerate(said), key=lambda choice: (agreed.get(f"{picture}/{choice[0]}", 0.0), -choice[0]))[1]
        for picture, said in enumerate(captions)
    ]
