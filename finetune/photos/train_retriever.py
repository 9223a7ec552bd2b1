"""The retriever: a frozen image backbone with a learned projection, and a small text tower, in one space.

Trained contrastively on what is said of a picture: two of a photo's captions, or a statement about a room and the
question that it answers, so that a question comes to lie near statements that answer one like it. Both texts are
positives of their picture, and of each other (several positives as in Khosla et al., arXiv 2004.11362; pictures and
texts as in CLIP, arXiv 2103.00020). The backbone does not change, so its features are computed once.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from transformers import PreTrainedTokenizerFast

from finetune.loop import Plan, device, train
from finetune.photos.backbone import Floats, vision_config
from finetune.photos.corpus import Corpus, Split
from finetune.photos.statements import statement
from raven_core.dual_encoder import MAX_TEXT_TOKENS, DualEncoder
from raven_core.encoder import Encoder

LARGEST_SCALE = 100.0


@dataclass(frozen=True)
class RetrieverSize:
    """Sizes of the joint space and the text tower, and of a batch: photos and rooms."""

    image: int = 224
    dim: int = 256
    text_hidden: int = 256
    text_layers: int = 1
    feature_dropout: float = 0.3
    text_dropout: float = 0.2
    photos: int = 160
    rooms: int = 32


def build_retriever(backbone: Any, tokenizer: PreTrainedTokenizerFast, width: int, size: RetrieverSize) -> DualEncoder:
    """An encoder with the backbone's weights; projection and text tower are untrained."""
    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": size.text_hidden,
        "num_hidden_layers": size.text_layers,
        "num_attention_heads": 4,
        "intermediate_size": 2 * size.text_hidden,
        "max_position_embeddings": MAX_TEXT_TOKENS,
        "hidden_dropout_prob": size.text_dropout,
        "pad_token_id": tokenizer.pad_token_id,
    }
    encoder = DualEncoder(vision_config(backbone), text, size.dim, size.image, tokenizer, width)
    encoder.vision_model.load_state_dict(backbone.state_dict())
    return encoder


class RetrieverTraining(torch.nn.Module):
    """What is trained of an encoder, on features (n, width) of the backbone brought to mean 0 and deviation 1."""

    def __init__(self, encoder: DualEncoder, features: Floats, dropout: float) -> None:
        super().__init__()
        self.encoder = [encoder]  # in a list: the backbone is no part of what is trained and saved
        self.projection, self.text_model = encoder.image_projection, encoder.text_model
        self.text_projection = encoder.text_projection
        self.log_scale = torch.nn.Parameter(torch.tensor(float(np.log(20.0))))
        self.dropout = dropout
        self.mean = features.mean(axis=0)
        self.deviation = np.maximum(features.std(axis=0), 1e-3)

    def images(self, features: Floats) -> torch.Tensor:
        """(n, width) features → (n, dim) unit rows."""
        standard = torch.from_numpy((features - self.mean) / self.deviation).float().to(device())
        dropped = F.dropout(standard, self.dropout, self.training)
        return F.normalize(self.projection(dropped).float(), dim=-1)

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """n texts → (n, dim) unit rows."""
        encoder = self.encoder[0]
        encoded = encoder.preprocess(texts)
        return encoder.embed_tokens(encoded["input_ids"].to(device()), encoded["attention_mask"].to(device()))

    def fold_standard(self) -> None:
        """Lets the projection take features as the backbone gives them: mean and deviation go into its weights."""
        with torch.no_grad():
            weight = self.projection.weight / torch.from_numpy(self.deviation).to(self.projection.weight)
            self.projection.bias.sub_(weight @ torch.from_numpy(self.mean).to(weight))
            self.projection.weight.copy_(weight)


def several_positives(similarity: torch.Tensor, positive: torch.Tensor) -> torch.Tensor:
    """Mean over rows of the mean log-loss of each row's positives; similarity (n, m) scaled, positive (n, m) bool."""
    told = F.log_softmax(similarity, dim=1)
    return -((told * positive).sum(1) / positive.sum(1)).mean()


