// Checks what parley makes with other people's Go: signed notes and Merkle proofs with golang.org/x/mod/sumdb, DSSE with
// go-securesystemslib. Written from docs/protocol.md.
//
//	peer pack DIR [PARTY=FINGERPRINT...]            an evidence pack; what is disclosed (section 8) is not looked into
//	peer log [-flip PATH] CARD BASE CERT KEY AUTHOR COSIGNER ORIGIN OUT
//	    reads a log over mutual TLS from the node whose pinned card is CARD: every tile, every entry; writes the entries,
//	    one after the other, to OUT. AUTHOR and COSIGNER are the cards whose keys sign its checkpoint, BASE the URL.
//	    -flip spoils one byte of what comes back under paths that begin with PATH: it must then fail.
//
//	peer gate CARD BASE CERT KEY STRANGER-CERT STRANGER-KEY     a node's TLS: whom it answers, and how
//	peer dsse pae TYPE | sign TYPE SEED... | verify TYPE PUBLIC...     filters: see tests/interop/dsse.c
//
// Exit: 0 it holds, 1 it does not, 2 usage, 5 a pack holds, but not all of its parties are identified.
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) >= 2 && args[0] == "pack":
		err = checkPack(args[1], args[2:])
	case len(args) >= 9 && args[0] == "log":
		err = checkLog(args[1:])
	case len(args) == 7 && args[0] == "gate":
		err = checkGate(args[1], args[2], args[3], args[4], args[5], args[6])
	case len(args) >= 3 && args[0] == "dsse":
		err = dsseFilter(args[1], args[2], args[3:])
	default:
		fmt.Fprintln(os.Stderr, "usage: peer pack|log|gate|dsse …: see tests/interop/go/main.go")
		os.Exit(2)
	}
	if errors.Is(err, errNotIdentified) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(5)
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "does not hold:", err)
		os.Exit(1)
	}
}
