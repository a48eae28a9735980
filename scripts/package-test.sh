#!/bin/sh
# package-test.sh - try the packages of scripts/package.sh on a clean Debian: install them, run three
# nodes that are configured by file and know each other by keys, upgrade them while they run one by
# one, purge them, and look whether anything is left.
#
# As root. debootstrap makes the clean root, from the mirror that this machine's apt uses, and it is
# kept in build/clean-root.tar for the next time. The nodes run in it by chroot, without systemd,
# in a network of their own. Exit code 77: no packages, no debootstrap, no root, or no mirror.
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

#  In memory: it is written and thrown away within a minute.
root=$(mktemp -d)
mount -t tmpfs -o mode=755 clean-root "$root"
pid_1='' pid_2='' pid_3=''
leave ()
{
    for pid in $pid_1 $pid_2 $pid_3; do
        kill -9 "$pid" 2> /dev/null || true
    done
    wait
    umount -l "$root"
    rmdir "$root"
}
trap leave EXIT
trap 'exit 130' INT TERM
fail ()
{
    echo "FAILED: $*" >&2
    tail -n 20 "$root"/tmp/node-*.log >&2 || true
    exit 1
}
inside ()
{
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}
#  All files but what dpkg, logs and caches keep of a package's having been there.
files ()
{
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./tmp -o -path ./var/lib/dpkg -o -path ./var/log -o \
        -path ./var/cache -o -path ./var/lib/systemd \) -prune -o -print | sort)
}
accounts ()
{
    grep -h holdfast "$root"/etc/passwd "$root"/etc/group "$root"/etc/shadow "$root"/etc/gshadow || true
}

echo "== unpack the clean root"
tar -C "$root" -xf build/clean-root.tar
chmod 755 "$root" #  as the folder was that it was made in, only root would get in
mount -t proc proc "$root/proc"
ip link set lo up 2> /dev/null || skip "no loopback in a network of its own"
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/tmp/debs"
files > "$root/tmp/before"

echo "== install"
cp build/packages/*.deb "$root/tmp/debs"
inside sh -c 'dpkg -i /tmp/debs/*.deb' > "$root/tmp/dpkg.log" 2>&1 || fail "dpkg -i: $(cat "$root/tmp/dpkg.log")"
[ "$(inside stat -c '%U %a' /var/lib/holdfast)" = "holdfast 700" ] || fail "the data folder is not the user's"
inside holdfastd --check --config /etc/holdfast/holdfastd.conf || fail "the file of the package"
[ ! -e "$root/etc/systemd/system/multi-user.target.wants/holdfastd.service" ] || fail "the unit is enabled"

echo "== three nodes, by file and keys"
inside sh -ec '
    mkdir -p /etc/holdfast/keys/nodes /etc/holdfast/keys/clients
    cd /etc/holdfast
    for i in 1 2 3; do
        holdfast keys new node-$i --node $i
        mv node-$i keys/nodes
        chown holdfast node-${i}_secret
        cat > node-$i.conf << END
# node $i
id = $i
data = "/var/lib/holdfast/$i"
key = "/etc/holdfast/node-${i}_secret"
@include "cluster.conf"
END
    done
    holdfast keys new tester
    mv tester keys/clients
    echo "cluster = \"1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085\"
keys = \"/etc/holdfast/keys\"" > cluster.conf' > "$root/tmp/keys.log" 2>&1 || fail "keys: $(cat "$root/tmp/keys.log")"
as_user="setpriv --reuid $(inside id -u holdfast) --regid $(inside id -g holdfast) --clear-groups"
for i in 1 2 3; do
    inside $as_user holdfastd --check --config /etc/holdfast/node-$i.conf || fail "node $i: --check"
done
start ()
{
    #  One process from the shell to the node, so that it is the one that gets the signal.
    (exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" $as_user \
        holdfastd --config "/etc/holdfast/node-$1.conf" >> "$root/tmp/node-$1.log" 2>&1 < /dev/null) &
    eval "pid_$1=$!"
}
stop ()
{
    eval "kill \$pid_$1; wait \$pid_$1" || fail "node $1 ends with $?"
    eval "pid_$1=''"
}
tool ()
{
    inside env HOLDFAST_ENDPOINTS=1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085 \
        HOLDFAST_KEYS=/etc/holdfast/keys HOLDFAST_KEY=/etc/holdfast/tester_secret timeout 60 holdfast "$@"
}
for i in 1 2 3; do
    start $i
done
tool run --connect-timeout 30s first -c 'holdfast append ledger one' || fail "the first lock"
tool status || fail "status"
(HOLDFAST_KEY= inside env HOLDFAST_ENDPOINTS=1@127.0.0.1 timeout 60 holdfast run -n x -- true) 2> /dev/null &&
    fail "it let one in who has no key"

echo "== upgrade, one node at a time"
version=$(dpkg-deb -f "$(ls build/packages/holdfastd_*.deb)" Version)
for deb in build/packages/*.deb; do
    higher=$root/tmp/higher
    dpkg-deb -R "$deb" "$higher"
    sed -i "s/$version/$version+1/" "$higher/DEBIAN/control"
    dpkg-deb -b "$higher" "$root/tmp/debs/$(basename "$deb")" > /dev/null
    rm -rf "$higher"
done
inside sh -c 'dpkg -i /tmp/debs/*.deb' > "$root/tmp/dpkg.log" 2>&1 || fail "upgrade: $(cat "$root/tmp/dpkg.log")"
[ "$(inside dpkg-query -W -f '${Version}' holdfastd)" = "$version+1" ] || fail "not upgraded"
for i in 1 2 3; do
    stop $i
    tool run between -c "holdfast append ledger without-$i" || fail "without node $i"
    start $i
done
tool run last -c 'holdfast append ledger all' || fail "after the upgrade"
[ "$(tool cat ledger)" = "onewithout-1without-2without-3all" ] || fail "ledger: $(tool cat ledger)"

echo "== remove and purge"
for i in 1 2 3; do
    stop $i
done
inside dpkg -r holdfastd holdfast libholdfast-dev libholdfast0 > "$root/tmp/dpkg.log" 2>&1 || fail "dpkg -r"
[ -e "$root/var/lib/holdfast/1/log.db" ] || fail "removing took the data"
[ -e "$root/etc/holdfast/holdfastd.conf" ] || fail "removing took the configuration"
inside dpkg -P holdfastd holdfast libholdfast-dev libholdfast0 > "$root/tmp/dpkg.log" 2>&1 || fail "dpkg -P"
[ -e "$root/etc/holdfast/node-1_secret" ] || fail "purging took a key that no package made"
[ ! -e "$root/etc/holdfast/holdfastd.conf" ] || fail "purging left the configuration"
rm -r "$root/etc/holdfast"
files > "$root/tmp/after"
diff "$root/tmp/before" "$root/tmp/after" | grep '^[<>]' && fail "left behind, or gone"
[ -z "$(accounts)" ] || fail "the user is left: $(accounts)"
echo "== nothing is left"
