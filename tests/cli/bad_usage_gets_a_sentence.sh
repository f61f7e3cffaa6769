# tests/cli/bad_usage_gets_a_sentence.sh -- and status 2, before anything is started.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

# bad SENTENCE ARGUMENTS...: that is all it says.
bad() {
  sentence=$1
  shift
  run 2 "$MIDDEN" "$@"
  [ "$(cat err)" = "midden: $sentence" ] || fail "'midden $*' did not say: $sentence"
  [ ! -s out ] || fail "'midden $*' wrote to standard output"
}

bad "a verb is missing: 'midden help' lists them"
bad "there is no verb 'runn': did you mean 'run'?" runn
bad "there is no verb 'option': did you mean 'options'?" option
bad "there is no verb 'xyzzy': 'midden help' lists what there is" xyzzy
bad "there is no option '--versoin': did you mean '--version'?" --versoin
bad "there is no verb 'hepl': did you mean 'help'?" help hepl
bad "'run' has no option '--josn': did you mean '--json'?" run --josn x touch started
bad "'run' has no option '--frobnicate': 'midden help run' lists them" run --frobnicate true
bad "--json needs a value: give it FILE" run --json
bad "--quiet takes no value: leave out '=1'" run --quiet=1 touch started
bad "a program is missing: midden run [OPTION]... [--] PROGRAM [ARGUMENT]..." run
bad "a program is missing: midden run [OPTION]... [--] PROGRAM [ARGUMENT]..." run --quiet --
bad "there is no option 'hardend': did you mean 'hardened'?" run --option hardend=1 touch started
bad "option hardened cannot be '2': give 0 to 1" run --option hardened=2 touch started
bad "option heap_limit cannot be '64Q': give 0 B to 128.0 TiB or cgroup" \
  run --limit 64Q touch started
bad "'ps' takes nothing more: leave out 'x'" ps x
bad "there is no completion for 'tcsh': give bash or zsh" help --completion tcsh
[ ! -e started ] || fail "a program was started"

# The misspelt name of every verb finds the verb.
for verb in run ps options help; do
  run 2 "$MIDDEN" "x$verb"
  said err "did you mean"
done
