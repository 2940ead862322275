# shellcheck shell=bash
# Sourced: the whole play, in order. After `open_all` a database, a spreadsheet and the daemon between them run, and the
# tab holds what the table holds.

TARGET=${CARGO_TARGET_DIR:-target}

# shellcheck source=demo/stage.sh
. demo/stage.sh
# shellcheck source=demo/database.sh
. demo/database.sh
# shellcheck source=demo/emulator.sh
. demo/emulator.sh
# shellcheck source=demo/daemon.sh
. demo/daemon.sh

open_all() {
  scripts/install-build-needs
  scripts/install-mariadb
  scripts/install-demo-needs
  say 'building'
  cargo build --locked --package sheetbridge --package sheets-emulator --bins --example table_page
  open_stage
  say 'starting a private MariaDB with the sample'
  open_database
  say 'starting a local Google Sheets'
  open_emulator
  say 'starting sheetbridge'
  open_daemon
  connect_script "$ENDPOINT" "$LINK" "$LINK_SECRET" >"$STAGE/connect.json" || true
  grep -q 'Connected: ' "$STAGE/connect.json" || { cat "$STAGE/connect.json"; give_up 'the script was not connected'; }
  wait_until 60 same_on_both_sides || give_up 'the tab was not filled from the table'
}

same_on_both_sides() { [ "$(table_keys)" = "$(sheet_keys)" ]; }

table_keys() { root_sql "SELECT id FROM $TABLE ORDER BY id"; }

sheet_keys() { sheet_column id | sort -n; }

# sheet_column HEADER: its cells from top to bottom, blank ones left out.
sheet_column() {
  sheet_rows | awk -F '\t' -v header="$1" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == header) column = i }
    NR > 1 && $column != "" { print $column }'
}
