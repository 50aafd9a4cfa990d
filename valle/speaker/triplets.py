"""Triplets on cosines with negatives from all speakers (Deep Speaker, Li et al. 2017)."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

MARGIN = 0.1


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
    def semi_hard_negatives(self, anchors: torch.Tensor, positives: torch.Tensor) -> torch.Tensor:
        """For rows [B] and rows of their speakers [B], the row [B] of the nearest other speaker
        that is farther than the positive (FaceNet, Schroff et al. 2015, section 3.2).

        Nearer ones pull all embeddings into one point, where the loss is the margin. Where there
        are none farther, the farthest is taken.
        """
        cosines = self.embeddings[anchors] @ self.embeddings.T
        own = self.speakers[anchors, None] == self.speakers
        nearer = cosines >= cosines.gather(1, positives[:, None])
        chosen = cosines.masked_fill(own | nearer, -torch.inf)
        farthest = cosines.masked_fill(own, torch.inf).argmin(dim=1)
        return torch.where(chosen.amax(dim=1).isfinite(), chosen.argmax(dim=1), farthest)
