#!/bin/sh
# tools/check.sh - everything a change must pass beyond `make test`: format, layers, documents, both compilers without warnings, the tests
# under the sanitizers of both, clang-tidy. GCC's builds are those of `make test`.
set -eu
cd "$(dirname "$0")/.."
echo "format"
git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format --dry-run -Werror
echo "types of the dashboard"
tsc -p web
echo "layers, documents"
tools/check_layers.py
tools/check_docs.py
tools/check_cases.py
for compiler in gcc clang; do
    echo "$compiler"
    build=build
    test $compiler = gcc || build=build-$compiler
    test -f $build/build.ninja || CC=$compiler meson setup $build >/dev/null
    ninja -C $build --quiet
    test -f $build-asan/build.ninja || CC=$compiler meson setup $build-asan -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
    ninja -C $build-asan --quiet
done
tools/check_symbols.py build
echo "clang-tidy"
tools/tidy.sh build-clang
tools/run_tests.py build-asan build-clang-asan \
    -- python3 tests/e2e/run.py build-asan/penstock test_pass test_faults test_door test_life test_headers test_admin test_commands
