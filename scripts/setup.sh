#!/usr/bin/env bash
# Makes .venv and installs the project into it. Does nothing while pyproject.toml, the Python and the place are the same.
#   scripts/setup.sh run    what the command needs, with proxies to run
#   scripts/setup.sh dev    and what tests and checks need
# PYTHON names the interpreter to use (default python3).
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-dev}
python=${PYTHON:-python3}
venv=.venv

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

command -v "$python" >/dev/null || fail "no $python here. On Debian: apt-get install python3 python3-pip"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$("$python" --version) is too old: 3.11 or newer is needed. Name another by PYTHON=/path/to/python make ..."

identity='import sys; print(sys.version, sys.base_prefix)'
stamp=$({ "$python" -c "$identity"; pwd; cat pyproject.toml; } | cksum | tr ' ' -)
if [ -e "$venv/.dev-$stamp" ] || [ -e "$venv/.$what-$stamp" ]; then exit 0; fi

has_pip() { "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

make_venv() {
  "$python" -m venv "$venv" >/dev/null 2>&1 && return
  # Debian keeps ensurepip in a package of its own; the Python's own pip can install from outside.
  if [ "$(command -v "$python")" = /usr/bin/python3 ] && scripts/packages.sh --quiet python3-venv; then
    rm -rf "$venv"
    "$python" -m venv "$venv" >/dev/null 2>&1 && return
  fi
  rm -rf "$venv"
  "$python" -m pip --version >/dev/null 2>&1 ||
    fail "no way to make a virtual environment: apt-get install python3-venv (or python3-pip)"
  "$python" -m venv --without-pip "$venv" ||
    fail "$python cannot make a virtual environment: apt-get install python3-venv, or pip install --user virtualenv"
}

install() {
  local log=$venv/install.log
  if has_pip; then set -- "$venv/bin/python" -m pip "$@"; else set -- "$python" -m pip --python "$venv/bin/python" "$@"; fi
  "$@" --quiet --disable-pip-version-check --no-input >"$log" 2>&1 ||
    { cat "$log" >&2; fail "pip could not install what pyproject.toml names (see above)"; }
}

if [ "$("$venv/bin/python" -c "$identity" 2>/dev/null)" != "$("$python" -c "$identity")" ]; then
  echo "setup: making $venv"
  rm -rf "$venv"
  make_venv
fi
echo "setup: installing into $venv (half a minute, once)"
case $what in
  run) install install --editable '.[local]' ;;
  dev) install install --editable '.[dev]' ;;
  *) fail "unknown: $what (run or dev)" ;;
esac
rm -f "$venv"/.run-* "$venv"/.dev-*
touch "$venv/.$what-$stamp"
