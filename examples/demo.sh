#!/usr/bin/env bash
# The whole of it on one machine, on live traffic: commits become what real proxies do, in three small clusters.
#   examples/demo.sh [--keep]      --keep leaves the mesh running at the end
# Needs .venv (make setup-run), git, curl and pgrep. All it makes lies in one new temporary folder, which it names.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
export PATH="$here/.venv/bin:$PATH" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null no_proxy='*' NO_PROXY='*'
export COLUMNS=${COLUMNS:-100}
unset RECONCILER_STATE
keep=${KEEP:-}; [ "${1:-}" != --keep ] || keep=1
bound=120 # seconds that anything may take at most
mesh= demo=

say() { printf '%s\n' "$*"; }
heading() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || heading() { printf '\n== %s\n' "$*"; }
stop() {
  printf '\ndemo: %s\n' "$*" >&2
  [ -z "$mesh" ] || tail -n 20 "$demo/up.log" >&2
  exit 1
}
end_mesh() { [ -z "$mesh" ] || { kill -TERM "$mesh" 2>/dev/null || true; wait "$mesh" || true; }; }
trap end_mesh EXIT
trap 'exit 130' INT TERM

# shown CODE LINE: prints a command line, runs it, and stops unless it ends with that exit code.
shown() {
  local code=0
  say "\$ $2"
  bash -c "set -o pipefail; $2" </dev/null 2>&1 || code=$?
  [ "$code" = "$1" ] || stop "this ended with exit code $code, where $1 was expected: $2"
  [ "$code" = 0 ] || say "(exit code $code)"
}
# commit NAME MESSAGE: everything that changed, as this person.
commit() {
  export GIT_AUTHOR_NAME=$1 GIT_AUTHOR_EMAIL=${1,,}@shop.example GIT_COMMITTER_NAME=$1 GIT_COMMITTER_EMAIL=${1,,}@shop.example
  shown 0 "git commit --quiet --all --message '$2'"
}
# waited WHAT COMMAND...: until the command succeeds, with a dot for each second on a terminal.
waited() {
  local what=$1 since=$SECONDS begun=${EPOCHREALTIME/[.,]/} dots=0
  shift
  [ ! -t 1 ] || printf '  %s ' "$what"
  until "$@" >/dev/null 2>&1; do
    [ $((SECONDS - since)) -lt $bound ] || stop "this did not come true within $bound s: $what"
    [ -z "$mesh" ] || kill -0 "$mesh" 2>/dev/null || stop "the mesh has ended by itself"
    [ ! -t 1 ] || [ $((SECONDS - since)) -le $dots ] || { dots=$((dots + 1)); printf .; }
    sleep 0.1
  done
  local tenths=$(((${EPOCHREALTIME/[.,]/} - begun) / 100000))
  [ ! -t 1 ] || printf '\r'
  printf '  %s: after %d.%d s\n' "$what" $((tenths / 10)) $((tenths % 10))
}
answers() { [ "$(curl -s -m 5 -o /dev/null -w '%{http_code}' -H "Host: $2" "$3")" = "$1" ]; }
has() { grep -q -- "$@"; }
lacks() { ! grep -q -- "$@"; }
# version N: how many of 100 calls to reviews the version N answered.
version() { curl -s -m 30 -H 'Host: reviews.shop' "$web?[1-100]" | grep -o "reviews-$1" | wc -l; }
near_half() { local count; count=$(version v2) && [ "$count" -ge 30 ] && [ "$count" -le 70 ]; }

for tool in reconciler git curl pgrep; do
  command -v $tool >/dev/null || stop "no command $tool here: run 'make run', which sets everything up first"
done
demo=$(mktemp -d "${TMPDIR:-/tmp}/reconciler-demo.XXXXXX")
mkdir "$demo/fleet"
cd "$demo/fleet"
cp -R "$here/desired-state" "$here/policies" .
taken() { curl -s -m 2 -o /dev/null "http://127.${net}1.1.10:8080/"; }
net= # other loopback addresses where those of the sample are taken
! taken || net=25
! taken || stop "two meshes of this sample run on this machine already: end one"
[ -z "$net" ] || find desired-state -name '*.yaml' -exec sed -i "s/127\.\([123]\)\./127.$net\1./g" {} +
web=http://127.${net}1.2.11:15001/ gateway=http://127.${net}1.1.10:8080/ america=http://127.${net}2.2.11:15001/

heading "A repository: three clusters in two virtual meshes, and the policies of a small shop"
say "It lies in $demo/fleet, with all that belongs to it."
printf '/.mesh/\n/.local/\n' >.gitignore # the proxies' files, and what local up needs
git init --quiet --initial-branch main
git add --all
commit Ada "The shop"
shown 0 "git --no-pager log --oneline"

heading "A mesh of it, on this machine: a real Envoy beside each service, and the daemon that obeys the commits"
say "\$ reconciler local up &"
reconciler local up >"$demo/up.log" 2>&1 &
mesh=$!
waited "proxies started, configured, and ready" has "Ask from outside" "$demo/up.log"
cat "$demo/up.log"

