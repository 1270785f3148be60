"""The network: luma to one logit for each 16x16 block of the coder's grid, and how it is trained."""

import numpy as np
import torch
from torch import nn

from tests.score.network.crops import crops

FASTEST, WARM_UP, BATCH, DECAY = 2e-3, 100, 32, 1e-2
"""Learning rate at its highest, steps until then, crops of a step, and the decay of weights."""


class Blocks(nn.Module):
    """80 121 weights. The first filters see 2 pixels across each side of their 4x4; a logit sees 108x108."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 24, 8, 4, 2), nn.ReLU(), nn.Conv2d(24, 32, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(32, 48, 4, 2, 1), nn.ReLU(), nn.Conv2d(48, 48, 3, 1, 1), nn.ReLU(),
            nn.Conv2d(48, 48, 3, 1, 1), nn.ReLU(), nn.Conv2d(48, 1, 1),
        )  # fmt: skip

    def forward(self, pictures):
        """(n, 1, height, width) luma of -0.5 to 0.5; gives (n, rows, columns)."""
        return self.layers(pictures)[:, 0]

    def logits(self, luma):
        """Of the whole blocks of one picture of 8 bits, limited range."""
        with torch.inference_mode():
            found = self(torch.from_numpy(level(luma[None, None])))[0].numpy()
        return found[: luma.shape[0] // 16, : luma.shape[1] // 16]


def level(luma):
    """Codes to -0.5..0.5."""
    return np.clip((np.asarray(luma, np.float32) - 16) / 219, 0, 1) - np.float32(0.5)


def trained(pictures, steps, seed=1):
    """A network that has learned from pictures of some sources, in so many steps, on one thread."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    net, stream = Blocks(), crops(pictures, np.random.default_rng(seed))
    learner = torch.optim.AdamW(net.parameters(), FASTEST, weight_decay=DECAY)
    for step in range(steps):
        for group in learner.param_groups:
            group["lr"] = FASTEST * min(1, (step + 1) / WARM_UP) * (0.51 + 0.5 * np.cos(np.pi * step / steps))
        luma, wrong, counts = (np.stack(part) for part in zip(*(next(stream) for _ in range(BATCH)), strict=True))
        said = net(torch.from_numpy(level(luma[:, None])))
        losses = nn.functional.binary_cross_entropy_with_logits(said, torch.from_numpy(wrong), reduction="none")
        weight = torch.from_numpy(counts)
        loss = (losses * weight).sum() / weight.sum()
        learner.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        learner.step()
    print(f"loss of the last step {float(loss.detach()):.3f}", flush=True)
    return net.eval()
