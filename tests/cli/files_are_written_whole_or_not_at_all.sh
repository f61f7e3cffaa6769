# tests/cli/files_are_written_whole_or_not_at_all.sh -- and what cannot be written is found out
# before the program starts.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

for option in --report --json --gc-log; do
  run 2 "$MIDDEN" run $option no/such/folder/file -- touch started
  said err "midden: 'no/such/folder/file' cannot be written: No such file or directory: name"
  run 2 "$MIDDEN" run $option . -- touch started
  said err "Is a directory"
  run 2 "$MIDDEN" run $option "$(printf '%300s' | tr ' ' x)" -- touch started
  said err "File name too long"
done
# Root may write anywhere, but for this.
bound=
[ "$(id -u)" -ne 0 ] || bound="setpriv --bounding-set=-dac_override,-dac_read_search"
mkdir -m 0500 closed
run 2 $bound "$MIDDEN" run --json closed/file -- touch started
said err "midden: 'closed/file' cannot be written: Permission denied: name another file"
run 2 $bound sh -c 'cd closed && exec "$@"' sh "$MIDDEN" record -- touch ../started
said err "cannot be written: Permission denied"
[ ! -e started ] || fail "a program was started"

# A full disk: /dev/full opens like a file and refuses each byte.  The program's own failure is the
# greater news; else the file's is.
run 1 "$MIDDEN" run --quiet --json /dev/full -- true
said err "midden: '/dev/full' could not be written: No space left on device"
run 9 "$MIDDEN" run --quiet --report /dev/full -- sh -c 'exit 9'
[ -c /dev/full ] || fail "/dev/full was replaced"

# What was there stays until the new file is whole, and a link stays a link.
echo old >real
ln -s real link
run 0 "$MIDDEN" run --quiet --json link -- cat real
said out old
[ -L link ] || fail "the link was replaced"
$python -m json.tool real >/dev/null || fail "real is no JSON"

# Standard output, also where it is a plain file.
"$MIDDEN" run --quiet --json /dev/stdout -- echo before >both
[ "$(head -n 1 both)" = before ] || fail "what the program wrote is gone"
sed 1d both | $python -m json.tool >/dev/null || fail "there is no JSON after it"

# A pipe is written in place.
mkfifo pipe
cat pipe >through &
run 0 "$MIDDEN" run --quiet --json pipe -- true
wait
$python -m json.tool through >/dev/null || fail "nothing whole came through the pipe"

[ -z "$(find . -name '.midden.*')" ] || fail "something was left beside"

# Nobody reads the report: the status is still the program's.
{ status=0; "$MIDDEN" run -- sh -c 'exit 4' 2>&1 || status=$?; echo $status >status; } | true
wait_for test -s status
[ "$(cat status)" = 4 ] || fail "with a closed pipe it ended with $(cat status)"
