"""Triplets on cosines with negatives from all speakers (Deep Speaker, Li et al. 2017)."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

MARGIN = 0.1
NEAREST = 0.25  # of all clips of other speakers: a negative is drawn among them


def triplet_loss(anchors: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor,
                 ) -> torch.Tensor:
    """Mean of max(0, cos(a, n) - cos(a, p) + 0.1) over embeddings [B, D] (equations 3 to 5)."""
    same = F.cosine_similarity(anchors, positives)
    other = F.cosine_similarity(anchors, negatives)
    return (other - same + MARGIN).clamp(min=0).mean()


class EmbeddingBank(nn.Module):
    """Embeddings of clips of all speakers, in which hard negatives are searched.

    It is part of a checkpoint: a run that goes on searches what the stopped one had.
    """

    embeddings: torch.Tensor  # unit vectors [M, D]
    clips: torch.Tensor       # the clip of each row [M]
    speakers: torch.Tensor    # its speaker [M]

    def __init__(self, size: int, embedding: int) -> None:
        super().__init__()
        self.register_buffer("embeddings", torch.zeros(size, embedding))
        self.register_buffer("clips", torch.zeros(size, dtype=torch.long))
        self.register_buffer("speakers", torch.zeros(size, dtype=torch.long))

    @torch.no_grad()
    def refresh(self, embeddings: torch.Tensor, clips: torch.Tensor, speakers: torch.Tensor,
                ) -> None:
        """Replace all rows: embeddings [M, D] of clips [M] by speakers [M]."""
        self.embeddings.copy_(F.normalize(embeddings))
        self.clips.copy_(clips)
        self.speakers.copy_(speakers)

    @torch.no_grad()
    def near_negatives(self, anchors: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        """For rows [B] of the bank, rows [B] of other speakers among the nearest quarter of all.

        draws [B] in [0, 1) choose among them. Where negatives are on average nearer than positives,
        as the very nearest are, all embeddings fall into one point: there the loss is the margin.
        """
        cosines = self.embeddings[anchors] @ self.embeddings.T
        own = self.speakers[anchors, None] == self.speakers
        count = max(1, round(NEAREST * int((~own).sum(dim=1).min())))
        near = cosines.masked_fill(own, -torch.inf).topk(count, dim=1).indices
        chosen = (draws.to(near.device) * near.shape[1]).long()
        return near.gather(1, chosen[:, None])[:, 0]
