#!/bin/sh
# tools/release_check.sh SECONDS - the long checks: threads under TSan, memory under valgrind, every fuzz target for SECONDS.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
test -f build-tsan/build.ninja || meson setup build-tsan -Db_sanitize=thread -Db_lundef=false >/dev/null
ninja -C build-tsan --quiet
test -f build/build.ninja || meson setup build >/dev/null
ninja -C build --quiet
tools/run_tests.py build-tsan -- python3 tests/e2e/run.py build-tsan/penstock test_pass test_faults test_door test_life
passed=0 failed=0
for program in $(meson introspect --tests build | python3 -c "import json,sys; print('\n'.join(t['cmd'][0] for t in json.load(sys.stdin) if '/unit/' in t['cmd'][0]))"); do
    if valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect "$program" >build/valgrind.log 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED valgrind $program"
        tail -n 40 build/valgrind.log
    fi
done
echo "$passed passed, $failed failed"
test "$failed" = 0
echo "every system call fails once; killed 200 times"
PENSTOCK_TEST_STRIDE=1 PENSTOCK_TEST_ROUNDS=200 python3 tests/e2e/run.py build/penstock test_torture
tools/fuzz.sh "$seconds"
