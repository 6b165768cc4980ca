// Checks what parley makes with the Go of those who wrote the specifications: proofs and policies by torchwood, logs
// and mirrors by torchwood and Tessera, sealed bodies and files by age. They need Go 1.24; what an older one can do is
// in ../go.
//
//	peer proof ENTRY PROOF POLICY                    the entry is in the log as the policy demands, says torchwood
//	peer proof -altered ENTRY PROOF POLICY           with any bit of these altered it is not
//	peer log [-flip PATH] CARD AUTHOR COSIGNER BASE CERT KEY ORIGIN OUT
//	    reads a log over mutual TLS from the node whose card is CARD: AUTHOR and COSIGNER are the cards whose keys sign
//	    its checkpoint. Writes the entries, one after the other, to OUT. -flip spoils one byte of what comes back under
//	    paths that begin with PATH: each of the clients must then fail.
//	peer disclosed DIR                               what a pack discloses is what was sealed, and to whom it says
//	peer fork DIR CARD                               the proof of two histories in DIR holds against the keys of its file CARD
//	peer notes PROGRAM                               10,000 altered notes and checkpoints: parley's interop-notes and Go agree
//	peer age seal [-a] RECIPIENT... | seal-pass PASSPHRASE | open IDENTITY-FILE | open-pass PASSPHRASE   <in >out
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
	case len(args) == 4 && args[0] == "proof":
		err = checkProof(args[1], args[2], args[3])
	case len(args) == 5 && args[0] == "proof" && args[1] == "-altered":
		err = checkAltered(args[2], args[3], args[4])
	case len(args) == 9 && args[0] == "log":
		err = checkLog("", args[1:])
	case len(args) == 11 && args[0] == "log" && args[1] == "-flip":
		err = checkLog(args[2], args[3:])
	case len(args) == 2 && args[0] == "disclosed":
		err = checkDisclosed(args[1])
	case len(args) == 3 && args[0] == "fork":
		err = checkFork(args[1], args[2])
	case len(args) == 2 && args[0] == "notes":
		err = compareNotes(args[1], 10000)
	case len(args) >= 3 && args[0] == "age":
		err = ageFile(args[1], args[2:])
	default:
		fmt.Fprintln(os.Stderr, "usage: peer proof|log|disclosed|notes|age …: see tests/interop/go1.24/main.go")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "does not hold:", err)
		os.Exit(1)
	}
}
