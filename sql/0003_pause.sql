-- Brakes that are on: what is not written, why, and what an operator said to it. One row a brake of a link.

-- The daemon writes a row when a brake goes on and takes it away when it goes off; `operator` is the one that people set by
-- `sheetbridge pause`. `row_count` is how many rows would be deleted: `resume` must name the same number, and sets `resumed`
-- only while that is so. Another number asks again.
CREATE TABLE IF NOT EXISTS pause (
  link VARCHAR(64) NOT NULL,
  brake VARCHAR(32) NOT NULL,
  reason TEXT NOT NULL,
  row_count BIGINT UNSIGNED NULL,
  resumed BOOLEAN NOT NULL DEFAULT FALSE,
  at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (link, brake)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