heading "Traffic goes through the proxies, over mTLS: nine of ten calls reach the old version of reviews"
shown 0 "curl -s -H 'Host: shop.example.org' $gateway | grep -o '\"workload\":\"[a-z]*\"'"
ask="curl -s -H 'Host: reviews.shop' '$web?[1-100]' | grep -o 'reviews-v[12]' | sort | uniq -c"
shown 0 "$ask"

heading "The new version does well: half of the calls go to it, by a commit"
shown 0 "sed -i 's/v1: 90, v2: 10/v1: 50, v2: 50/' policies/traffic/reviews-canary.yaml"
shown 2 "reconciler plan --limit eu-1"
commit Grace "reviews: half of the calls go to v2"
waited "traffic obeys the commit" near_half
shown 0 "$ask"

heading "An incident: the identity of web may not call reviews any more, by a commit"
cat >policies/access/incident.yaml <<'POLICY'
# yaml-language-server: $schema=../../reconciler/load/schemas/AccessPolicy.json
apiVersion: reconciler.dev/v1alpha1
kind: AccessPolicy
metadata: {name: incident}
spec: {action: Deny, from: [sa/web.shop], to: [reviews.shop]}
POLICY
shown 0 "tail -n 1 policies/access/incident.yaml"
git add policies
commit Ada "incident 42: web is shut out of reviews"
waited "traffic obeys the commit" answers 403 reviews.shop "$web"
shown 0 "curl -s -w ' (%{http_code})\n' -H 'Host: reviews.shop' $web"
shown 0 "git revert --no-edit HEAD >/dev/null"
waited "and takes it back" answers 200 reviews.shop "$web"

heading "At night somebody edits a proxy's file by hand, and Envoy refuses what they wrote"
shown 0 "reconciler pause --limit eu-1 --reason 'so that we can look at it before it is healed'"
routes=.mesh/eu-1/shop/web/routes/outbound.json
shown 0 "sed -i -e 's/\"timeout\": \"3s\"/\"timeout\": \"-3s\"/' -e 's/\"version_info\": .*/\"version_info\": \"mine\",/' $routes"
waited "the proxy refuses it" has rejected .mesh/eu-1/shop/web/proxy.log
say "The difference is drift, named field by field:"
shown 2 "reconciler drift --limit eu-1"
say "The last good configuration stays in force meanwhile:"
shown 0 "$ask"
shown 0 "reconciler resume --limit eu-1"
waited "healed by the daemon" lacks mine "$routes"

heading "A proxy is killed: the others are unharmed, and it comes back"
shown 0 "pkill -9 -f $demo/fleet/.mesh/eu-1/shop/reviews-v2/"
shown 0 "curl -s -o /dev/null -w '%{http_code}\n' -H 'Host: shop.example.org' '$gateway?[1-50]' | sort | uniq -c"
shown 0 "curl -s -o /dev/null -w '%{http_code}\n' -H 'Host: reviews.shop' '$america?[1-50]' | sort | uniq -c"
waited "reviews-v2 is back" near_half

heading "What happened, where does this come from, and is the trail whole?"
shown 0 "reconciler audit log --type 'object.*' --limit 3"
shown 0 "reconciler audit blame 'VirtualHost shop/web~outbound~reviews.shop.8080'"
shown 0 "reconciler audit verify"

heading "How it stands"
shown 0 "reconciler status"
shown 0 "reconciler inspect service reviews.shop --limit eu-1"

if [ -n "$keep" ]; then
  heading "That was all of it, in $SECONDS seconds; the mesh still runs"
  trap - EXIT
  cat <<NEXT
Go on from here:
  cd $demo/fleet && export PATH=$here/.venv/bin:\$PATH
  cat ../up.log                                    what to curl, and what the daemon says
  \$EDITOR policies/traffic/reviews-canary.yaml     change something
  reconciler validate                              is it right? (every mistake at once, with file and line)
  reconciler plan                                  what would it do, field by field, on which cluster?
  git commit -a                                    make it so
  kill $mesh                                       end the mesh
NEXT
  exit
fi
heading "The end: everything is stopped"
shown 0 "kill -INT $mesh"
wait "$mesh" || stop "the mesh ended with exit code $?"
mesh=
tail -n 1 "$demo/up.log"
! pgrep -f "$demo" >/dev/null || stop "this still runs: $(pgrep -fa "$demo")"
say "That was all of it, in $SECONDS seconds. What it made is in $demo, and nowhere else."
cat <<NEXT
Go on from here:
  make run KEEP=1          the same, and the mesh stays
  reconciler local up      in $demo/fleet: bring it up again
  reconciler --help        (export PATH=$here/.venv/bin:\$PATH)
The first policy of your own: README.md. What can be written in one: docs/api.md.
NEXT
