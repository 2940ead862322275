# shellcheck shell=bash
# Sourced: the daemon, with exactly the grants and the kind of configuration that a real host gives it.

SHEETBRIDGE=$TARGET/debug/sheetbridge
TABLE=shop.orders
TAB=orders
LINK=orders

open_daemon() {
  local port
  port=$(free_port)
  ENDPOINT=http://127.0.0.1:$port
  grant_least
  # 32 bytes of chance, in the form of Standard Webhooks.
  LINK_SECRET=whsec_$(head -c 32 /dev/urandom | base64 -w 0)
  (umask 077 && printf '%s' "$LINK_SECRET" >"$STAGE/link-secret")
  configuration "$port" >"$STAGE/sheetbridge.toml"
  "$SHEETBRIDGE" check-config --config "$STAGE/sheetbridge.toml" >"$STAGE/check.log" 2>&1 || { cat "$STAGE/check.log"; exit 1; }
  start daemon "$SHEETBRIDGE" run --config "$STAGE/sheetbridge.toml"
  wait_until 20 listening "$port" || give_up 'the daemon does not start'
}

grant_least() {
  root_sql 'CREATE USER sheetbridge@localhost'
  sed -e 's/{user}/sheetbridge/g' -e 's/{host}/localhost/g' -e 's/{state}/sheetbridge/g' \
    -e "s/{app}/${TABLE%.*}/g" -e "s/{table}/${TABLE#*.}/g" sql/grants-mariadb.sql | root_sql
}

configuration() {
  cat <<END
[mysql]
socket = "$SOCKET"
user = "sheetbridge"

[google]
key_file = "$GOOGLE_KEY"
base_address = "$GOOGLE"
token_url = "$(jq -r .token_uri "$GOOGLE_KEY")"

[endpoint]
listen = "127.0.0.1:$1"

[[link]]
name = "$LINK"
table = "$TABLE"
spreadsheet = "$SPREADSHEET"
tab = "$TAB"
deletes = "apply"
secret_files = ["$STAGE/link-secret"]
END
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
