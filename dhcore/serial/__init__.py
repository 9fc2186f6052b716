"""States as bytes and files: msgpack, checked, no code in it."""

from __future__ import annotations

from dhcore.serial.encoding import dumps, loads
from dhcore.serial.errors import DiskFullError, StateFormatError
from dhcore.serial.file import load, save

__all__ = ["DiskFullError", "StateFormatError", "dumps", "load", "loads", "save"]
