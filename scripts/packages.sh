# packages.sh - the Debian packages that the scripts need; to be sourced.
#
#   hf_need_packages NAME...   install those that are missing (apt, with sudo where not root);
#                              says nothing when all are there
# A system without dpkg is left alone: the build will say what it misses.

HF_BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config libzmq3-dev libczmq-dev
    libmsgpack-dev libcmocka-dev libsqlite3-dev libjansson-dev libmicrohttpd-dev libconfig-dev libsystemd-dev libxxhash-dev uthash-dev"
HF_TEST_PACKAGES="clang clang-format clang-tidy sqlite3 zsh xxhash"
HF_PACKAGE_PACKAGES="debhelper dpkg-dev lintian"
HF_CLEAN_ROOT_PACKAGES="debootstrap"
HF_PAGE_PACKAGES="chromium" # and nodejs and npm, from wherever: scripts/page-test.sh
HF_PEER_PACKAGES="etcd-server golang-go golang-etcd-server-dev zookeeper libzookeeper-mt-dev
    default-jre-headless redis-server libhiredis-dev"

hf_need_packages ()
{
    command -v dpkg-query > /dev/null || return 0
    hf_missing=""
    for hf_package in "$@"; do
        dpkg-query -W -f '${Status}' "$hf_package" 2> /dev/null | grep -q ' installed$' ||
            hf_missing="$hf_missing $hf_package"
    done
    [ -n "$hf_missing" ] || return 0
    echo "installing:$hf_missing" >&2
    hf_sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo > /dev/null; then
            echo "not root, and no sudo here; as root: apt-get install$hf_missing" >&2
            return 1
        fi
        hf_sudo=sudo
    fi
    $hf_sudo apt-get update -q >&2 &&
        $hf_sudo env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -q --no-install-recommends $hf_missing >&2
}