def contrast(images: torch.Tensor, first: torch.Tensor, second: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Loss of n pictures and their first and second texts, (n, d) unit rows each, at an inverse temperature."""
    texts = torch.cat([first, second])
    same = torch.eye(len(images), dtype=torch.bool, device=images.device)
    similarity = scale * images @ texts.T
    between = scale * first @ second.T
    pictures = several_positives(similarity, torch.cat([same, same], 1))
    words = several_positives(similarity.T, torch.cat([same, same]))
    return pictures + words + 0.25 * (several_positives(between, same) + several_positives(between.T, same))


def draw_texts(corpus: Corpus, rows: Sequence[int], asked: dict[int, list[int]], rng: random.Random) -> list[list[str]]:
    """Two texts of each picture: two captions, or a statement and its question."""
    drawn = []
    for row in rows:
        captions = list(corpus.pictures[row].captions)
        if not captions:
            question = corpus.asked[rng.choice(asked[row])]
            captions = [statement(question.question, question.answer), question.question]
        drawn.append(rng.sample(captions, 2) if len(captions) > 1 else captions * 2)
    return drawn


def train_retriever(
    encoder: DualEncoder,
    corpus: Corpus,
    features: Floats,
    fold: int | None,
    size: RetrieverSize,
    plan: Plan,
    work: Path,
) -> float:
    """Trains the encoder in place on the train pictures of one fold, or of both; returns seconds."""
    photos, rooms = corpus.rows("photo", "train", fold), corpus.rows("room", "train", fold)
    asked: dict[int, list[int]] = {}
    for number in corpus.questions("train", fold):
        asked.setdefault(corpus.asked[number].picture, []).append(number)
    rooms = [row for row in rooms if row in asked]
    encoder.to(device())
    module = RetrieverTraining(encoder, features[[*photos, *rooms]], size.feature_dropout).to(device())

    def loss_of(step: int, rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        rows = rng.sample(photos, min(size.photos, len(photos))) + rng.sample(rooms, min(size.rooms, len(rooms)))
        texts = draw_texts(corpus, rows, asked, rng)
        scale = module.log_scale.exp().clamp(max=LARGEST_SCALE)
        first, second = (module.texts([pair[which] for pair in texts]) for which in (0, 1))
        return contrast(module.images(features[rows]), first, second, scale), {"scale": scale.item()}

    seconds = train(module, plan, loss_of, work)
    module.fold_standard()
    encoder.eval()
    return seconds


def save_retriever(encoder: DualEncoder, folder: Path) -> None:
    """Writes a folder that ``raven_core.encoder.Encoder`` loads."""
    SentenceTransformer(modules=[encoder.to("cpu")], device="cpu").save(str(folder), create_model_card=False)


def recall(folder: Path, corpus: Corpus, images: Floats, split: Split = "choice") -> dict[str, float]:
    """How often, in percent, the right one is among the first 1, 5 and 10: photo of a caption, caption of a photo.

    ``images``: (pool, dim) unit rows of the pool, by the retriever in the folder.
    """
    rows = corpus.rows("photo", split)
    owner = np.array([place for place, row in enumerate(rows) for _ in corpus.pictures[row].captions])
    texts = Encoder.load(folder).encode_texts([text for row in rows for text in corpus.pictures[row].captions])
    similarity = images[rows] @ texts.T
    own = np.arange(len(rows))[:, None] == owner
    best = np.where(own, similarity, -np.inf)
    others = np.where(own, -np.inf, similarity)
    photo_rank = (others >= best.max(axis=0)).sum(axis=0)  # equals count against it: a collapsed space finds nothing
    caption_rank = (others >= best.max(axis=1, keepdims=True)).sum(axis=1)
    ranks = {"photo_of_caption": photo_rank, "caption_of_photo": caption_rank}
    return {f"{name}@{k}": round(100 * float((r < k).mean()), 1) for name, r in ranks.items() for k in (1, 5, 10)}
