"""The generator's page with its program and its data compressed."""

import base64
import gzip
import json
import re
from collections.abc import Callable, Sequence
from typing import Final

_PROGRAM: Final = re.compile(r'<script\s+src="data:text/javascript;base64,([A-Za-z0-9+/=]+)"\s*></script>')
_DATA: Final = re.compile(
    r'<script defer>\s*Promise\.allSettled\(\[((?:d\("[^"\\]*","[A-Za-z0-9+/=]*"\),?)+)\]\)'
    r"\s*\.then\(function\(\)\{\s*window\.allureReportDataReady = true;\s*\}\)\s*</script>"
)
_FILE: Final = re.compile(r'd\("([^"]*)","([^"]*)"\)')
_UNPACK: Final = (
    "(async()=>{const packed=Uint8Array.from(atob('PACKED'),c=>c.charCodeAt(0));"
    "const stream=new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));"
    "const unpacked=new Response(stream);USE})()"
)
_RUN: Final = (
    "const program=document.createElement('script');program.textContent=await unpacked.text();"
    "document.body.append(program)"
)
# As the generator's own script does, which hands over each file in base64.
_HAND_OVER: Final = (
    "const all=new Uint8Array(await unpacked.arrayBuffer());const end=all.indexOf(10);let at=end+1;"
    "for(const [name,size] of JSON.parse(new TextDecoder().decode(all.subarray(0,end)))){let text='';"
    "for(const stop=at+size;at<stop;){const next=Math.min(at+8192,stop);"
    "text+=String.fromCharCode(...all.subarray(at,next));at=next}await d(name,btoa(text))}"
    "window.allureReportDataReady=true"
)


def compacted(page: str, elsewhere: Callable[[str], str] | None = None) -> str:
    """The page with its program and its data compressed: the generator has both in base64, which is eleven times as much for the data.

    ``elsewhere`` takes the program, the same for every report of a generator, and gives the element that loads it.
    """
    within = elsewhere or _inline
    page = _PROGRAM.sub(lambda found: within(_packed(base64.b64decode(found[1]), _RUN)), page)
    return _DATA.sub(lambda found: _inline(_packed(_together(_FILE.findall(found[1])), _HAND_OVER)), page)


def _inline(script: str) -> str:
    return f"<script>{script}</script>"


def _together(files: Sequence[tuple[str, str]]) -> bytes:
    """Names and sizes in the first line, then the files, one after the other: what is alike in them is stored once."""
    contents = [(name, base64.b64decode(text)) for name, text in files]
    head = json.dumps([(name, len(content)) for name, content in contents])
    return b"\n".join([head.encode("ascii"), b"".join(content for _, content in contents)])


def _packed(content: bytes, use: str) -> str:
    """A script that has the browser unpack the content and use it."""
    packed = base64.b64encode(gzip.compress(content, mtime=0)).decode("ascii")
    return _UNPACK.replace("USE", use).replace("PACKED", packed)
