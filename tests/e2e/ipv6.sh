#!/usr/bin/env bash
# The whole way over IPv6: both nodes on [::1].
. "$(dirname "$0")/refusals.sh"
python3 -c 'import socket; socket.create_server(("::1", 0), family=socket.AF_INET6).close()' 2>/dev/null || skip "this machine has no IPv6 loopback"

step "Two parties that listen on [::1]"
# There is one ::1 for all, so two ports in a row that are free are looked for.
first_port=$(python3 -c 'import random, socket
for port in random.sample(range(10000, 30000, 2), 1000):
    try:
        with socket.create_server(("::1", port), family=socket.AF_INET6), socket.create_server(("::1", port + 1), family=socket.AF_INET6):
            print(port)
            break
    except OSError:
        pass')
loopback='[::1]'
make_pair
us parley card show | grep -F "https://${address[us]}" || fail "the card does not name the IPv6 address"

step "A notice with a file there, an acknowledgement back, and the receipt of both"
make_file 200000 "$TMPDIR/file.bin"
keep_notice --attach "$TMPDIR/file.bin"
ack ru "$kept"
wait_read us "$kept"
receipt us "$kept" "$TMPDIR/read"
expect_exit 0 verify_pack "$TMPDIR/read"
expect_exit 0 ru parley save "$kept" --out "$TMPDIR/saved"
cmp "$TMPDIR/file.bin" "$TMPDIR/saved/file.bin"

step "A stranger is refused there as well"
make_home xx stranger.example
curl_as xx ru /propose --data '{}'
[ "$status" = 000 ] || fail "the stranger got the HTTP answer $status"
sed 's/^/  /' "$TMPDIR/curl"
nothing_lost
