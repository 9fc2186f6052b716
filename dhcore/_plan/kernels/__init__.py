"""What oneDNN has no primitive for: numba kernels over flat float32 arrays, compiled once and cached."""

from __future__ import annotations
