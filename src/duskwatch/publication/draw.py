"""Draws specifications as SVG and PNG, without a browser or a network, and writes files whole."""

import os
import re
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import vl_convert
from isal import isal_zlib

from duskwatch.publication.chart_frame import Spec
from duskwatch.publication.palette import LIGHT

PNG_SCALE = 2.0
_PATH = re.compile(r' d="([^"]*)"')
_TENTHS = re.compile(r"(\.\d)\d+")
_NOISE = re.compile(r'<path class="(?:background|foreground)"[^>]* d="(?:M0,0h0v0h0Z)?"[^>]*/>')  # draws nothing
# What nobody watched is hatched, so that it differs from zero in grey print too. Vega has no patterns: a colour of
# that name is drawn, and becomes one here.
_HATCH = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="7" height="7" fill="{LIGHT["hatch_ground"]}"/>'
    f'<rect width="2.5" height="7" fill="{LIGHT["hatch"]}"/></pattern></defs>'
)


def svg(spec: Spec, name: str = "") -> str:
    """Draw a specification. ``name`` makes the ids in it unlike those of other drawings in one page."""
    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version="6.4", allowed_base_urls=[])
    drawn = _PATH.sub(lambda path: _TENTHS.sub(r"\1", path[0]), drawn)  # a tenth of a pixel is enough
    if f'fill="{LIGHT["blind"]}"' in drawn:
        drawn = drawn.replace(f'fill="{LIGHT["blind"]}"', 'fill="url(#hatch)"')
        head = drawn.index(">") + 1
        drawn = drawn[:head] + _HATCH + drawn[head:]
    if name:
        drawn = _NOISE.sub("", drawn)
        drawn = re.sub(r'(id="|url\(#|href="#)', lambda found: f"{found[1]}{name}-", drawn)
    return drawn


def png(drawn: str) -> bytes:
    """An SVG as a PNG picture, at twice its size for print, without transparency."""
    return smaller(vl_convert.svg_to_png(drawn, scale=PNG_SCALE))


def smaller(picture: bytes) -> bytes:
    """The same opaque picture in a third of the bytes: rows as differences from the row above (RFC 2083 section 6.4).

    A picture that is not as vl-convert writes them (8 bit RGBA, each row filtered as Sub) is given back as it is.
    """
    chunks = []
    at = 8
    while at + 12 <= len(picture):
        size = int.from_bytes(picture[at : at + 4], "big")
        chunks.append((picture[at + 4 : at + 8], picture[at + 8 : at + 8 + size]))
        at += 12 + size
    head = chunks[0][1] if chunks else b""
    if len(head) != 13 or head[8:13] != b"\x08\x06\x00\x00\x00":
        return picture
    width, height = struct.unpack(">II", head[:8])
    data = isal_zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    rows = np.frombuffer(data, np.uint8).reshape(height, 1 + 4 * width)
    pixels = np.cumsum(rows[:, 1:].reshape(height, width, 4), axis=1, dtype=np.uint8)
    if (rows[:, 0] != 1).any() or (pixels[:, :, 3] != 255).any():
        return picture
    plain = pixels[:, :, :3].reshape(height, 3 * width)
    above = np.vstack([np.zeros((1, 3 * width), np.uint8), plain[:-1]])
    packed = zlib.compress(np.hstack([np.full((height, 1), 2, np.uint8), plain - above]).tobytes(), 6)
    out = [(b"IHDR", head[:9] + b"\x02" + head[10:]), *(c for c in chunks if c[0] == b"pHYs"), (b"IDAT", packed)]
    made = picture[:8]
    for kind, body in [*out, (b"IEND", b"")]:
        made += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return made


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that at no time a reader finds half of it. OSError where that cannot be done."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
