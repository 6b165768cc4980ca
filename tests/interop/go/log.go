package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Section 4, read side: a log or its mirror, read over mutual TLS with pinned keys.

type reader struct {
	client     http.Client
	base, flip string // flip: spoil what comes from paths that begin so
}

func newReader(server *card, base, cert, key, flip string) (*reader, error) {
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	config := pinnedConfig(server, own)
	return &reader{http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 30 * time.Second}, base, flip}, nil
}

// Self-signed is normal: the pin of the card decides, nothing else.
func pinnedConfig(server *card, own tls.Certificate) *tls.Config {
	pinned := func(certs [][]byte, _ [][]*x509.Certificate) error {
		c, err := x509.ParseCertificate(certs[0])
		if err != nil {
			return err
		}
		sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
		for _, pin := range server.Keys.Link {
			if pin == "sha256//"+base64.StdEncoding.EncodeToString(sum[:]) {
				return nil
			}
		}
		return fmt.Errorf("the server's key is not the one that the card pins")
	}
	return &tls.Config{Certificates: []tls.Certificate{own}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13,
		VerifyPeerCertificate: pinned}
}

func (r *reader) get(path string) ([]byte, error) {
	answer, err := r.client.Get(r.base + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 32<<20))
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s %v", path, answer.Status, err)
	}
	if r.flip != "" && strings.HasPrefix(path, r.flip) && len(data) > 0 {
		data[len(data)/2] ^= 1
	}
	return data, nil
}

// tlog-tiles leaves out the height, which is 8, and calls tiles of entries so.
func tilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), "tile/8/")
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

func (r *reader) Height() int { return 8 }
func (r *reader) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, t := range tiles {
		tile, err := r.get(tilePath(t))
		if err != nil {
			return nil, err
		}
		if len(tile) != t.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes", tilePath(t), len(tile))
		}
		data = append(data, tile)
	}
	return data, nil
}
func (r *reader) SaveTiles([]tlog.Tile, [][]byte) {}

func checkLog(args []string) error {
	flip := ""
	if args[0] == "-flip" {
		flip, args = args[1], args[2:]
	}
	var cards []*card
	for _, path := range []string{args[0], args[4], args[5]} {
		c, err := readCard(path)
		if err != nil {
			return err
		}
		cards = append(cards, c)
	}
	origin, out := args[6], args[7]
	r, err := newReader(cards[0], fmt.Sprintf("%s/%x", args[1], sha256.Sum256([]byte(origin))), args[2], args[3], flip)
	if err != nil {
		return err
	}
	data, err := r.get("checkpoint")
	if err != nil {
		return err
	}
	author, cosigner := &party{cards[1].Name, cards[1:2]}, &party{cards[2].Name, cards[2:]}
	tree, _, err := openCheckpoint(string(data), origin, author, []*party{cosigner})
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	entries, err := r.entries(tree)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d entries, root %s\n", origin, tree.N, tree.Hash)
	return os.WriteFile(out, bytes.Join(entries, nil), 0o600)
}

// Every entry, proved by the tree hash and once more by a record proof.
func (r *reader) entries(tree tlog.Tree) (entries [][]byte, err error) {
	hashes := tlog.TileHashReader(tree, r)
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil || root != tree.Hash {
		return nil, fmt.Errorf("the tiles make another root: %v", err)
	}
	for first := int64(0); first < tree.N; first += 256 {
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: 256}
		if tree.N-first < 256 {
			tile.W = int(tree.N - first)
		}
		bundle, err := r.get(tilePath(tile))
		if err != nil {
			return nil, err
		}
		for n := first; n < first+int64(tile.W); n++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("%s: cut short", tilePath(tile))
			}
			entry := bundle[2 : 2+int(binary.BigEndian.Uint16(bundle))]
			bundle = bundle[2+len(entry):]
			proof, err := tlog.ProveRecord(tree.N, n, hashes)
			if err != nil {
				return nil, err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(entry)); err != nil {
				return nil, fmt.Errorf("entry %d: %w", n, err)
			}
			entries = append(entries, entry)
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("%s: too long", tilePath(tile))
		}
	}
	return entries, nil
}
