package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Section 4: checkpoints and their signatures.

func keyHash(name string, key []byte) uint32 {
	sum := sha256.Sum256([]byte(name + "\n" + string(key)))
	return binary.BigEndian.Uint32(sum[:])
}

func logVkey(origin string, key ed25519.PublicKey) string {
	typed := append([]byte{1}, key...)
	return fmt.Sprintf("%s+%08x+%s", origin, keyHash(origin, typed), base64.StdEncoding.EncodeToString(typed))
}

// The cosignatures of type 0x04, which x/mod does not know: signature = time (8 bytes), Ed25519 signature.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(party string, key ed25519.PublicKey) cosigner {
	name := party + "/mirror"
	return cosigner{name, keyHash(name, append([]byte{4}, key...)), key}
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
	return ed25519.Verify(c.key, []byte(text), sig[8:])
}

// Reads a checkpoint that carries a signature of the log and one of each mirror, in this order and nothing else, each under
// one of the party's cards. Returns the vkeys that signed, too.
func openCheckpoint(data, origin string, author *party, mirrors []*party) (tree tlog.Tree, vkeys []string, err error) {
	var all []note.Verifier
	by := []map[note.Verifier]string{{}} // of each signature that must be there: who may have made it
	for _, key := range author.keys(func(c *card) ed25519.PublicKey { return c.log }) {
		vkey := logVkey(origin, key)
		v, err := note.NewVerifier(vkey)
		if err != nil {
			return tree, nil, err
		}
		all, by[0][v] = append(all, v), vkey
	}
	for _, m := range mirrors {
		may := map[note.Verifier]string{}
		for _, c := range m.cards {
			v := newCosigner(m.name, c.mirror)
			if known, _ := note.VerifierList(all...).Verifier(v.name, v.hash); known == nil {
				all, may[&v] = append(all, &v), c.Keys.Mirror
			}
		}
		by = append(by, may)
	}
	n, err := note.Open([]byte(data), note.VerifierList(all...))
	if err != nil {
		return tree, nil, err
	}
	if len(n.Sigs) != len(by) || len(n.UnverifiedSigs) != 0 {
		return tree, nil, fmt.Errorf("%d signatures by known keys, %d by others", len(n.Sigs), len(n.UnverifiedSigs))
	}
	again := n.Text + "\n"
	for i, s := range n.Sigs {
		vkey := ""
		for v, text := range by[i] {
			if v.Name() == s.Name && v.KeyHash() == s.Hash {
				vkey = text
			}
		}
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil || vkey == "" {
			return tree, nil, fmt.Errorf("signature line %d is by %s", i+1, s.Name)
		}
		vkeys = append(vkeys, vkey)
		again += "— " + s.Name + " " + s.Base64 + "\n"
	}
	if again != data {
		return tree, nil, fmt.Errorf("not the one form of this note")
	}
	tree, err = parseCheckpoint(n.Text, origin)
	return tree, vkeys, err
}

func parseCheckpoint(text, origin string) (tree tlog.Tree, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] != origin || lines[3] != "" {
		return tree, fmt.Errorf("not a checkpoint of %s", origin)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil || lines[1] != fmt.Sprint(tree.N) {
		return tree, fmt.Errorf("bad size %q", lines[1])
	}
	tree.Hash, err = parseHash(lines[2])
	return tree, err
}

func parseHash(text string) (tlog.Hash, error) {
	h, err := tlog.ParseHash(text)
	if err == nil && h.String() != text {
		err = fmt.Errorf("%q is not canonical base64", text)
	}
	return h, err
}

func parseHashes(lines []string) (hashes []tlog.Hash, err error) {
	for _, line := range lines {
		h, err := parseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}
