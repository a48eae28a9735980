#!/usr/bin/env bash
# page-test.sh [--pictures] - try the page of holdfastd --http in headless Chromium; --pictures makes
# docs/page-*.png anew as well, which takes some minutes: curves want time.
#
# Installs what it needs the first time: Chromium, and playwright-core from npm in tests/page (it is
# used for nothing else). scripts/test.sh runs the same test when both are there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' scripts/page-test.sh | sed '/^set/d'
    exit 0
fi
. scripts/packages.sh
hf_need_packages $HF_BUILD_PACKAGES $HF_PAGE_PACKAGES
command -v npm > /dev/null || hf_need_packages nodejs npm
[[ -d tests/page/node_modules/playwright-core ]] ||
    (cd tests/page && npm ci --ignore-scripts --no-audit --no-fund)
echo "== building (build/release)"
mkdir -p build
if ! { cmake --preset release && cmake --build --preset release -j "$(nproc)" \
    --target page_stage; } > build/page-test.log 2>&1; then
    cat build/page-test.log
    exit 1
fi
sh tests/page/page.sh build/release/tests/page/page_stage
if [[ ${1:-} == --pictures ]]; then
    sh tests/page/page.sh build/release/tests/page/page_stage docs
fi
