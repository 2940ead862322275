# shellcheck shell=bash
# Sourced: the demo's private MariaDB, with the sample in it and the daemon's user beside it.

PATH=$PATH:/usr/sbin
MARIADBD=${SHEETBRIDGE_MARIADBD:-mariadbd}

open_database() {
  local user
  user=$(id -un)
  SOCKET=$STAGE/mysql.sock
  # Servers that start side by side in one temporary folder take away each other's temporary tables.
  mariadb-install-db --no-defaults --user="$user" --datadir="$STAGE/data" --skip-test-db --tmpdir="$STAGE" \
    --auth-root-authentication-method=normal >"$STAGE/install.log" 2>&1 \
    || { cat "$STAGE/install.log"; exit 1; }
  start database "$MARIADBD" --no-defaults --user="$user" --datadir="$STAGE/data" --tmpdir="$STAGE" --socket="$SOCKET" --skip-networking \
    --log-bin=binlog --binlog-format=ROW --server-id=1
  wait_until 60 root_sql 'SELECT 1' || give_up 'MariaDB does not start'
  root_sql <demo/shop.sql
  # The person at the page may change rows of the shop and nothing else.
  root_sql "CREATE USER person@localhost; GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO person@localhost"
}

# root_sql [STATEMENT]: without one, from standard input. Gives bare rows, columns parted by tabs.
root_sql() { client root ${1:+--execute="$1"}; }

# What a person types into a client.
person_sql() { client person --database=shop --execute="$1"; }

client() {
  local user=$1
  shift
  mariadb --no-defaults --user="$user" --socket="$SOCKET" --default-character-set=utf8mb4 --batch --skip-column-names "$@"
}
