#!/usr/bin/env bash
# The runs of tests/sim/seeds.txt: what once went wrong stays right.
set -eu
sim=$PARLEY_BUILD/sim
played=0
while read -r line; do
  case $line in '' | '#'*) continue ;; esac
  options=${line%%   *}
  # shellcheck disable=SC2086 # words on purpose
  "$sim" $options || { echo "sim-seeds: sim $options ended with $?: $line" >&2; exit 1; }
  played=$((played + 1))
done <"$(dirname "$0")/../sim/seeds.txt"
[ "$played" -ge 8 ] || { echo "sim-seeds: the list is empty" >&2; exit 1; }
