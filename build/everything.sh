#!/usr/bin/env bash
# everything.sh: all that must hold before a change lands, as CI runs it, each step with its seconds. Steps go on after a
# failure, so that one run tells everything; the exit status and the last line tell the sum. The linter is compiled in
# the background, since that takes longest on a new machine.
set -uo pipefail
cd "$(dirname "$0")/.."
set -m # each background lane is a process group, so that its end is the end of all it started

work=$(mktemp -d)
tally=$work/tally
began=$SECONDS
lanes=()
finish() {
  for lane in "${lanes[@]}"; do kill -- "-$lane" 2>/dev/null; done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# step NAME COMMAND …: runs the command; its output appears in one piece when it ends.
step() {
  local name=$1 from=$SECONDS status=0 log=$work/$1.log
  shift
  "$@" >"$log" 2>&1 </dev/null || status=$?
  {
    flock 9
    echo "== $name ($((SECONDS - from)) s)$([ $status = 0 ] || echo ": FAILED, status $status")"
    cat "$log"
    echo "$name $status $((SECONDS - from))" >>"$work/steps"
  } 9>>"$work/lock"
  return $status
}
# target NAME: a make target, without make's own words.
target() { make --no-print-directory "$@"; }

export LATCHKEY_REQUIRE=all LATCHKEY_TALLY=$tally NO_COLOR=1
: >"$tally"
target build/tools/bin/ledger || exit 1 # once, before several want it

# Lane 1: the linter, then lint: neither needs a system package. Nice, because the tests beside it look at the clock.
(
  step linter nice -n 15 make --no-print-directory linter && step lint nice -n 10 make --no-print-directory lint
) &
lanes+=($!)

# Lane 2: front-end packages and all that hangs on Node alone.
(
  step front-end-packages target node_modules && {
    step front-end-build target ui-build
    step front-end-check target ui-check
    step front-end-tests target ui-test
  }
  step client-packages target client-modules
) &
ui=$!
lanes+=($ui)

if ! step packages target packages; then
  echo "Without these nothing below can be judged."
  exit 1
fi
step format target fmt-check
step tools target tools-test
step rows target rows
step vet target vet
step headless target headless
step elsewhere target elsewhere
wait $ui
step window-build target window vet-window
step browser-tests target e2e &
browser=$!
lanes+=($browser)
step go-tests target race
wait # for the linter and the browser too: the window tests look at one screen and at the clock
step window-tests target window-test

echo "== steps"
failed=0 passed=0
while read -r name status seconds; do
  printf '  %-20s %4d s  %s\n' "$name" "$seconds" "$([ "$status" = 0 ] && echo ok || echo FAILED)"
  [ "$status" = 0 ] && passed=$((passed + 1)) || failed=$((failed + 1))
done <"$work/steps"
echo "  all in $((SECONDS - began)) s"
if [ ! -s "$tally" ]; then
  echo "No test was counted." >&2
  exit 1
fi
# A step that fails without a failed test of its own still is a failure to be counted.
grep -q ' [1-9][0-9]* [0-9]*$' "$tally" || [ $failed = 0 ] || echo "steps 0 $failed 0" >>"$tally"
build/tools/bin/ledger sum -tally "$tally" || failed=1
[ $failed = 0 ]
