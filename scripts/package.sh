#!/bin/sh
# package.sh [--version VERSION] - build the Debian packages, into build/packages/*.deb: holdfastd,
# holdfast, libholdfast0 and libholdfast-dev; then lintian looks at them.
#
# Installs what it needs the first time. It packs the working tree: what git knows, or would add.
# VERSION: another one than that of debian/changelog, for a trial of an upgrade.
set -eu
cd "$(dirname "$0")/.."
version=
case "${1:-}" in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' scripts/package.sh
    exit 0
    ;;
--version)
    version=$2
    ;;
'') ;;
*)
    echo "package.sh: unknown argument '$1'; see --help" >&2
    exit 64
    ;;
esac
. scripts/packages.sh
hf_need_packages $HF_BUILD_PACKAGES $HF_PACKAGE_PACKAGES

out=$PWD/build/packages
source=$out/source
mkdir -p "$source"
#  The old tree goes, but for what was built in it.
find "$source" -mindepth 1 -maxdepth 1 ! -name 'obj-*' -exec rm -rf {} +
git ls-files --cached --others --exclude-standard > "$out/files"
while read -r file; do
    [ ! -e "$file" ] || echo "$file"
done < "$out/files" | tar -cf - -T - | tar -xf - -C "$source"
rm "$out/files"
if [ -n "$version" ]; then
    sed -i "1s/(.*)/($version)/" "$source/debian/changelog"
fi

rm -f "$out"/*.deb "$out"/*.changes "$out"/*.buildinfo
echo "== build the packages"
if ! (cd "$source" && DEB_BUILD_OPTIONS="noautodbgsym parallel=$(nproc)" \
    dpkg-buildpackage -b -nc -us -uc) > "$out/log" 2>&1; then
    grep -nE 'error|dh_' "$out/log" | tail -n 20
    tail -n 20 "$out/log"
    exit 1
fi
echo "== lintian"
lintian --fail-on error,warning --allow-root "$out"/*.changes
for package in "$out"/*.deb; do
    echo "${package#"$PWD/"}"
done
