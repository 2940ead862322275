-- What the daemon says in a spreadsheet, by notes at cells. A note is ours if its text is one that stands here; the text is
-- stored before it is written into the sheet, so that no crash leaves a note that nobody owns.

-- `column_name` is empty for what is said of a whole row or of the link. A refusal is said as long as the engine says it
-- (`cause` standing); a conflict as long as the cell shows what it ended with, or what it began with and never ended.
CREATE TABLE IF NOT EXISTS note (
  link VARCHAR(64) NOT NULL,
  digest BINARY(16) NOT NULL,
  cause ENUM('standing', 'conflict') NOT NULL,
  row_text TEXT NOT NULL,
  column_name VARCHAR(64) NOT NULL,
  text TEXT NOT NULL,
  winner_digest BIGINT UNSIGNED NOT NULL,
  loser_digest BIGINT UNSIGNED NOT NULL,
  at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (link, digest),
  KEY (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
