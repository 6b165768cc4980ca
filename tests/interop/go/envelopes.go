package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
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
	var verifiers []dsse.Verifier
	for _, key := range keys {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return err
		}
		v, err := signerverifier.NewED25519SignerVerifierFromSSLibKey(&signerverifier.SSLibKey{
			KeyID: fmt.Sprintf("%x", sha256.Sum256(der)), KeyVal: signerverifier.KeyVal{Public: hex.EncodeToString(key)}})
		if err != nil {
			return err
		}
		verifiers = append(verifiers, v)
	}
	verifier, err := dsse.NewMultiEnvelopeVerifier(len(keys), verifiers...)
	if err != nil {
		return err
	}
	_, err = verifier.Verify(context.Background(), &e.Envelope)
	return err
}

type card struct {
	Name string
	Keys struct {
		Statement, Log, Mirror string
		Link                   []string
	}
	fingerprint            string
	statement, log, mirror ed25519.PublicKey
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

func readCard(path string) (*card, error) {
	c := &card{}
	e, err := readEnvelope(path, "application/vnd.parley.card+json", c)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(c.Keys.Statement))
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM", path)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	ok := false
	if c.statement, ok = public.(ed25519.PublicKey); !ok {
		return nil, fmt.Errorf("%s: the statement key is not Ed25519", path)
	}
	if c.log, err = keyOf(c.Keys.Log, c.Name, 1); err != nil {
		return nil, err
	}
	if c.mirror, err = keyOf(c.Keys.Mirror, c.Name+"/mirror", 4); err != nil {
		return nil, err
	}
	c.fingerprint = e.digest
	if err := e.signedBy(c.statement, c.log, c.mirror); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

type charter struct {
	Members []struct{ Name, Card string }
	digest  string
}

// Every member whose card is at hand has signed.
func readCharter(path string, cards map[string]*card) (*charter, error) {
	c := &charter{}
	e, err := readEnvelope(path, "application/vnd.parley.charter+json", c)
	if err != nil {
		return nil, err
	}
	var keys []ed25519.PublicKey
	for _, m := range c.Members {
		if k := cards[m.Name]; k != nil && k.fingerprint != m.Card {
			return nil, fmt.Errorf("%s: names another card of %s", path, m.Name)
		} else if k != nil {
			keys = append(keys, k.statement)
		}
	}
	c.digest = e.digest
	if err := e.signedBy(keys...); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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

func readStatement(path string, cards map[string]*card) (*statement, error) {
	s := &statement{}
	e, err := readEnvelope(path, "application/vnd.parley.statement+json", s)
	if err != nil {
		return nil, err
	}
	author := cards[s.From]
	if author == nil {
		return nil, fmt.Errorf("%s: no card of %q", path, s.From)
	}
	if err := e.signedBy(author.statement); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
