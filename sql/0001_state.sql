-- The state of sheetbridge: everything that it remembers, in a schema of its own beside the user's data, so that an effect
-- on the user's tables and the memory of it commit in one transaction.
--
-- A statement ends with a semicolon at the end of a line. Each one can be repeated, because a server commits every CREATE
-- by itself: a start that was cut short in the middle simply runs the file again.
--
-- Text is compared byte by byte (utf8mb4_bin): identifiers here are ours or Google's, and no two spellings are one.

-- Who we are to the spreadsheets. One row; `word` never changes, `generation` counts the starts of the daemon, and the two
-- together are the value of our tokens: a token of another installation means that a copy of this schema is at work.
CREATE TABLE IF NOT EXISTS installation (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  word VARCHAR(32) NOT NULL,
  generation INT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One daemon at a time. `connection` lets a restarted daemon see at once that its killed predecessor is gone, without
-- waiting for the end of the lease.
CREATE TABLE IF NOT EXISTS lease (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  holder VARCHAR(255) NOT NULL,
  generation INT UNSIGNED NOT NULL,
  connection BIGINT UNSIGNED NOT NULL,
  expires_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The counters of one spreadsheet: of batches (the metadata ids that make a batch apply at most once) and of trash lines.
CREATE TABLE IF NOT EXISTS spreadsheet (
  id VARCHAR(128) NOT NULL PRIMARY KEY,
  next_batch INT NOT NULL,
  next_slot INT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a link was when it last ran. `fingerprint` is of its configuration: another one means that it is planned anew.
CREATE TABLE IF NOT EXISTS link (
  name VARCHAR(64) NOT NULL PRIMARY KEY,
  spreadsheet VARCHAR(128) NOT NULL,
  sheet_id INT NULL,
  table_schema VARCHAR(64) NOT NULL,
  table_name VARCHAR(64) NOT NULL,
  fingerprint BIGINT UNSIGNED NOT NULL,
  state MEDIUMTEXT NOT NULL,
  changed_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What both sides of a row looked like when they last agreed, as digests. The key's own text may be longer than an index
-- takes, so its 128-bit digest stands for it. A row with `dead_at` is a tombstone: its key is not made again from the tab.
CREATE TABLE IF NOT EXISTS base (
  link VARCHAR(64) NOT NULL,
  key_digest BINARY(16) NOT NULL,
  key_text TEXT NOT NULL,
  columns_packed BLOB NOT NULL,
  dead_at TIMESTAMP(6) NULL DEFAULT NULL,
  PRIMARY KEY (link, key_digest),
  KEY (dead_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Every effect on the user's tables, written in the effect's own transaction, and what people should be able to read later.
-- Append-only. `id` is the first column: the binlog's reader takes it out of the row image by that place.
CREATE TABLE IF NOT EXISTS ledger (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  link VARCHAR(64) NULL,
  kind ENUM('write', 'insert', 'delete', 'probe', 'mark', 'conflict', 'note') NOT NULL,
  key_text TEXT NULL,
  cause VARCHAR(255) NOT NULL,
  editor VARCHAR(320) NULL,
  claim BIGINT UNSIGNED NULL,
  before_packed LONGBLOB NULL,
  after_packed LONGBLOB NULL,
  at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  KEY (claim),
  KEY (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The calls to Google that change a spreadsheet: one row before the send, one when its fate is known. Append-only: a batch
-- with its first row alone is open, and is settled before anything else is done.
CREATE TABLE IF NOT EXISTS batch (
  spreadsheet VARCHAR(128) NOT NULL,
  number INT NOT NULL,
  step ENUM('intended', 'done', 'void') NOT NULL,
  owner VARCHAR(64) NOT NULL,
  plan_packed LONGBLOB NULL,
  at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (spreadsheet, number, step),
  KEY (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Work that a receipt showed to be due in a spreadsheet and that is not yet done: wrong rows to mend, values to put back.
CREATE TABLE IF NOT EXISTS owed (
  spreadsheet VARCHAR(128) NOT NULL,
  id BIGINT UNSIGNED NOT NULL,
  content MEDIUMTEXT NOT NULL,
  PRIMARY KEY (spreadsheet, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- New rows of a tab on their way to a key: claimed in the sheet, inserted (then `key_text` is known), named (the key stands
-- in the sheet). While a key is owed, no second row is made for its record.
CREATE TABLE IF NOT EXISTS claim (
  link VARCHAR(64) NOT NULL,
  claim BIGINT UNSIGNED NOT NULL,
  key_text TEXT NULL,
  content MEDIUMTEXT NOT NULL,
  named BOOLEAN NOT NULL DEFAULT FALSE,
  at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (link, claim)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The inbox: edits that the script sent, committed before they are acknowledged. A repeat of a POST finds its first answers.
CREATE TABLE IF NOT EXISTS edit (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  link VARCHAR(64) NOT NULL,
  webhook_id VARCHAR(64) NOT NULL,
  edit_no INT UNSIGNED NOT NULL,
  received_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  body MEDIUMTEXT NOT NULL,
  answer MEDIUMTEXT NULL,
  answered BOOLEAN NOT NULL DEFAULT FALSE,
  UNIQUE KEY (link, webhook_id, edit_no),
  KEY (answered, received_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What waits for a person: refused, frozen or cut, with the digests of both sides: it is decided again when one of them
-- changes. `row_text` is the key's text or another name of the row; `column_name` is empty for a whole row.
CREATE TABLE IF NOT EXISTS held (
  link VARCHAR(64) NOT NULL,
  row_digest BINARY(16) NOT NULL,
  column_name VARCHAR(64) NOT NULL,
  row_text TEXT NOT NULL,
  reason VARCHAR(64) NOT NULL,
  value_digest BIGINT UNSIGNED NOT NULL,
  cell_digest BIGINT UNSIGNED NOT NULL,
  detail TEXT NOT NULL,
  at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (link, row_digest, column_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How far the stream of changes is finished. `server` is the uuid of the server that a file position is valid on.
CREATE TABLE IF NOT EXISTS position (
  source VARCHAR(64) NOT NULL PRIMARY KEY,
  position MEDIUMTEXT NOT NULL,
  server VARCHAR(64) NOT NULL,
  at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
