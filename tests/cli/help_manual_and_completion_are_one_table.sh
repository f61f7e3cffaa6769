# tests/cli/help_manual_and_completion_are_one_table.sh -- each verb and option is in all of them.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

"$MIDDEN" help >help
"$MIDDEN" --help | cmp - help || fail "--help is not help"
"$MIDDEN" help --man >midden.1
"$MIDDEN" help --completion bash >midden.bash
"$MIDDEN" help --completion zsh >_midden
"$MIDDEN" options >options
version=$(sed -n 's/.*MIDDEN_VERSION "\(.*\)"/\1/p' "$source/include/midden/version.h")
[ "$("$MIDDEN" --version)" = "midden $version" ] || fail "the version is not the header's"

verbs=$(sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' help)
[ "$(echo $verbs | wc -w)" -ge 4 ] || fail "help lists too few verbs"
for verb in $verbs; do
  "$MIDDEN" help $verb >one
  "$MIDDEN" $verb --help | cmp - one || fail "'$verb --help' is not 'help $verb'"
  said one "usage: midden $verb"
  said midden.1 ".SS midden $verb"
  said midden.bash " $verb"
  said _midden "'$verb:"
  for option in $(sed -n 's/^  \(--*[a-z-]*\).*/\1/p' one); do
    said midden.1 "$(echo "$option" | sed 's/-/\\-/g')"
    said midden.bash " $option"
    said _midden "'${option}["
  done
done
for option in $(sed -n 's/^  X(\([a-z_]*\),.*/\1/p' "$source/src/base/options.h"); do
  grep -q "^$option " options || fail "$option is not in midden options"
  said midden.1 ".BR $option "
  said midden.bash "$option="
done
! grep -q '.\{81\}' help options one || fail "help is wider than 80 columns"

# The shell takes it, and completes by it.
bash -n midden.bash
# complete WORD...: what is offered for the last.
complete() {
  bash -c '. ./midden.bash; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _midden 2>/dev/null
    echo "${COMPREPLY[*]}"' bash "$@"
}
[ "$(complete midden o)" = options ] || fail "o is not completed to options"
[ "$(complete midden run --js)" = --json ] || fail "--js is not completed to --json"
complete midden run -- pri | grep -q printf || fail "the program's name is not completed"
[ "$(complete midden run --option hea)" = heap_limit= ] || fail "an option's name is not completed"

# Written whole, or said so.
status=0
"$MIDDEN" help >/dev/full 2>err || status=$?
[ $status -eq 1 ] || fail "a full disk was not noticed"
said err "midden: standard output cannot be written"
