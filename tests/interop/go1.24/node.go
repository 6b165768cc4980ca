package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What must be known of a party to read from its node, and what it disclosed. Whether the card is genuine is asked in
// ../go.
type card struct {
	Name string
	Keys struct {
		Log, Mirror string
		Seal        []struct{ Label, Recipient string }
		Link        []string
	}
}

func readCard(path string) (*card, error) {
	c := &card{}
	return c, readPayload(path, c)
}

// The log key of a card under the name that it has in the notes of one log.
func renamed(vkey, origin string) (string, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return "", fmt.Errorf("%q is no vkey", vkey)
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(origin + "\n" + string(key)))
	return fmt.Sprintf("%s+%08x+%s", origin, binary.BigEndian.Uint32(sum[:]), parts[2]), nil
}

// A client with a link key of its own, which talks to nobody but the holder of a pinned one.
func pinnedClient(pins []string, cert, key, flip string) (*http.Client, error) {
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13,
		InsecureSkipVerify: true, // self-signed is normal: the pin decides
		VerifyConnection: func(s tls.ConnectionState) error {
			spki := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
			if !slices.Contains(pins, "sha256//"+base64.StdEncoding.EncodeToString(spki[:])) {
				return errors.New("the server's key is not one that the card pins")
			}
			return nil
		}}}
	return &http.Client{Transport: spoiling{transport, flip}, Timeout: 30 * time.Second}, nil
}

// Spoils one byte of each answer whose path, below the log's own folder, begins with `flip`.
type spoiling struct {
	http.RoundTripper
	flip string
}

func (s spoiling) RoundTrip(q *http.Request) (*http.Response, error) {
	a, err := s.RoundTripper.RoundTrip(q)
	_, path, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/")
	if err != nil || a.StatusCode != http.StatusOK || s.flip == "" || !strings.HasPrefix(path, s.flip) {
		return a, err
	}
	data, err := io.ReadAll(a.Body)
	if err != nil {
		return nil, err
	}
	a.Body.Close()
	data[len(data)/2] ^= 1
	a.Body = io.NopCloser(bytes.NewReader(data))
	return a, nil
}
