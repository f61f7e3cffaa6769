# tests/cli/exit_status_is_the_programs_own.sh -- and where it never ran, what a shell would give.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

for status in 0 1 7 126 255; do
  run $status "$MIDDEN" run -- sh -c "exit $status"
  said err "exit status $status,"
done

# 128 + signal is what a shell makes of a death by signal: ask wait itself.
cat >how.py <<'P'
import subprocess, sys
print(subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode)
P
ulimit -c unlimited 2>/dev/null || :
for signal in TERM KILL SEGV ABRT INT QUIT USR1 PIPE; do
  got=$($python how.py "$MIDDEN" run -- sh -c "kill -$signal \$\$")
  number=$($python -c "import signal; print(int(signal.SIG$signal))")
  [ "$got" = "-$number" ] || fail "after SIG$signal python saw $got"
done
run 139 "$MIDDEN" run -- sh -c 'kill -SEGV $$'
said err "killed by SIGSEGV"

run 127 "$MIDDEN" run -- no-such-program
said err "midden: there is no program 'no-such-program': give a path, or a name that is in PATH"
run 127 "$MIDDEN" run ./no-such-program
run 126 "$MIDDEN" run /etc/passwd
said err "midden: '/etc/passwd' cannot be run: it is no program, or its permissions forbid it"
run 126 "$MIDDEN" run /
echo '#!/no/such/interpreter' >script
chmod +x script
run 126 "$MIDDEN" run ./script
said err "what its first line or its header names to run it is not there"
run 127 "$MIDDEN" run "$(printf '%5000s' | tr ' ' x)"
said err "midden: there is no program of this name: it is longer than a path can be"
[ "$(find midden -name '*.feed' | wc -l)" -eq 0 ] || fail "feeds were left behind"

# A text without a first line of its own is a script for the shell, as for execvp.
printf 'exit 5\n' >plain
chmod +x plain
run 5 "$MIDDEN" run ./plain

# A program that begins with a dash needs the two dashes before it, others do not.
cp /bin/true ./-true
PATH="$PWD:$PATH" run 0 "$MIDDEN" run -- -true
run 0 "$MIDDEN" run true --help
