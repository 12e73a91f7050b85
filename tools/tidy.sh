#!/bin/sh
# tools/tidy.sh BUILD - clang-tidy over the sources that changed since they last passed: a file whose object in the clang
# build folder BUILD is older than its stamp (so neither it nor a header of its has changed) is not looked at again.
set -eu
cd "$(dirname "$0")/.."
build=$1
mkdir -p "$build/tidy"
one() {
    stamp=$build/tidy/$(echo "$1" | tr / _)
    layer=$(dirname "$1" | cut -d/ -f1-2)
    name=$(echo "${1#"$layer"/}" | tr / _)
    object=$(find "$build/$layer" -name "$name.o" 2>/dev/null | head -n 1)
    if [ -n "$object" ] && [ -f "$stamp" ] && [ "$stamp" -nt "$object" ] && [ "$stamp" -nt .clang-tidy ]; then
        return 0
    fi
    clang-tidy -p "$build" --quiet "$1" 2>/dev/null && touch "$stamp"
}
if [ $# -gt 1 ]; then
    one "$2"
    exit
fi
git ls-files 'src/*.c' | xargs -P "$(nproc)" -n 1 "$0" "$build"
