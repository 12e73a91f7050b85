#!/bin/sh
# tools/deps.sh - installs the Debian packages that are missing. Asks nothing; works as root or with sudo; quick
# when nothing is missing. `deps.sh build` is what building, running and the README's first request need, `deps.sh test` also what `make test`
# needs, `deps.sh sdks` also what `make test-sdks` needs, `deps.sh bench` also what the benchmarks measure against, `deps.sh check` what `make check` uses.
set -eu

build="curl gcc meson ninja-build pkg-config libc6-dev libuv1-dev libssl-dev libsqlite3-dev zlib1g-dev ca-certificates python3 esbuild libjs-chart.js node-qrcode-generator"
test="$build git chromium fonts-droid-fallback"
sdks="$test python3-venv"
check="$test clang libclang-rt-14-dev clang-format clang-tidy valgrind node-typescript"
bench="$build nginx-light haproxy valgrind"

case "${1:-build}" in
build) wanted=$build ;;
test) wanted=$test ;;
sdks) wanted=$sdks ;;
check) wanted=$check ;;
bench) wanted=$bench ;;
*)
    echo "usage: $0 [build|test|sdks|check|bench]" >&2
    exit 2
    ;;
esac

# Node may come from another source than Debian, whose npm package would conflict: only what is missing is asked for.
if [ "${1:-build}" = test ] || [ "${1:-build}" = sdks ] || [ "${1:-build}" = check ]; then
    command -v node >/dev/null 2>&1 || wanted="$wanted nodejs"
    command -v npm >/dev/null 2>&1 || wanted="$wanted npm"
fi

missing=""
for package in $wanted; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "This system has no apt-get. Please install the counterparts of:$missing" >&2
    exit 1
fi
run=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "Not root, and there is no sudo. Please install:$missing" >&2
        exit 1
    }
    run="sudo"
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$run apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 || {
    $run apt-get update -q
    $run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
}
