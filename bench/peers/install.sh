#!/bin/sh
# install.sh - install the other lock services that bench/run.sh measures, and what their clients are
# built with, from Debian's packages (apt, with sudo where not root). None is left running.
#
# Consul is not among Debian's packages, and is not measured.
set -eu
cd "$(dirname "$0")/../.."
. scripts/packages.sh

# Debian starts what it installs, unless this file says that it must not.
policy=/usr/sbin/policy-rc.d
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo
if [ ! -e $policy ]; then
    trap '$sudo rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy > /dev/null
    $sudo chmod 755 $policy
fi
hf_need_packages $HF_PEER_PACKAGES
