#!/usr/bin/env bash
# age-encryption, the age of TypeScript, opens what parley seals, and parley opens what it seals. Versions are pinned in
# tests/interop/npm.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/interop/age.lib
command -v npm >/dev/null || skip "there is no npm command"
have=$(node --version)
printf '20.19\n%s\n' "${have#v}" | sort -CV || skip "Node.js $have is older than 20.19, which the pinned packages need"

step "The pinned packages are there"
program=$PARLEY_CACHE/npm-$(sha256sum tests/interop/npm/package-lock.json | cut -c 1-12)
mkdir -p "$program"
cp tests/interop/npm/* "$program"
if ! [ -e "$program/whole" ]; then
  (cd "$program" && npm ci --ignore-scripts --no-audit --no-fund) >"$out" 2>&1 ||
    { cat "$out"; not_here "the pinned packages cannot be had: $(tail -n 1 "$out")"; }
  touch "$program/whole"
fi
age() { node "$program/age.js" "$@"; }

their_seal() { age seal "$@"; }
their_open() { age open "$@"; }
their_seal_pass() { age seal-pass "$@"; }
their_open_pass() { age open-pass "$@"; }

all_age_cases
