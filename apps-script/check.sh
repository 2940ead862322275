#!/bin/sh
# Type-checks the script against Google's published types. The compiler is kept outside the repository.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${SHEETBRIDGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sheetbridge/apps-script}
mkdir -p "$cache"
if ! cmp -s "$here/package.json" "$cache/package.json" || [ ! -x "$cache/node_modules/.bin/tsc" ]; then
    rm -f "$cache/package.json"
    # The two packages by name and version; npm is not to look for a project in the cache.
    sed -n 's/^ *"\(@types\/google-apps-script\|typescript\)": "\(.*\)".*/\1@\2/p' "$here/package.json" \
        | (cd "$cache" && xargs npm install --silent --no-audit --no-fund --no-save --prefix "$cache")
    cp "$here/package.json" "$cache/package.json"
fi
exec "$cache/node_modules/.bin/tsc" --project "$here/tsconfig.json" --typeRoots "$cache/node_modules/@types"
