"""The ledger: every row of the results table as a page that searches itself, and as files to download."""

from __future__ import annotations

import json

import pandas as pd

from physlib.evaluation import table

SHOWN = ("claim", "task", "model", "number", "kernel", "source", "variant", "value", "tolerance", "r2", "r2_inner")
"""Columns that the page shows; the files have all."""
DIGITS = 4
_PAGE = """# Ledger

Every number of this book is a row here: {count} rows, profile `{profile}`. Our verdict on each claim is on the
{{doc}}`front page <intro>`; what scores and sources mean, in {{doc}}`notation`.

```{{raw}} html
<p><label>Search, words in any order: <input id="ledger-search" type="search" size="34" placeholder="C5 tent contract scaled"></label>
<span id="ledger-count"></span></p>
<p>All columns: <a download href="../_static/table.csv">table.csv</a>, <a download href="../_static/table.json">table.json</a>,
or <code>physlib table --claim C5 --task tent</code>.</p>
<div class="phys-table"><table id="ledger-table"><thead><tr>{heads}</tr></thead><tbody></tbody></table></div>
<script src="../_static/ledger-rows.js"></script>
<script src="../_static/ledger.js"></script>
```

How many rows stand behind each claim:

{counts}
"""


def page(rows: pd.DataFrame, profile: str) -> str:
    """The page: a search over all rows, and a table of how many there are."""
    heads = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in SHOWN)
    counted = rows.groupby("claim", sort=False).agg(rows=("claim", "size"), tasks=("task", "nunique"))
    lines = ["| claim | rows | tasks |", "|---|---|---|"]
    lines += [f"| {claim} | {row.rows} | {row.tasks} |" for claim, row in counted.iterrows()]
    return _PAGE.format(count=len(rows), profile=profile, heads=heads, counts="\n".join(lines))


def files(rows: pd.DataFrame) -> dict[str, str]:
    """Files beside the page by name: the rows as CSV and JSON, and those that the page searches as a script."""
    records = table.records(rows)
    shown = [[_short(record[name]) for name in SHOWN] for record in records]
    return {
        "table.csv": table.text(rows),
        "table.json": json.dumps(records, indent=0, allow_nan=False),
        "ledger-rows.js": f"window.LEDGER = {json.dumps(shown, separators=(',', ':'), allow_nan=False)};\n",
    }


def _short(value: object) -> object:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else "" if value is None else value
