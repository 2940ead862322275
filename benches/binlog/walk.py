"""python-mysql-replication over one log: walk.py PORT FILE ROWS."""
import sys

from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import WriteRowsEvent

port, file, rows = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
stream = BinLogStreamReader(
    connection_settings={"host": "127.0.0.1", "port": port, "user": "root", "passwd": ""},
    server_id=4_000_004,
    log_file=file,
    log_pos=4,
    resume_stream=True,
    blocking=True,
    only_events=[WriteRowsEvent],
)
seen = 0
for event in stream:
    seen += len(event.rows)
    if seen >= rows:
        break
stream.close()
