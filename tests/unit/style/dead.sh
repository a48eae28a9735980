#!/bin/sh
# dead.sh ROOT BUILD - no source that nothing builds, no header that nothing includes, no function of
# the product that nothing else calls (make it static, or delete it) or that only tests call.
# What the message table makes, the library's own interface and *_check may be there for tests alone.
# The clients in bench/peers are built only where somebody asks for them.
set -eu
root=$1
build=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/hf-dead-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$root"

find base msgs broker-less nodes client bench tests -name '*.c' ! -path 'bench/peers/*' | sort > "$work/sources"
sed -n 's|^ *"file": "\(.*\)",*$|\1|p' "$build/compile_commands.json" | sed "s|^$root/||" | sort -u > "$work/built"
comm -23 "$work/sources" "$work/built" | sed 's/$/: nothing builds it/' > "$work/report"

find base msgs broker-less nodes client bench tests -name '*.h' > "$work/headers"
while read -r header; do
    grep -rqE "include[[:space:]]+\"([a-z/.-]*/)?$(basename "$header")\"" base msgs broker-less nodes client bench tests ||
        echo "$header: nothing includes it" >> "$work/report"
done < "$work/headers"

# kind, object, letter, symbol: one line for each symbol of each object.
sed -n 's|.* -o \([^ ]*\.o\) -c .*|\1|p' "$build/compile_commands.json" | sort -u |
    sed "s|^|$build/|" | while read -r object; do
    case $object in
    *_mutants*) kind=mutants ;; #  a deliberate mistake may call what nothing else does
    */tests/* | *test_*.o) kind=test ;;
    */bench/*) kind=bench ;;
    *) kind=product ;;
    esac
    nm "$object" 2> /dev/null | awk -v kind=$kind -v object="$(basename "$object" .o)" '
        NF == 3 && $2 == "T" { print kind, object, "T", $3 }
        NF == 2 && $1 == "U" { print kind, object, "U", $2 }'
done > "$work/symbols"
[ -s "$work/symbols" ] || { echo "no objects under $build"; exit 1; }
sed -n 's/^ *\(hf_[a-z_0-9]*\);.*/\1/p' client/holdfast.map > "$work/public"
# Looks into a thing, for its tests and the simulator.
looks='_service_(core|view|state|durable)$|_store_(dirty|written)$|_(connected|changed_rows|found_sum|term_at|pipe_send)$|hf_quorum_'
awk -v public="$work/public" -v looks="$looks" '
    BEGIN { while ((getline name < public) > 0) free[name] = 1 }
    $3 == "T" && $1 == "product" && $4 ~ /^hf_/ { defined[$4] = $2 }
    $3 == "U" { used[$4] = 1; if ($1 != "test") needed[$4] = 1 }
    END {
        for (name in defined) {
            if (name in free || name ~ /_(put|get|frame|check)$/ || name ~ looks) continue
            if (!(name in used)) print defined[name] ": nothing else calls " name
            else if (!(name in needed)) print defined[name] ": only tests call " name
        }
    }' "$work/symbols" | sort >> "$work/report"
cat "$work/report"
[ ! -s "$work/report" ]
