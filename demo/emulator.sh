# shellcheck shell=bash
# Sourced: the local Google Sheets. Everything that the demo knows of its command line and of its own calls stands here.

EMULATOR=$TARGET/debug/sheets-emulator
PERSON=ada@example.com

# Starts it with a key file for the daemon, and makes a spreadsheet that is shared with the key's address, as on Google.
open_emulator() {
  local port robot
  port=$(free_port)
  GOOGLE=http://127.0.0.1:$port
  GOOGLE_KEY=$STAGE/google.json
  start emulator "$EMULATOR" --port "$port" --key-file "$GOOGLE_KEY"
  wait_until 20 grep '^serving ' "$STAGE/emulator.log" || give_up 'the local Google Sheets does not start'
  robot=$(jq -r .client_email "$GOOGLE_KEY")
  SPREADSHEET=$(ask POST /emulator/spreadsheets \
    "$(jq -n --arg owner "$PERSON" --arg robot "$robot" '{title: "Shop", $owner, editors: [$robot]}')" | jq -r .id)
  person "{kind: \"rename_tab\", title: \"$TAB\"}"
}

# Where a browser shows the spreadsheet.
sheet_page() { printf '%s/spreadsheets/%s?person=%s' "$GOOGLE" "$SPREADSHEET" "$PERSON"; }

# Installs the project's own script in the spreadsheet and connects it as a person does: by the menu and its questions.
connect_script() {
  local endpoint=$1 link=$2 secret=$3 files answers
  files=$(jq -n --rawfile code apps-script/Code.js --rawfile manifest apps-script/appsscript.json '{$code, $manifest}')
  ask PUT "$(spreadsheet)/script" "$files" >/dev/null
  ask POST "$(spreadsheet)/script/open" "$(jq -n --arg person "$PERSON" '{$person}')" >/dev/null
  answers=$(jq -n --arg person "$PERSON" --argjson sheet "$(tab_id)" '$ARGS.positional | map({button: "OK", text: .})
    | {item: "Connect", $person, $sheet, replies: (. + [{button: "OK", text: ""}])}' --args "$endpoint" "$link" "$secret")
  ask POST "$(spreadsheet)/script/menu" "$answers"
}

# person ACTION: the person does what the JSON object says, on the tab.
person() {
  ask POST "$(spreadsheet)/actions" "$(jq -n --arg person "$PERSON" --argjson sheet "$(tab_id)" \
    "{\$person, action: ({\$sheet} + $1)}")" >/dev/null
}

# The tab as it is shown, one line a row, cells parted by tabs; a line's end inside a cell reads \n. The demo's tab is far
# below the thousand rows that one call gives.
sheet_rows() {
  ask GET "$(spreadsheet)/page/$(tab_id)" | jq -r '.rows[] | map(.t? // "") | @tsv'
}

# The number of the tab in the spreadsheet: the first of a new one is 0, and keeps it however it is renamed or moved.
tab_id() { printf '0'; }

spreadsheet() { printf '/emulator/spreadsheets/%s' "$SPREADSHEET"; }

# ask METHOD PATH [JSON]
ask() {
  curl --noproxy "*" --silent --show-error --fail-with-body --request "$1" "$GOOGLE$2" ${3:+--header 'content-type: application/json' --data-binary "$3"}
}
