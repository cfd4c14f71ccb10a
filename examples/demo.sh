#!/usr/bin/env bash
# The whole of it on one machine, with the real command: a commit becomes applied and recorded state on three clusters.
# Needs .venv (make setup) and git. Everything it makes lies in one new temporary folder, which it names.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
export PATH="$here/.venv/bin:$PATH" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export COLUMNS=${COLUMNS:-120}
started=$SECONDS

say() { printf '%s\n' "$*"; }
heading() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || heading() { printf '\n== %s\n' "$*"; }
stop() { printf '\ndemo: %s\n' "$*" >&2; exit 1; }

# print_command COMMAND...: as somebody would type it.
print_command() {
  local word line='$'
  for word; do
    case $word in *[!A-Za-z0-9_./=:,@+-]*) line+=" '$word'" ;; *) line+=" $word" ;; esac
  done
  say "$line"
}
# shown CODE COMMAND...: prints the command, runs it, and stops unless it ends with that exit code.
shown() {
  local wanted=$1 code=0
  shift
  print_command "$@"
  "$@" </dev/null || code=$?
  [ "$code" = "$wanted" ] || stop "this ended with exit code $code, where $wanted was expected: $*"
  [ "$code" = 0 ] || say "(exit code $code)"
}
# commit NAME MESSAGE: everything that changed, as this person.
commit() {
  export GIT_AUTHOR_NAME=$1 GIT_AUTHOR_EMAIL=${1,,}@shop.example GIT_COMMITTER_NAME=$1 GIT_COMMITTER_EMAIL=${1,,}@shop.example
  shown 0 git commit --quiet --all --message "$2"
}

command -v reconciler >/dev/null || stop "no command reconciler: run 'make run', which sets it up first"
command -v git >/dev/null || stop "no git: apt-get install git"

demo=$(mktemp -d "${TMPDIR:-/tmp}/reconciler-demo.XXXXXX")
export RECONCILER_STATE=$demo/state
mkdir "$demo/fleet"
cd "$demo/fleet"

heading "A repository: three clusters in two virtual meshes, and the policies of a small shop"
say "It lies in $demo/fleet; the state and the audit trail in $demo/state."
mkdir examples
cp -R "$here/desired-state" "$here/policies" .
cp -R "$here/examples/shop" examples/shop
echo "/.clusters/" >.gitignore # where the clusters lie, as folders of YAML files
git init --quiet --initial-branch main
git add --all
commit Ada "The shop on three clusters"
shown 0 git --no-pager log --oneline

heading "What would happen? A plan writes nothing"
shown 2 reconciler plan --repo . --limit eu-1
say "The same for the two others: reconciler plan --repo ."

heading "Make it so, on all three"
shown 0 reconciler apply --repo .

heading "The new reviews service does well: half of the calls go to it, by a commit"
shown 0 sed -i 's/v1: 90, v2: 10/v1: 50, v2: 50/' policies/traffic/reviews-canary.yaml
shown 2 reconciler plan --repo .
commit Grace "reviews: half of the calls go to v2"
shown 0 reconciler apply --repo .

heading "At night somebody edits a live object by hand"
live=$(grep -rlE 'weight: 50' .clusters/eu-1 | LC_ALL=C sort | head -n 1)
[ -n "$live" ] || stop "no live object in .clusters/eu-1 carries the new weight"
shown 0 sed -i 's/timeout: 3s/timeout: 30s/' "$live"
say "Nothing in Git asks for that. It is drift, and it is reported:"
shown 2 reconciler drift --repo .

heading "The next run heals it"
shown 0 reconciler apply --repo .

heading "How it stands, and what happened"
shown 0 reconciler status
shown 0 reconciler audit log --limit 10

heading "Where does this object come from, and is the trail whole?"
shown 0 reconciler audit blame "VirtualService shop/reviews"
shown 0 reconciler audit verify

heading "That was all of it, in $((SECONDS - started)) seconds"
cat <<NEXT
Go on from here:
  cd $demo/fleet && export RECONCILER_STATE=$demo/state PATH=$here/.venv/bin:\$PATH
  \$EDITOR policies/traffic/reviews-canary.yaml     change something, do not commit it
  reconciler validate --repo .                     is it right? (every mistake at once, with file and line)
  reconciler plan --repo .                         what would it do, field by field, on which cluster?
  reconciler run --repo .                          commit it, and let it reconcile by itself
  reconciler --help
The first policy of your own: README.md. What can be written in one: docs/api.md.
NEXT
