"""A worked example of a model: how much noise is in a picture, by a small convolutional net.

Run it (``python noise_model.py``) to train it anew, which takes a minute, and to write ``noise.safetensors``. The
weights are rounded to 1/64.
"""

import hashlib
from pathlib import Path

import torch
from torch import nn

from sightline import Metric

SIZE = (180, 320)
WEIGHTS = Path(__file__).with_name("noise.safetensors")


class Noise(nn.Module):
    """From 0, clean, to 1, noise: what a picture has that its smoothed self has not, by four learned filters."""

    metrics = (Metric("noise", "share", "float64", "how sure it is that a picture is noisy"),)
    size = SIZE
    colour = "gray"

    def __init__(self):
        super().__init__()
        self.filters = nn.Conv2d(1, 4, 3)
        self.mixed = nn.Conv2d(4, 4, 3, stride=2)
        self.score = nn.Linear(4, 1)

    def forward(self, pictures):
        found = torch.relu(self.mixed(torch.relu(self.filters(pictures - 0.5))))
        return torch.sigmoid(self.score(found.mean(dim=(2, 3))))


def examples(count):
    """Pictures of waves, edges and flat areas; every second one with noise. Gives pictures and 0 or 1 for each."""
    rows, columns = torch.meshgrid(torch.arange(SIZE[0]) / SIZE[1], torch.arange(SIZE[1]) / SIZE[1], indexing="ij")
    pictures = torch.full((count, 1, *SIZE), 0.5)
    for picture in pictures[:, 0]:
        for _ in range(6):
            along, across, phase, edge, sharp = torch.rand(5)
            wave = torch.sin(50 * (along - 0.5) * rows + 50 * (across - 0.5) * columns + 6 * phase)
            picture.add_((0.2 * torch.tanh(wave * 30) if sharp > 0.5 else 0.15 * wave) * edge)
    noisy = torch.arange(count) % 2
    strength = noisy * (0.03 + 0.17 * torch.rand(count))
    pictures += strength[:, None, None, None] * torch.randn(pictures.shape)
    return pictures.clamp(0, 1), noisy[:, None].float()


def train(steps=300):
    """The model, trained on made pictures."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = Noise()
    learner = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        pictures, noisy = examples(16)
        loss = nn.functional.binary_cross_entropy(model(pictures), noisy)
        learner.zero_grad()
        loss.backward()
        learner.step()
    return model, float(loss.detach())


if __name__ == "__main__":
    from safetensors.torch import save_file

    trained, left = train()
    save_file({name: torch.round(value * 64) / 64 for name, value in trained.state_dict().items()}, WEIGHTS)
    print(f"loss {left:.4f}")
    print(f"sha256: {hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()}")
