# shellcheck shell=bash
# Sourced by the install scripts: asks Debian's package manager for what is missing, or says what to type where it may not.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# The packages of "$@" that are not installed.
absent_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || printf '%s\n' "$package"
  done
}

# need_packages PURPOSE PACKAGE...: installs the absent ones. Where that is not allowed it prints the command and returns 1.
need_packages() {
  local purpose=$1 as=()
  shift
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "$purpose needs the equivalent of these Debian packages, and this machine has no apt-get: $*"
    return 1
  fi
  local absent
  mapfile -t absent < <(absent_packages "$@")
  if [ "${#absent[@]}" -eq 0 ]; then
    return 0
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      say "missing here: $purpose. This user may not install it; type:"
      say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${absent[*]}"
      return 1
    fi
    as=(sudo -n)
  fi
  say "installing ${absent[*]} ($purpose)"
  # The lock is waited for: another install on this machine is no reason to fail.
  local quiet=(-q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
  "${as[@]}" apt-get "${quiet[@]}" update >&2
  "${as[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get "${quiet[@]}" install -y --no-install-recommends "${absent[@]}" >&2
}
