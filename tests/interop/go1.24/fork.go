package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A proof of two histories under one card: signatures by sumdb/note and torchwood, trees by sumdb/tlog.
func checkFork(dir, card string) error {
	c, err := readCard(filepath.Join(dir, card))
	if err != nil {
		return err
	}
	var trees [2]torchwood.Checkpoint
	for i, name := range []string{"first.checkpoint", "second.checkpoint"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		text, _, found := bytes.Cut(data, []byte("\n\n"))
		if !found {
			return fmt.Errorf("%s: no signatures", name)
		}
		if trees[i], err = torchwood.ParseCheckpoint(string(text) + "\n"); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err = signedBy(data, trees[i].Origin, c); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if trees[0].Origin != trees[1].Origin {
		return errors.New("they are of two logs")
	}
	return contradict(dir, trees[0].Tree, trees[1].Tree)
}

// The log's key, or the mirror's: one of them has signed.
func signedBy(data []byte, origin string, c *card) error {
	vkey, err := renamed(c.Keys.Log, origin)
	if err != nil {
		return err
	}
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	mirror, err := torchwood.NewCosignatureVerifier(c.Keys.Mirror)
	if err != nil {
		return err
	}
	_, err = note.Open(data, note.VerifierList(log, mirror))
	return err
}

func contradict(dir string, first, second tlog.Tree) error {
	if first.N == second.N {
		if first.Hash == second.Hash {
			return errors.New("they are the same tree")
		}
		return nil
	}
	data, err := os.ReadFile(filepath.Join(dir, "consistency"))
	if err != nil {
		return err
	}
	var hashes []tlog.Hash
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != sha256.Size {
			return fmt.Errorf("consistency: %q", line)
		}
		hashes = append(hashes, tlog.Hash(h))
	}
	if hashes[0] == first.Hash {
		return errors.New("the second continues the first")
	}
	return tlog.CheckTree(hashes[1:], second.N, second.Hash, first.N, hashes[0])
}
