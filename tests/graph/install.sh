# tests/graph/install.sh -- memlab, as the lockfile names it, once for all build trees.
# SPDX-License-Identifier: MIT
set -eu
cd "$(dirname "$0")"
[ ! node_modules/.package-lock.json -nt package-lock.json ] || exit 0
npm ci --silent
touch node_modules/.package-lock.json
