package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// Sections 1 to 3 and 5 of docs/protocol.md: envelopes, cards, charters, statements.

type envelope struct {
	dsse.Envelope
	payload []byte
	digest  string
}

func readEnvelope(path, payloadType string, into any) (*envelope, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	e := &envelope{}
	if err := json.Unmarshal(data, &e.Envelope); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if e.payload, err = base64.StdEncoding.Strict().DecodeString(e.Payload); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if e.PayloadType != payloadType || !bytes.Equal(e.canonical(), data) {
		return nil, fmt.Errorf("%s: not the one form of an envelope of type %s", path, payloadType)
	}
	if err := json.Unmarshal(e.payload, into); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	e.digest = fmt.Sprintf("%x", sha256.Sum256(e.payload))
	return e, nil
}

// The only spelling that section 1 allows.
func (e *envelope) canonical() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `{"payload":"%s","payloadType":"%s","signatures":[`, base64.StdEncoding.EncodeToString(e.payload), e.PayloadType)
	for i, s := range e.Signatures {
		sig, _ := base64.StdEncoding.DecodeString(s.Sig)
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"keyid":"%s","sig":"%s"}`, s.KeyID, base64.StdEncoding.EncodeToString(sig))
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// All of these keys sign.
func (e *envelope) signedBy(keys ...ed25519.PublicKey) error {
	return verify(e.Envelope, len(keys), keys)
}

// At least so many of these keys sign.
func verify(e dsse.Envelope, threshold int, keys []ed25519.PublicKey) error {
	var verifiers []dsse.Verifier
	for _, key := range keys {
		v, err := dsseKey(key, "")
		if err != nil {
			return err
		}
		verifiers = append(verifiers, v)
	}
	verifier, err := dsse.NewMultiEnvelopeVerifier(threshold, verifiers...)
	if err != nil {
		return err
	}
	_, err = verifier.Verify(context.Background(), &e)
	return err
}

type card struct {
	Name   string
	Serial int
	Keys   struct {
		Statement, Rotation, Log, Mirror string
		Seal                             []struct{ Label, Recipient string }
		Link                             []string
	}
	fingerprint                      string
	statement, rotation, log, mirror ed25519.PublicKey
	envelope                         *envelope
}

// A vkey of that name and type; the key hash is checked where a verifier is made of it.
func keyOf(vkey, name string, algorithm byte) (ed25519.PublicKey, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 || parts[0] != name {
		return nil, fmt.Errorf("%q is no vkey of %s", vkey, name)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != algorithm || parts[1] != fmt.Sprintf("%08x", keyHash(name, key)) {
		return nil, fmt.Errorf("%q is no vkey of type %d", vkey, algorithm)
	}
	return key[1:], nil
}

func keyOfPEM(text string) (ed25519.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("no PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := public.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("not an Ed25519 key")
	}
	return key, nil
}

// A card that its own keys sign. The signature of the rotation key before it is the affair of its run.
func readCard(path string) (*card, error) {
	c := &card{}
	e, err := readEnvelope(path, "application/vnd.parley.card+json", c)
	if err != nil {
		return nil, err
	}
	c.envelope, c.fingerprint = e, e.digest
	if c.statement, err = keyOfPEM(c.Keys.Statement); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if c.rotation, err = keyOfPEM(c.Keys.Rotation); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if c.log, err = keyOf(c.Keys.Log, c.Name, 1); err != nil {
		return nil, err
	}
	if c.mirror, err = keyOf(c.Keys.Mirror, c.Name+"/mirror", 4); err != nil {
		return nil, err
	}
	if err := e.signedBy(c.statement, c.log, c.mirror); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if want := map[bool]int{true: 3, false: 4}[c.Serial == 0]; len(e.Signatures) != want {
		return nil, fmt.Errorf("%s: %d signatures, not %d", path, len(e.Signatures), want)
	}
	return c, nil
}

// Whether one of the keys is named by a signature.
func signed(e dsse.Envelope, keys []ed25519.PublicKey) bool {
	for _, key := range keys {
		v, err := dsseKey(key, "")
		if err != nil {
			continue
		}
		id, _ := v.KeyID()
		for _, s := range e.Signatures {
			if s.KeyID == id {
				return true
			}
		}
	}
	return false
}

type charter struct {
	Members  []struct{ Name, Card string }
	Replaces []string
	digest   string
}

// Complete; every member that is a party has signed it under one of its cards. In the charter that is cited (cited), the card
// named of each party is one of them; in an older one it may be none, and then its signature cannot be asked.
func readCharter(path string, parties map[string]*party, cited bool) (*charter, error) {
	c := &charter{}
	e, err := readEnvelope(path, "application/vnd.parley.charter+json", c)
	if err != nil {
		return nil, err
	}
	c.digest = e.digest
	if len(e.Signatures) > len(c.Members) || (len(c.Replaces) == 0 && len(e.Signatures) < len(c.Members)) {
		return nil, fmt.Errorf("%s: %d signatures of %d members", path, len(e.Signatures), len(c.Members))
	}
	strangers, others := len(c.Members), len(e.Signatures) // members whose named card is not at hand; signatures left for them
	for _, m := range c.Members {
		p := parties[m.Name]
		if p == nil {
			continue
		}
		if p.with(m.Card) < 0 {
			if cited {
				return nil, fmt.Errorf("%s: names another card of %s", path, m.Name)
			}
			continue
		}
		strangers--
		keys := p.keys(func(c *card) ed25519.PublicKey { return c.statement })
		if len(c.Replaces) > 0 && !signed(e.Envelope, keys) {
			continue // not every member's signature is needed
		}
		if err := verify(e.Envelope, 1, keys); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, m.Name, err)
		}
		others--
	}
	if others > strangers {
		return nil, fmt.Errorf("%s: a signature by nobody that it names", path)
	}
	return c, nil
}

type statement struct {
	Forum, Charter, From, Kind, Officer string
	To, Re                              []string
	Bulk                                *struct {
		Size int64
		Root string
	}
}

// Its first signature is its author's.
func readStatement(path string, parties map[string]*party) (*statement, error) {
	s := &statement{}
	e, err := readEnvelope(path, "application/vnd.parley.statement+json", s)
	if err != nil {
		return nil, err
	}
	author := parties[s.From]
	if author == nil || len(e.Signatures) == 0 {
		return nil, fmt.Errorf("%s: no card or no signature of %q", path, s.From)
	}
	first := e.Envelope
	first.Signatures = first.Signatures[:1]
	if err := verify(first, 1, author.keys(func(c *card) ed25519.PublicKey { return c.statement })); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
