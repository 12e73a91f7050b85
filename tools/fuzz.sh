#!/bin/sh
# tools/fuzz.sh SECONDS - runs each fuzz target for so long with ASan and UBSan. New inputs stay in build-fuzz/corpus; what
# crashes is written to build-fuzz/found and belongs into fuzz/corpus once it is mended.
set -eu
seconds=${1:-60}
build=build-fuzz
cd "$(dirname "$0")/.."
test -f $build/build.ninja || CC=clang meson setup $build -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
ninja -C $build --quiet
mkdir -p $build/found
passed=0 failed=0
for source in fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    test -x "$build/fuzz/fuzz_$name" || continue
    mkdir -p "$build/corpus/$name"
    dict=""
    test -f "fuzz/dict/$name.dict" && dict="-dict=fuzz/dict/$name.dict"
    # shellcheck disable=SC2086
    if "$build/fuzz/fuzz_$name" "$build/corpus/$name" "fuzz/corpus/$name" $dict -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$build/found/$name-" -print_final_stats=1 >"$build/found/$name.log" 2>&1; then
        passed=$((passed + 1))
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/found/$name.log")
        echo "ok     $name ($runs runs)"
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        tail -n 30 "$build/found/$name.log"
    fi
done
echo "$passed passed, $failed failed"
test "$failed" = 0
