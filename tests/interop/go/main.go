// Checks what parley makes with other people's Go: signed notes and Merkle proofs with golang.org/x/mod/sumdb, DSSE with
// go-securesystemslib. Written from docs/protocol.md.
//
//	peer pack DIR PARTY=FINGERPRINT...              an evidence pack
//	peer log [-flip PATH] CARD BASE CERT KEY AUTHOR COSIGNER ORIGIN OUT
//	    reads a log over mutual TLS from the node whose pinned card is CARD: every tile, every entry; writes the entries,
//	    one after the other, to OUT. AUTHOR and COSIGNER are the cards whose keys sign its checkpoint, BASE the URL.
//	    -flip spoils one byte of what comes back under paths that begin with PATH: it must then fail.
//
// Exit: 0 it holds, 1 it does not, 2 usage.
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) >= 3 && args[0] == "pack":
		err = checkPack(args[1], args[2:])
	case len(args) >= 9 && args[0] == "log":
		err = checkLog(args[1:])
	default:
		fmt.Fprintln(os.Stderr, "usage: peer pack DIR PARTY=FINGERPRINT... | peer log [-flip PATH] CARD BASE CERT KEY AUTHOR COSIGNER ORIGIN OUT")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "does not hold:", err)
		os.Exit(1)
	}
}
