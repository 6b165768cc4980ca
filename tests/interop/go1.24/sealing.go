package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
)

// Section 5, "Sealing": one age file, of the body or of a file, with all its randomness made from a seed. age itself
// reads the header and checks its MAC and the payload; here is only what the seed adds. Together that is every byte.
type sealing struct {
	seed   []byte
	prefix string
	to     [][]*ecdh.PublicKey // of each recipient in turn: the keys that it may be sealed to
}

func (s *sealing) derived(what string, n int) []byte {
	key, err := hkdf.Key(sha256.New, s.seed, nil, "parley/v1/"+s.prefix+what, n)
	if err != nil {
		panic(err)
	}
	return key
}

// What is in the sealed file, which is the one that the seed gives.
func (s *sealing) open(sealed []byte) ([]byte, error) {
	plain, err := age.Decrypt(bytes.NewReader(sealed), s)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(plain)
	if err != nil {
		return nil, err
	}
	_, rest, _ := bytes.Cut(sealed, []byte("\n--- "))
	if _, payload, _ := bytes.Cut(rest, []byte("\n")); !bytes.HasPrefix(payload, s.derived("nonce", 16)) {
		return nil, fmt.Errorf("not the nonce that the seed gives")
	}
	return data, nil
}

// For age this is an identity: it finds the file key where every stanza is the one that it must be.
func (s *sealing) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != len(s.to) {
		return nil, fmt.Errorf("%d recipients, not %d", len(stanzas), len(s.to))
	}
	for i, stanza := range stanzas {
		if err := s.fits(stanza, i); err != nil {
			return nil, err
		}
	}
	return s.derived("file-key", 16), nil
}

func (s *sealing) fits(stanza *age.Stanza, i int) error {
	ephemeral, err := ecdh.X25519().NewPrivateKey(s.derived(fmt.Sprintf("ephemeral/%d", i), 32))
	if err != nil {
		return err
	}
	share := ephemeral.PublicKey().Bytes()
	if stanza.Type != "X25519" || len(stanza.Args) != 1 || stanza.Args[0] != base64.RawStdEncoding.EncodeToString(share) {
		return fmt.Errorf("recipient %d: not the share that the seed gives", i)
	}
	for _, recipient := range s.to[i] {
		shared, err := ephemeral.ECDH(recipient)
		if err != nil {
			return err
		}
		salt := append(bytes.Clone(share), recipient.Bytes()...)
		key, err := hkdf.Key(sha256.New, shared, salt, "age-encryption.org/v1/X25519", 32)
		if err != nil {
			return err
		}
		aead, err := chacha20poly1305.New(key)
		if err != nil {
			return err
		}
		if bytes.Equal(stanza.Body, aead.Seal(nil, make([]byte, 12), s.derived("file-key", 16), nil)) {
			return nil
		}
	}
	return fmt.Errorf("recipient %d: sealed to none of its keys", i)
}

// The key in "age1…": five bits a letter, 52 letters, then a checksum of six, which age itself checks.
func recipientKey(text string) (*ecdh.PublicKey, error) {
	if _, err := age.ParseX25519Recipient(text); err != nil {
		return nil, err
	}
	var key []byte
	have, bits := uint(0), 0
	for _, letter := range text[len("age1") : len(text)-6] {
		have, bits = have<<5|uint(strings.IndexRune("qpzry9x8gf2tvdw0s3jn54khce6mua7l", letter)), bits+5
		if bits >= 8 {
			bits -= 8
			key = append(key, byte(have>>bits))
		}
	}
	return ecdh.X25519().NewPublicKey(key)
}
