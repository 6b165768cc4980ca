package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
)

// Envelopes as such: dsse pae TYPE, dsse sign TYPE SEED..., dsse verify TYPE PUBLIC...
func dsseFilter(verb, payloadType string, keys []string) error {
	in, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var out []byte
	switch verb {
	case "pae":
		out = dsse.PAE(payloadType, in)
	case "sign":
		out, err = dsseSign(payloadType, in, keys)
	case "verify":
		out, err = dsseVerify(payloadType, in, keys)
	default:
		err = fmt.Errorf("no such verb: %s", verb)
	}
	if err == nil {
		_, err = os.Stdout.Write(out)
	}
	return err
}

func dsseKey(public ed25519.PublicKey, private string) (*signerverifier.ED25519SignerVerifier, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	return signerverifier.NewED25519SignerVerifierFromSSLibKey(&signerverifier.SSLibKey{KeyID: fmt.Sprintf("%x", sha256.Sum256(der)),
		KeyVal: signerverifier.KeyVal{Public: hex.EncodeToString(public), Private: private}})
}

func dsseSign(payloadType string, payload []byte, seeds []string) ([]byte, error) {
	var signers []dsse.Signer
	for _, text := range seeds {
		seed, err := hex.DecodeString(text)
		if err != nil || len(seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("%q is no seed", text)
		}
		s, err := dsseKey(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey), text)
		if err != nil {
			return nil, err
		}
		signers = append(signers, s)
	}
	signer, err := dsse.NewEnvelopeSigner(signers...)
	if err != nil {
		return nil, err
	}
	e, err := signer.SignPayload(context.Background(), payloadType, payload)
	if err != nil {
		return nil, err
	}
	return json.Marshal(e)
}

// All of the keys, none of them twice.
func dsseVerify(payloadType string, data []byte, publics []string) ([]byte, error) {
	var e dsse.Envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	var verifiers []dsse.Verifier
	for _, text := range publics {
		key, err := hex.DecodeString(text)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%q is no public key", text)
		}
		v, err := dsseKey(key, "")
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, v)
	}
	verifier, err := dsse.NewMultiEnvelopeVerifier(len(publics), verifiers...)
	if err != nil {
		return nil, err
	}
	if _, err := verifier.Verify(context.Background(), &e); err != nil {
		return nil, err
	}
	if e.PayloadType != payloadType {
		return nil, fmt.Errorf("an envelope of type %q", e.PayloadType)
	}
	return e.DecodeB64Payload()
}
