#!/usr/bin/env bash
# rage, the age of Rust, opens what parley seals, and parley opens what it seals. The version is pinned here, those of
# what it is made of by its own lock file.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/interop/age.lib
command -v cargo >/dev/null || skip "there is no cargo command"
have=$(cargo --version | cut -d ' ' -f 2)
printf '1.74\n%s\n' "$have" | sort -CV || skip "cargo $have is older than 1.74, which rage needs"

step "rage is built"
rage=$PARLEY_CACHE/rage-0.12.1
if ! [ -x "$rage/bin/rage" ]; then
  # Barely optimised: the build takes longer than the test.
  export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
  cargo install --quiet --locked --root "$rage" --version "=${rage##*-}" --no-default-features --bin rage rage \
    >"$out" 2>&1 ||
    { cat "$out"; not_here "rage cannot be had: $(tail -n 1 "$out")"; }
fi
rage=$rage/bin/rage
"$rage" --version
export PINENTRY_PROGRAM= # ask on the terminal

their_seal() { seal_like_age "$rage" "$@"; }
their_open() { "$rage" -d -i "$1"; }
their_seal_pass() { on_terminal "$1" "$rage" -p; }
their_open_pass() { on_terminal "$1" "$rage" -d; }

all_age_cases
