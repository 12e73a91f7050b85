#!/bin/sh
# tools/release_check.sh SECONDS - the long checks: threads under TSan, memory under valgrind, simulated days, every system call that
# fails, every fuzz target for SECONDS.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
test -f build-tsan/build.ninja || meson setup build-tsan -Db_sanitize=thread -Db_lundef=false >/dev/null
ninja -C build-tsan --quiet
test -f build/build.ninja || meson setup build >/dev/null
ninja -C build --quiet
tools/run_tests.py --slow build-tsan -- python3 tests/e2e/run.py build-tsan/penstock test_pass test_faults test_door test_life
echo "valgrind"
layers=$(find tests/unit -mindepth 1 -maxdepth 1 -type d -printf '--only %f/ ')
# shellcheck disable=SC2086
tools/run_tests.py $layers --under "valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect" build
echo "20 000 simulated days"
build/tests/sim/test_sim_random 20000
echo "every system call fails once; killed 200 times"
PENSTOCK_TEST_STRIDE=1 PENSTOCK_TEST_ROUNDS=200 python3 tests/e2e/run.py build/penstock test_torture
tools/fuzz.sh "$seconds"
