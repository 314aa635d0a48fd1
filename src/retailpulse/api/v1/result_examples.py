"""The examples of results as files: two images in each form of text that exports have."""

import csv
import io
import json

from retailpulse.schema import RESULT, RESULT_EXAMPLES, RESULT_ROWS


def _as_csv() -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in RESULT], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "extra": json.dumps(row["extra"])} for row in RESULT_ROWS)
    return text.getvalue()


RESULTS_CSV = _as_csv()
RESULTS_NDJSON = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in RESULT_EXAMPLES)
