"""oneDNN 2.6 through ctypes: descriptors, primitives and their execution, and nothing about models.

Blocked layouts and the float32 Winograd convolution are why this version is bound: oneDNN 3 has no float32 Winograd on
x86-64.
Where the library is missing, :func:`dhcore._backends.cpu.onednn.library.load` says so once and returns ``None``.
"""

from __future__ import annotations
