#!/usr/bin/env bash
# Fetch a genuine Consul server (1.8.7, package `consul` of Debian's bullseye) without installing it; five seconds, once.
#   setup.sh [BINDIR]   -> BINDIR/consul
# BINDIR is by default a cache folder where the tests look for it; with CONSUL_BINARY set they use that one instead.
# Environment: KAPI_MIRROR  Debian mirror (default: the one this machine's apt is set up with)
# Needs: apt-get, dpkg, flock (any Debian; amd64 or arm64).
set -euo pipefail
BIN=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/mesh-reconciler/consul-1.8.7}
[ -x "$BIN/consul" ] && exit 0
mkdir -p "$BIN"; BIN=$(cd "$BIN" && pwd)
for tool in apt-get dpkg flock; do
  command -v $tool >/dev/null || { echo "setup.sh: no $tool here: the recipe needs a Debian machine" >&2; exit 1; }
done
exec 9>"$BIN/.lock"; flock 9
[ -x "$BIN/consul" ] && exit 0
W=$(mktemp -d); trap 'rm -rf "$W"' EXIT
mkdir -p "$W"/{lists/partial,cache/archives/partial,state,debs}
M=${KAPI_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' "Created-By: Packages" |
  awk '$2 == "bookworm" && $3 == "main" {print $1; exit}')}
[ -n "$M" ] || { echo "setup.sh: apt knows no bookworm main archive here; set KAPI_MIRROR to one" >&2; exit 1; }
K=/usr/share/keyrings/debian-archive-keyring.gpg
if [ -r $K ]; then O="[signed-by=$K]"; else O="[trusted=yes]"; fi
printf 'deb %s %s bullseye main\n' "$O" "$M" > "$W/sources.list"
ag() { apt-get -q -o Dir::Etc::sourcelist="$W/sources.list" -o Dir::Etc::sourceparts=/dev/null \
  -o Dir::State="$W/state" -o Dir::State::status=/dev/null -o Dir::State::Lists="$W/lists" \
  -o Dir::Cache="$W/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"; }
ag update >"$W/log" 2>&1 && (cd "$W/debs" && ag download consul >>"$W/log" 2>&1) || { tail "$W/log" >&2; exit 1; }
dpkg -x "$W"/debs/consul_*.deb "$W/root"
install -m755 "$W/root/usr/bin/consul" "$BIN/.consul"; mv "$BIN/.consul" "$BIN/consul"
"$BIN/consul" version | head -1
