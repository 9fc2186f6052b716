"""What training needs to know of the samples: where they lie, and how many there are."""

from __future__ import annotations

from typing import Any, Protocol


class Samples(Protocol):
    """The samples of one partition, as :class:`dhtask.pipeline.Shard` has them."""

    @property
    def images(self) -> Any:
        """float32 (samples, channels, *spatial), or a future of it."""
        ...

    @property
    def targets(self) -> Any:
        """Integer classes (samples, *spatial) or (samples,), or a future of them."""
        ...

    @property
    def count(self) -> int:
        """Number of samples."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image, (channels, *spatial)."""
        ...
