#!/usr/bin/env bash
# `parley verify` and verify_pack.py, which was written from docs/protocol.md alone, say the same of published packs and of
# thousands of altered ones (2,000; 10,000 with PARLEY_ALL=1). The packs that are altered are those of the unit test.
set -eu
cd "$(dirname "$0")/../.."
[ -x "$PARLEY_BUILD/tests/unit-test_pack" ] || { echo "the build has no tests"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export PATH=$PARLEY_BUILD:$PATH HOME=$dir
unset PARLEY_HOME

"$PARLEY_BUILD/tests/unit-test_pack" --write "$dir" 2>/dev/null | grep -E '^[a-z0-9-]+ [a-z0-9.-]+=[0-9a-f]{64}$' >"$dir/list"
tests/interop/same_verdict.py verdicts "$dir"
tests/interop/same_verdict.py vectors tests/vectors/parley/packs/*.json
tests/interop/same_verdict.py altered "$dir" "0-$((${PARLEY_ALL:-0} == 1 ? 10000 : 2000))"
