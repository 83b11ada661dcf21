"""The one exception whose message is meant for the person at the keyboard."""

import difflib
from collections.abc import Iterable


class PhyslibError(ValueError):
    """Bad input or a missing or damaged file: one sentence that says what is wrong and what to do.

    The command line prints the sentence and exits with code 2.
    """


def unknown(kind: str, name: str, known: Iterable[str]) -> PhyslibError:
    """Error for a name that is not in a table, with the nearest known name suggested."""
    known = list(known)
    near = difflib.get_close_matches(name.split("[")[0], known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"choose one of: {', '.join(known)}."
    return PhyslibError(f"unknown {kind} '{name}': {hint}")
