#!/usr/bin/env bash
# The age library of Go, newer than Debian's, opens what parley seals, and parley opens what it seals.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/interop/age.lib
. tests/interop/go.lib

step "The Go program is built"
go_program tests/interop/go1.24 "$TMP/peer"

their_seal() { "$TMP/peer" age seal "$@"; }
their_open() { "$TMP/peer" age open "$@"; }
their_seal_pass() { "$TMP/peer" age seal-pass "$@"; }
their_open_pass() { "$TMP/peer" age open-pass "$@"; }

all_age_cases
