"""The networks of the benchmarks as PyTorch users write them: the same layers in the same order as dhcore.nets."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn


class _Block(nn.Module):
    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.convolution1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.convolution2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Identity()
        if stride != 1 or channels != filters:
            convolution = nn.Conv2d(channels, filters, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(filters))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.norm1(self.convolution1(x)))
        return self.relu(self.norm2(self.convolution2(y)) + self.shortcut(x))


def resnet18(classes: int) -> nn.Module:
    """ResNet-18 (He et al., 2016)."""
    stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)
    layers: list[nn.Module] = [*stem, nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage in range(4):
        for block in range(2):
            filters = 64 * 2**stage
            layers.append(_Block(channels, filters, 2 if stage and not block else 1))
            channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


class UNet(nn.Module):
    """U-Net (Ronneberger et al., 2015) with batch normalisation and transposed convolutions."""

    def __init__(self, width: int, halvings: int, classes: int) -> None:
        super().__init__()
        filters = [width * 2**level for level in range(halvings + 1)]
        self.down = nn.ModuleList(
            _double(a, b) for a, b in zip([3, *filters], filters, strict=False)
        )
        pairs = list(pairwise(filters))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(pairs))
        self.after = nn.ModuleList(_double(2 * a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept: list[torch.Tensor] = []
        for level, layer in enumerate(self.down):
            x = layer(nn.functional.max_pool2d(x, 2) if level else x)
            kept.append(x)
        kept.pop()
        for up, after in zip(self.up, self.after, strict=True):
            x = after(torch.cat([kept.pop(), up(x)], 1))
        return self.head(x)


def _double(channels: int, filters: int) -> nn.Module:
    layers: list[nn.Module] = []
    for entering in (channels, filters):
        convolution = nn.Conv2d(entering, filters, 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(filters), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
