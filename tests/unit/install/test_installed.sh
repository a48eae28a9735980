#!/bin/sh
# test_installed.sh BUILD COMPILER LIBDIR FLAGS - install BUILD into an empty prefix, and use the
# library as a stranger does: by pkg-config, and by find_package. FLAGS: of the build's sanitizers.
set -eu
build=$1 cc=$2 libdir=$3 flags=$4
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
fail ()
{
    echo "$*" >&2
    exit 1
}

cmake --install "$build" --prefix "$there/usr" > "$there/log" 2>&1 || fail "$(cat "$there/log")"
lib=$there/usr/$libdir
#  Only what was installed can be found: no .pc file of another library.
export PKG_CONFIG_LIBDIR="$lib/pkgconfig" PKG_CONFIG_PATH=

cflags=$(pkg-config --cflags holdfast)
case $cflags in
*-D* | *-I*-I*) fail "pkg-config --cflags gives more than a folder: $cflags" ;;
esac

#  The examples, from their place, with what pkg-config says; no header of this tree is near.
cd "$there/usr/share/doc/holdfast/examples"
count=0
for example in *.c; do
    "$cc" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Werror $flags "$example" $cflags \
        $(pkg-config --libs holdfast) -o "$there/${example%.c}"
    count=$((count + 1))
done
[ "$count" -ge 9 ] || fail "only $count examples are installed"
said=$(LD_LIBRARY_PATH=$lib "$there/example" wrong 2>&1) && fail "it took a wrong list"
case $said in
*'not of the form'*) ;;
*) fail "the example says: $said" ;;
esac

#  CMake's way.
mkdir "$there/user"
cat > "$there/user/CMakeLists.txt" << 'END'
cmake_minimum_required (VERSION 3.25)
project (user LANGUAGES C)
find_package (holdfast REQUIRED)
add_executable (user user.c)
target_link_libraries (user PRIVATE holdfast::holdfast)
END
cat > "$there/user/user.c" << 'END'
#include <hf_semaphore.h>
#include <holdfast.h>
#include <string.h>

int
main (void)
{
    return strlen (hf_status_text (HF_OK)) == 0;
}
END
{
    cmake -S "$there/user" -B "$there/user/build" -G Ninja -DCMAKE_C_COMPILER="$cc" \
        -DCMAKE_C_FLAGS="$flags" -DCMAKE_PREFIX_PATH="$there/usr" && cmake --build "$there/user/build"
} > "$there/log" 2>&1 || fail "$(cat "$there/log")"
"$there/user/build/user" || fail "the program of find_package does not run"

#  What the Debian package says that the library has, and since when, is what it has.
symbols=$(dirname "$0")/../../../debian/libholdfast0.symbols
nm -D --defined-only "$lib/libholdfast.so.0" | awk '$2 == "T" { sub (/@.*/, "", $3); print $3 }' | sort > "$there/has"
sed -n 's/^ \(hf_[a-z_]*\)@.*/\1/p' "$symbols" | sort > "$there/says"
[ -s "$there/has" ] || fail "nm finds no functions in the library"
diff "$there/says" "$there/has" || fail "debian/libholdfast0.symbols (<) is not what the library exports (>)"

for file in bin/holdfast bin/holdfastd share/man/man1/holdfast.1 share/man/man8/holdfastd.8 \
    share/bash-completion/completions/holdfast share/bash-completion/completions/holdfastd \
    share/zsh/site-functions/_holdfast; do
    [ -e "$there/usr/$file" ] || fail "$file is not installed"
done

#  The unit names what was installed, starts it as its options allow, and lets it do little.
unit=$there/usr/lib/systemd/system/holdfastd.service
[ -e "$there/usr/lib/sysusers.d/holdfastd.conf" ] || fail "the user of the unit is not installed"
program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$unit")
[ "$program" = "$there/usr/bin/holdfastd" ] || fail "the unit starts $program"
"$program" --check --config "$there/usr/share/doc/holdfast/holdfastd.conf" > "$there/log" 2>&1 ||
    fail "the example of a configuration: $(cat "$there/log")"
if command -v systemd-analyze > /dev/null; then
    systemd-analyze security --offline=true --no-pager --threshold=15 "$unit" > "$there/log" 2>&1 ||
        fail "the unit lets the node do much: $(cat "$there/log")"
fi
