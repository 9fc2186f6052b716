"""Colour PNG with 16 bits a channel, which Pillow would cut down to 8.

PNG (ISO/IEC 15948): a signature, then chunks; the pixels of all IDAT chunks are one zlib stream of rows, each led by
the number of its filter. Interlaced files of this kind are not read.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from dhcore.image.errors import TruncatedImageError, UnsupportedImageError
from dhcore.image.image import Image
from dhcore.image.io.format import check_amount

__all__ = ["is_wide", "read", "write"]

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER: Final = struct.Struct(">IIBBBBB")
#: Channels of the colour types grey with alpha, colour, colour with alpha; plain grey is Pillow's business.
_CHANNELS: Final = {2: 3, 4: 2, 6: 4}


def is_wide(path: Path) -> bool:
    """Whether a PNG file has 16 bits a channel and more than one channel.

    Args:
        path: a file with the signature of PNG.
    """
    with path.open("rb") as file:
        head = file.read(26)
    return len(head) == 26 and head[24] == 16 and head[25] in _CHANNELS


def read(path: Path) -> Image:
    """Decode a 16-bit colour PNG to uint16 rgb or rgba; grey with alpha becomes rgba.

    Args:
        path: a file for which `is_wide` holds.

    Raises:
        TruncatedImageError: it ends too early or a checksum is wrong.
        UnsupportedImageError: it is interlaced.
        ImageTooLargeError: absurd dimensions.
    """
    chunks = _chunks(path)
    width, height, _, kind, _, _, interlaced = _HEADER.unpack(chunks[0][1][: _HEADER.size])
    if interlaced:
        raise UnsupportedImageError(
            path, "an interlaced PNG of 16-bit colour; save it without interlacing"
        )
    channels = _CHANNELS[kind]
    stride = width * channels * 2
    check_amount(path, height * stride, path.stat().st_size)
    if not width or not height:
        raise TruncatedImageError(path, f"the header says {width} x {height} pixels")
    decoder = zlib.decompressobj()
    packed = b"".join(body for name, body in chunks if name == b"IDAT")
    rows = decoder.decompress(packed, height * (stride + 1))
    if len(rows) < height * (stride + 1):
        raise TruncatedImageError(
            path, f"{height * (stride + 1)} bytes of rows expected, {len(rows)} found"
        )
    lines = np.frombuffer(rows, np.uint8).reshape(height, stride + 1)
    data = _unfilter(lines, channels * 2)
    pixels = data.view(">u2").astype(np.uint16).reshape(height, width, channels)
    if channels == 2:
        pixels = pixels[..., [0, 0, 0, 1]]
    return Image(pixels, "yxc", metadata={"format": "PNG", "mode": "16 bit"})


def write(pixels: NDArray[Any], path: Path) -> None:
    """Encode a uint16 picture.

    Args:
        pixels: (height, width, 3 or 4), uint16.
        path: where.
    """
    height, width, channels = pixels.shape
    kind = {3: 2, 4: 6}[channels]
    rows = np.zeros((height, width * channels * 2 + 1), np.uint8)
    rows[:, 1:] = np.ascontiguousarray(pixels, ">u2").view(np.uint8).reshape(height, -1)
    # Filter 1, the difference to the pixel on the left, makes most pictures smaller.
    rows[:, 0] = 1
    rows[:, 1 + channels * 2 :] -= rows[:, 1 : -channels * 2].copy()
    header = _HEADER.pack(width, height, 16, kind, 0, 0, 0)
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        for name, body in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(rows.tobytes(), 6)),
            (b"IEND", b""),
        ):
            file.write(
                struct.pack(">I", len(body))
                + name
                + body
                + struct.pack(">I", zlib.crc32(name + body))
            )


def _chunks(path: Path) -> list[tuple[bytes, bytes]]:
    content = path.read_bytes()
    chunks = []
    place = len(_SIGNATURE)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        name, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        checksum = content[place + 8 + length : place + 12 + length]
        if checksum != struct.pack(">I", zlib.crc32(name + body)):
            raise TruncatedImageError(path, f"the chunk {name!r} is truncated or damaged")
        chunks.append((name, body))
        if name == b"IEND":
            return chunks
        place += 12 + length
    raise TruncatedImageError(path, "the file ends before the chunk that closes it")


@numba.njit(cache=True)
def _unfilter(lines: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    height, width = lines.shape[0], lines.shape[1] - 1
    data = np.zeros((height, width), np.uint8)
    for y in range(height):
        kind = lines[y, 0]
        for x in range(width):
            left = np.int64(data[y, x - step]) if x >= step else np.int64(0)
            above = np.int64(data[y - 1, x]) if y > 0 else np.int64(0)
            corner = np.int64(data[y - 1, x - step]) if y > 0 and x >= step else np.int64(0)
            guess = np.int64(0)
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = above
            elif kind == 3:
                guess = (left + above) // 2
            elif kind == 4:
                guess = _paeth(left, above, corner)
            data[y, x] = np.uint8((np.int64(lines[y, x + 1]) + guess) & 0xFF)
    return data


@numba.njit(cache=True)
def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    if abs(estimate - left) <= abs(estimate - above) and abs(estimate - left) <= abs(
        estimate - corner
    ):
        return left
    return above if abs(estimate - above) <= abs(estimate - corner) else corner
