#!/usr/bin/env bash
# Installs Debian packages that are not there yet, and only those; says what is missing where it cannot.
#   scripts/packages.sh [--quiet] PACKAGE...      0: all there; 1: some are missing
set -euo pipefail
quiet=; [ "${1:-}" = --quiet ] && { quiet=1; shift; }

there() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] || by_command "$1"; }
by_command() {  # the same by another name or from elsewhere
  case $1 in
    git) command -v git ;;
    make) command -v make ;;
    curl) command -v curl ;;
    procps) command -v pgrep ;;
    openssh-client) command -v ssh && command -v ssh-keygen ;;
    openssh-server) [ -x /usr/sbin/sshd ] || command -v sshd ;;
    ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] ;;
    *) false ;;
  esac >/dev/null 2>&1
}

missing=()
for package in "$@"; do there "$package" || missing+=("$package"); done
[ ${#missing[@]} -eq 0 ] && exit 0

give_up() {
  [ -n "$quiet" ] || printf 'packages: missing: %s\n  %s\n  apt-get install %s\n' "${missing[*]}" "$1" "${missing[*]}" >&2
  exit 1
}
command -v apt-get >/dev/null || give_up "this is not a machine with apt; install them your way, on Debian it is"
if [ "$(id -u)" = 0 ]; then root=(env)
elif sudo -n true 2>/dev/null; then root=(sudo -n env)
else give_up "this user may not install packages; somebody who may should run"
fi

echo "packages: installing ${missing[*]}"
log=$(mktemp); trap 'rm -f "$log"' EXIT
apt() { "${root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null >>"$log" 2>&1; }
apt install --no-install-recommends "${missing[@]}" && exit 0
# The lists may be old or absent, as in a fresh container.
apt update && apt install --no-install-recommends "${missing[@]}" && exit 0
[ -n "$quiet" ] || tail -n 20 "$log" >&2
give_up "apt-get could not install them (see above)"
