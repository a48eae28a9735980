#!/bin/sh
# build.sh BUILD - build the clients of other lock services whose libraries are there, into
# BUILD/bench/peers. BUILD was configured. One that cannot be built is said and left out; nothing of
# holdfast needs them. bench/peers/install.sh installs what they need.
set -eu
cd "$(dirname "$0")/../.."
build=$1
cmake -DHF_BENCH_PEERS=ON -S . -B "$build" > "$build/peers.log" 2>&1 || { cat "$build/peers.log"; exit 1; }
for peer in redis zookeeper; do
    cmake --build "$build" --target holdfast-peer-$peer >> "$build/peers.log" 2>&1 ||
        echo "holdfast-peer-$peer is not built (see $build/peers.log): bench/peers/install.sh installs what it needs" >&2
done
packages=/usr/share/gocode
if command -v go > /dev/null && [ -d "$packages/src/go.etcd.io/etcd/clientv3/concurrency" ]; then
    GO111MODULE=off GOPATH=$packages GOFLAGS=-p=1 \
        go build -o "$build/bench/peers/holdfast-peer-etcd" bench/peers/etcd/main.go
else
    echo "holdfast-peer-etcd is not built: there is no Go with etcd's client; bench/peers/install.sh installs them" >&2
fi
