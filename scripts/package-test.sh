#!/bin/sh
# package-test.sh - try the packages of scripts/package.sh on three clean Debians: install them, run a
# node in each, configured by file, that know each other by keys, upgrade one after the other while
# the others serve, purge them, and look whether anything is left.
#
# As root. debootstrap makes the clean root, from the mirror that this machine's apt uses, and it is
# kept in build/clean-root.tar for the next time. The nodes run in copies of it by chroot, without
# systemd, in one network of their own. Exit code 77: no packages, no debootstrap, no root, or no mirror.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' scripts/package-test.sh
    exit 0
    ;;
esac
skip ()
{
    echo "skipped: $*"
    exit 77
}
[ "$(id -u)" -eq 0 ] || skip "needs root"
command -v debootstrap > /dev/null || skip "needs debootstrap"
ls build/packages/*.deb > /dev/null 2>&1 || skip "no packages: scripts/package.sh builds them"
#  Mounts and the network are this process's own, and go with it.
if [ -z "${HF_UNSHARED:-}" ]; then
    unshare -m -n true 2> /dev/null || skip "no namespaces here"
    if [ ! -e build/clean-root.tar ]; then
        root=$(mktemp -d)
        mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
        echo "== a clean root from $mirror"
        #  With what the packages depend on, so that the rest needs no mirror.
        needs=$(for deb in build/packages/*.deb; do dpkg-deb -f "$deb" Depends; done | tr ',' '\n' |
            sed 's/|.*//; s/(.*//; s/ //g' | grep -v holdfast | sort -u | tr '\n' ',')
        debootstrap --variant=minbase --include="${needs}passwd" bookworm "$root" "$mirror" \
            > build/clean-root.log 2>&1 || { tail -n 3 build/clean-root.log; rm -rf "$root"; skip "no clean root"; }
        rm -rf "$root"/var/cache/apt/archives/*.deb
        tar -C "$root" -cf build/clean-root.tar.new . && mv build/clean-root.tar.new build/clean-root.tar
        rm -rf "$root"
    fi
    HF_UNSHARED=1 exec unshare -m -n sh "$0"
fi

#  In memory: they are written and thrown away within a minute.
base=$(mktemp -d)
mount -t tmpfs -o mode=755 clean-roots "$base"
pid_1='' pid_2='' pid_3=''
leave ()
{
    for pid in $pid_1 $pid_2 $pid_3; do
        kill -9 "$pid" 2> /dev/null || true
    done
    wait
    umount -l "$base"
    rmdir "$base"
}
trap leave EXIT
trap 'exit 130' INT TERM
fail ()
{
    echo "FAILED: $*" >&2
    tail -n 20 "$base"/node-*.log >&2 || true
    exit 1
}
#  ROOT COMMAND: in root 1, 2 or 3.
inside ()
{
    in_root=$base/$1
    shift
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$in_root" "$@"
}
#  The same, and what it says is shown only if it fails.
quietly ()
{
    inside "$@" > "$base/quietly.log" 2>&1 || fail "$*: $(cat "$base/quietly.log")"
}
#  All files but what dpkg, logs and caches keep of a package's having been there.
files ()
{
    (cd "$base/$1" && find . -xdev \( -path ./proc -o -path ./tmp -o -path ./var/lib/dpkg -o -path ./var/log -o \
        -path ./var/cache -o -path ./var/lib/systemd \) -prune -o -print | sort)
}
accounts ()
{
    (cd "$base/$1/etc" && grep -h holdfast passwd group shadow gshadow) || true
}

ip link set lo up 2> /dev/null || skip "no loopback in a network of its own"
for i in 1 2 3; do
    echo "== root $i: unpack, install"
    root=$base/$i
    mkdir "$root"
    tar -C "$root" -xf build/clean-root.tar
    chmod 755 "$root" #  as the folder was that it was made in, only root would get in
    mount -t proc proc "$root/proc"
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    mkdir -p "$root/tmp/debs"
    files $i > "$base/before-$i"
    cp build/packages/*.deb "$root/tmp/debs"
    quietly $i sh -c 'dpkg -i /tmp/debs/*.deb'
    [ "$(inside $i stat -c '%U %a' /var/lib/holdfast)" = "holdfast 700" ] || fail "the data folder is not the user's"
    quietly $i holdfastd --check --config /etc/holdfast/holdfastd.conf
    [ ! -e "$root/etc/systemd/system/multi-user.target.wants/holdfastd.service" ] || fail "the unit is enabled"
done

echo "== keys, made where they are used; the public ones go to all"
for i in 1 2 3; do
    quietly $i sh -ec "
        mkdir -p /etc/holdfast/keys/nodes /etc/holdfast/keys/clients
        cd /etc/holdfast
        holdfast keys new node-$i --node $i
        mv node-$i keys/nodes
        chown holdfast node-${i}_secret"
    cat > "$base/$i/etc/holdfast/holdfastd.conf" << END
# node $i
id = $i
data = "/var/lib/holdfast/$i"
key = "/etc/holdfast/node-${i}_secret"
@include "cluster.conf"
END
    echo "cluster = \"1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085\"
keys = \"/etc/holdfast/keys\"" > "$base/$i/etc/holdfast/cluster.conf"
done
quietly 1 sh -ec 'cd /etc/holdfast; holdfast keys new tester; mv tester keys/clients'
for from in 1 2 3; do
    for to in 1 2 3; do
        [ $from = $to ] || cp -r "$base/$from/etc/holdfast/keys" "$base/$to/etc/holdfast"
    done
done

echo "== three nodes"
as_user="setpriv --reuid $(inside 1 id -u holdfast) --regid $(inside 1 id -g holdfast) --clear-groups"
start ()
{
    #  One process from the shell to the node, so that it is the one that gets the signal.
    (exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$base/$1" $as_user \
        holdfastd --config /etc/holdfast/holdfastd.conf >> "$base/node-$1.log" 2>&1 < /dev/null) &
    eval "pid_$1=$!"
}
stop ()
{
    eval "kill \$pid_$1; wait \$pid_$1" || fail "node $1 ends with $?"
    eval "pid_$1=''"
}
tool ()
{
    inside 1 env HOLDFAST_ENDPOINTS=1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085 \
        HOLDFAST_KEYS=/etc/holdfast/keys HOLDFAST_KEY=/etc/holdfast/tester_secret timeout 60 holdfast "$@"
}
for i in 1 2 3; do
    inside $i $as_user holdfastd --check --config /etc/holdfast/holdfastd.conf || fail "node $i: --check"
    start $i
done
tool run --connect-timeout 30s first -c 'holdfast append ledger one' || fail "the first lock"
tool status || fail "status"
(HOLDFAST_KEY= inside 1 env HOLDFAST_ENDPOINTS=1@127.0.0.1 timeout 60 holdfast run -n x -- true) 2> /dev/null &&
    fail "it let one in who has no key"

echo "== upgrade, one node at a time"
version=$(dpkg-deb -f "$(ls build/packages/holdfastd_*.deb)" Version)
mkdir "$base/higher"
for deb in build/packages/*.deb; do
    dpkg-deb -R "$deb" "$base/tree"
    sed -i "s/$version/$version+1/" "$base/tree/DEBIAN/control"
    dpkg-deb -b "$base/tree" "$base/higher/$(basename "$deb")" > /dev/null
    rm -rf "$base/tree"
done
for i in 1 2 3; do
    stop $i
    cp "$base"/higher/*.deb "$base/$i/tmp/debs"
    quietly $i sh -c 'dpkg --force-confold -i /tmp/debs/*.deb'
    [ "$(inside $i dpkg-query -W -f '${Version}' holdfastd)" = "$version+1" ] || fail "root $i: not upgraded"
    tool run between -c "holdfast append ledger without-$i" || fail "without node $i"
    start $i
done
tool run last -c 'holdfast append ledger all' || fail "after the upgrade"
[ "$(tool cat ledger)" = "onewithout-1without-2without-3all" ] || fail "ledger: $(tool cat ledger)"

echo "== remove and purge"
for i in 1 2 3; do
    stop $i
    quietly $i dpkg -r holdfastd holdfast libholdfast-dev libholdfast0
    [ -e "$base/$i/var/lib/holdfast/$i/log.db" ] || fail "root $i: removing took the data"
    [ -e "$base/$i/etc/holdfast/holdfastd.conf" ] || fail "root $i: removing took the configuration"
    quietly $i dpkg -P holdfastd holdfast libholdfast-dev libholdfast0
    [ -e "$base/$i/etc/holdfast/node-${i}_secret" ] || fail "root $i: purging took a key that no package made"
    [ ! -e "$base/$i/etc/holdfast/holdfastd.conf" ] || fail "root $i: purging left the configuration"
    rm -r "$base/$i/etc/holdfast"
    files $i > "$base/after-$i"
    diff "$base/before-$i" "$base/after-$i" | grep '^[<>]' && fail "root $i: left behind, or gone"
    [ -z "$(accounts $i)" ] || fail "root $i: the user is left: $(accounts $i)"
done
echo "== nothing is left"
