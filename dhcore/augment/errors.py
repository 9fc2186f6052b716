"""What can go wrong with an augmentation."""

from __future__ import annotations

from dhcore.errors import DhcoreError

__all__ = ["AugmentationError"]


class AugmentationError(DhcoreError, ValueError):
    """A parameter, a pipeline text, or an image that does not suit a transform."""
