package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// The three files of a receipt; nothing here but torchwood looks into them.
type receipt struct{ entry, proof, policy []byte }

func readReceipt(entry, proof, policy string) (r receipt, err error) {
	for _, f := range []struct {
		path string
		data *[]byte
	}{{entry, &r.entry}, {proof, &r.proof}, {policy, &r.policy}} {
		if *f.data, err = os.ReadFile(f.path); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r receipt) verify() error {
	policy, err := torchwood.ParsePolicy(r.policy)
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(policy, tlog.RecordHash(r.entry), r.proof)
}

func checkProof(entry, proof, policy string) error {
	r, err := readReceipt(entry, proof, policy)
	if err != nil {
		return err
	}
	return r.verify()
}

// Every bit of proof and policy, and one of every byte of the entry.
func checkAltered(entry, proof, policy string) error {
	r, err := readReceipt(entry, proof, policy)
	if err != nil {
		return err
	}
	if err := r.verify(); err != nil {
		return err
	}
	count := 0
	refused := func(name string, data []byte, at int, bit byte) error {
		data[at] ^= bit
		err := r.verify()
		data[at] ^= bit
		if err == nil {
			return fmt.Errorf("%s: byte %d altered by %#x, and torchwood did not notice", name, at, bit)
		}
		count++
		return nil
	}
	for at := range r.entry {
		if err := refused(entry, r.entry, at, 1<<(at%8)); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{proof, r.proof}, {policy, r.policy}} {
		same := sameMeaning(f.data)
		for at := range f.data {
			for bit := byte(1); bit != 0; bit <<= 1 {
				if !same(at, bit) {
					if err := refused(f.name, f.data, at, bit); err != nil {
						return err
					}
				}
			}
		}
	}
	fmt.Println(count, "altered bits noticed")
	return nil
}

// What torchwood reads as the same: the spare bits of padded base64, the case of a key hash, the last line's end.
func sameMeaning(data []byte) func(at int, bit byte) bool {
	hashes := regexp.MustCompile(`\+[0-9a-f]{8}\+`).FindAllIndex(data, -1)
	return func(at int, bit byte) bool {
		if at == len(data)-1 || bytes.HasPrefix(data[at+1:], []byte("=")) {
			return true
		}
		for _, h := range hashes {
			if bit == 0x20 && h[0] < at && at < h[1]-1 {
				return true
			}
		}
		return false
	}
}
