# shellcheck shell=bash
# Sourced by the fetch scripts: programs of another Debian release in a folder of their own, with that release's own loader and
# libraries, so that they run on this one and nothing is installed.
# Sets up $work, which the caller makes and removes: what comes of it is $work/root.

# The mirror that this machine's apt already uses for Debian.
debian_mirror() {
  local mirror
  # The $(…) is apt's own format, not the shell's.
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -E '/debian/?$' | head -n 1 || true)
  printf '%s\n' "${mirror:-http://deb.debian.org/debian/}"
}

# A mirror that lags behind is good enough to test against: its signature is checked, its date is not.
private_apt() {
  apt-get -q -o Acquire::Check-Valid-Until=false -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o Debug::NoLocking=1 -o APT::Install-Recommends=false -o APT::Sandbox::User="$(id -un)" "$@" >&2
}

# need_tools VARIABLE: what this way needs of the machine, or the variable that names a server instead.
need_tools() {
  local tool
  for tool in apt-get dpkg; do
    command -v "$tool" >/dev/null || { say "needs $tool (Debian); or name a server in $1"; exit 1; }
  done
}

# unpack_release RELEASE PACKAGE...: downloads the packages with all that they need, and unpacks them.
unpack_release() {
  local release=$1 archive
  shift
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  : > "$work/status"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$(debian_mirror)" "$release" \
    > "$work/sources.list"
  private_apt update
  private_apt -y -d install "$@"
  for archive in "$work"/cache/archives/*.deb; do
    dpkg -x "$archive" "$work/root"
  done
}

# version_of PACKAGE: the upstream version that was unpacked, without epoch and what Debian adds.
version_of() {
  local version
  version=$(dpkg-deb -f "$work"/cache/archives/"$1"_*.deb Version)
  version=${version#*:}
  printf '%s\n' "${version%%[-+]*}"
}

# starter PLACE OPTION...: the text of a program that starts root's PLACE by root's own loader; the options, in which $root stands
# for the folder, come before what it is called with, and --no-defaults before them all where the caller or an option says so.
starter() {
  local place=$1 option options=''
  shift
  for option in "$@"; do options+=" \"$option\""; done
  # shellcheck disable=SC2016
  printf '%s\n' '#!/usr/bin/env bash' \
    'root=$(readlink -f "$0")' \
    'while [ ! -e "$root/.release" ]; do root=$(dirname "$root"); done' \
    'libraries=$(dirname "$(ls "$root"/usr/lib/*/ld-linux-*.so.*)")' \
    '[ "${1:-}" != --no-defaults ] || shift' \
    "exec \"\$libraries\"/ld-linux-*.so.* --library-path \"\$libraries\" \"\$root/$place\"$options \"\$@\""
}

# keep TARGET: the finished folder takes its place, whole or not at all; a second fetch at the same time may have been first.
keep() {
  touch "$work/root/.release"
  mv -T "$work/root" "$1" 2>/dev/null || [ -d "$1/bin" ]
}
