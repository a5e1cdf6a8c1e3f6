"""The same question of rows in DuckDB, on one thread: run by the bench `audience` where DuckDB is installed."""

import json
import sys
import time
from array import array
from pathlib import Path
from typing import Any

from sampan.loadtests.bench.audience_call import members

QUERY = """
SELECT count(*) FROM t0 SEMI JOIN t1 USING (subject) ANTI JOIN t2 USING (subject)
"""


def main(folder: Path, customers: int, calls: int) -> dict[str, Any]:
    """Load the three tags as tables of subjects, and return the CPU of one question."""
    import duckdb  # not among the locked packages

    connection = duckdb.connect(str(folder / "rows.duckdb"), config={"threads": 1})
    for tag in range(3):
        raw = folder / f"t{tag}.csv"
        raw.write_text("subject\n" + "\n".join(map(str, array("I", members(tag, customers)))))
        connection.execute(f"CREATE TABLE t{tag} (subject UINTEGER)")
        connection.execute(f"COPY t{tag} FROM '{raw}' (HEADER)")
        raw.unlink()
    found = connection.execute(QUERY).fetchone()
    began = time.process_time()
    for _ in range(calls):
        connection.execute(QUERY).fetchone()
    used = time.process_time() - began
    return {"cpu_ms": used * 1000 / calls, "reached": found[0] if found else 0}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
