#!/bin/sh
# page.sh STAGE [FOLDER] - try the page in headless Chromium, on the cluster that STAGE starts; with
# FOLDER, make the pictures there instead. Exit code 77, skipped, without Chromium or playwright-core.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
skip () { echo "skipped: $1; scripts/page-test.sh installs it"; exit 77; }
[ -x /usr/bin/chromium ] || skip "no /usr/bin/chromium here"
command -v node > /dev/null || skip "no node here"
[ -d "$here/node_modules/playwright-core" ] || skip "no playwright-core here"
profile=$(mktemp -d "${TMPDIR:-/tmp}/hf-page-XXXXXX")
trap 'rm -rf "$profile"' EXIT
script=test.mjs
[ $# -lt 2 ] || script=pictures.mjs
node "$here/$script" "$1" "$profile" "${2:-}"
