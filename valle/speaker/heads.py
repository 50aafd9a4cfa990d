"""Classification heads that teach an encoder speakers; they are thrown away after training."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

SCALE = 32.0
MARGINS = {
    "softmax": 0.0,
    "am": 0.35,        # on the cosine, Wang et al. 2018, equation 6 (arXiv:1801.05599)
    "aam": 0.2,        # on the angle, Deng et al. 2019, equation 3; value of the ECAPA paper
    "sphereface": 4.0,  # times the angle, Liu et al. 2017, equation 7 (arXiv:1704.08063)
}
SPHEREFACE_COSINE = 5.0  # weight of the plain cosine beside the margin: Liu et al.'s final lambda


def check_head(kind: str) -> None:
    """Raises ValueError for an unknown kind of head."""
    if kind not in MARGINS:
        raise ValueError(f"--head {kind}: choose {', '.join(MARGINS)}")


class Head(nn.Module):
    """Cross-entropy over speakers.

    `softmax` is an affine layer. The others see cosines of unit embeddings and unit speaker
    vectors, times 32, and make the true speaker's harder to reach.

    Raises:
        ValueError: unknown kind.
    """

    def __init__(self, kind: str, embedding: int, speakers: int) -> None:
        super().__init__()
        check_head(kind)
        self.kind, self.margin = kind, MARGINS[kind]
        self.weight = nn.Parameter(nn.init.xavier_normal_(torch.empty(speakers, embedding)))
        self.bias = nn.Parameter(torch.zeros(speakers)) if kind == "softmax" else None

    def ease(self, share: float) -> None:
        """Use this share of the full margin: 0 is a plain softmax over cosines."""
        none = 1.0 if self.kind == "sphereface" else 0.0  # that margin multiplies
        self.margin = none + share * (MARGINS[self.kind] - none)

    def forward(self, embeddings: torch.Tensor, speakers: torch.Tensor) -> torch.Tensor:
        """Loss of embeddings [B, D] of the given speakers [B], int64."""
        return F.cross_entropy(self.logits(embeddings.float(), speakers), speakers)

    def logits(self, embeddings: torch.Tensor, speakers: torch.Tensor) -> torch.Tensor:
        """Scores [B, speakers]; those of the true speakers [B] carry the margin."""
        if self.kind == "softmax":
            return F.linear(embeddings, self.weight, self.bias)
        cosines = self.cosines(embeddings)
        true = cosines.gather(1, speakers[:, None])
        return SCALE * cosines.scatter(1, speakers[:, None], self.penalised(true))

    def cosines(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Cosines [B, speakers] of embeddings [B, D] and speaker vectors."""
        return F.normalize(embeddings) @ F.normalize(self.weight).T

    def penalised(self, cosine: torch.Tensor) -> torch.Tensor:
        """Cosines of the true speakers, any shape, less the margin of this kind."""
        if self.kind == "am":
            return cosine - self.margin
        angle = cosine.clamp(-1 + 1e-6, 1 - 1e-6).acos()
        if self.kind == "aam":
            # Beyond pi - m the cosine of the wider angle would rise again: go on by a line.
            return torch.where(angle < math.pi - self.margin, (angle + self.margin).cos(),
                               cosine - self.margin * math.sin(self.margin))
        turns = (angle * self.margin / math.pi).floor()
        psi = (1 - 2 * (turns % 2)) * (self.margin * angle).cos() - 2 * turns
        return (psi + SPHEREFACE_COSINE * cosine) / (1 + SPHEREFACE_COSINE)
