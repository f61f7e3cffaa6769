# tests/cli/findings_fail_a_run_that_asks_for_it.sh -- --fail-on, its status, and suppressions.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"
. "$(dirname "$0")/planted.inc"

churns
run 86 "$MIDDEN" run --quiet --fail-on leaked,churn:possible -- ./churns
said err "churn in blur"
run 5 "$MIDDEN" run --quiet --fail-on temporary:possible --fail-status 5 -- ./churns
run 0 "$MIDDEN" run --quiet --fail-on growing:possible,kernel -- ./churns
run 0 "$MIDDEN" run --quiet --fail-on double-buffering -- ./churns
[ ! -s err ] || fail "a run that does not fail speaks of it"

# The program's own status goes before.
program fails <<'P'
int main(void) { return 7; }
P
run 7 "$MIDDEN" run --quiet --fail-on churn -- ./fails

cat >known <<'S'
# what is known
temporary  bl?r     # in the hot loop
churn      */churns
S
run 0 "$MIDDEN" run --suppress known --fail-on churn:possible,temporary:possible -- ./churns
said err "2 suppressed"
not_said err "churn: blur"
printf 'churn other_*\n* libfoo.so*\n' >other
run 86 "$MIDDEN" run --quiet --suppress other --fail-on churn:possible -- ./churns

bad() {
  words=$1
  shift
  run 2 "$MIDDEN" run "$@" -- ./churns
  said err "midden: $words"
}
bad "there is no finding 'leak': did you mean 'leaked'?" --fail-on leak
bad "there is no finding 'xyzzy': 'midden help attach' lists the kinds" --fail-on growing,xyzzy
bad "'maybe' is no confidence: give possible, likely or certain" --fail-on leaked:maybe
bad "'0' is no exit status to fail with: give a number from 1 to 255" --fail-status 0
bad "'none' cannot be read: No such file or directory: name a file of suppressions" --suppress none
printf '\nleeked foo\n' >wrong
bad "'wrong', line 2: there is no finding 'leeked'" --suppress wrong
printf 'leaked\n' >wrong
bad "'wrong', line 1: behind 'leaked' the pattern is missing" --suppress wrong
