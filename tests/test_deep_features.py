"""The deep feature loss: a listener's distance between a recording and a copy of it."""
from __future__ import annotations

from pathlib import Path

import torch

from codec import load_audio
from valle.training.deep_features import DeepFeatureLoss, resample

ROOT = Path(__file__).parents[1]


def test_a_listener_hears_how_far_a_copy_is_from_its_recording() -> None:
    """Quieter speech is nearest, noisy speech nearer than another voice; gradients lead back."""
    alto, tenor = (torch.from_numpy(load_audio(ROOT / "examples" / f"{name}.wav"))[None, :60_000]
                   for name in ("alto", "tenor"))
    loss = DeepFeatureLoss(ROOT / "weights" / "judges" / "phones", 24_000)
    noise = torch.randn(alto.shape, generator=torch.Generator().manual_seed(0))
    distances = [float(loss(x, alto)) for x in (alto, 0.5 * alto, alto + 0.01 * noise, tenor)]
    assert distances[0] == 0 and distances[1] < 0.05 < distances[2] < 0.9 * distances[3]
    fake = (alto + 0.01 * noise).requires_grad_()
    loss(fake, alto).backward()
    assert fake.grad is not None
    step = 1e-3 * fake.grad / fake.grad.norm()
    assert loss(fake.detach() - step, alto) < loss(fake.detach() + step, alto)


def test_a_lower_rate_keeps_what_it_can_hold() -> None:
    time = torch.arange(24_000) / 24_000
    low, high = (torch.sin(2 * torch.pi * f * time)[None] for f in (1000, 10_000))
    found = resample(low + high, 24_000, 16_000)
    torch.testing.assert_close(found[0], torch.sin(2 * torch.pi * 1000 * torch.arange(16_000)
                                                   / 16_000), atol=5e-3, rtol=0)
