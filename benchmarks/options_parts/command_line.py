"""How large and how often: what a benchmark is told on its command line."""

import argparse
import math


def size_options(text: str, *, scale: str = "", rounds: int = 0) -> argparse.ArgumentParser:
    """The parser of a benchmark that says of itself ``text``: with SCALE where it says what 1 is, with ROUNDS where it has a default."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    if scale:
        parser.add_argument(
            "scale", metavar="SCALE", type=_scale, nargs="?", default=1.0, help=f"1, the full size: {scale}"
        )
    if rounds:
        parser.add_argument(
            "rounds", metavar="ROUNDS", type=_rounds, nargs="?", default=rounds, help=f"how often; {rounds} unless told"
        )
    return parser


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0 < scale < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")
    return scale


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)
