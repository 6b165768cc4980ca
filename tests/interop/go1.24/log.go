package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The read side of a log or of its mirror, by both libraries, each from the first request on.
type served struct {
	http     *http.Client
	base     string
	origin   string
	vkey     string // of the log
	policy   torchwood.Policy
	deadline context.Context
}

func checkLog(flip string, args []string) error {
	server, err := readCard(args[0])
	if err != nil {
		return err
	}
	author, err := readCard(args[1])
	if err != nil {
		return err
	}
	cosigner, err := readCard(args[2])
	if err != nil {
		return err
	}
	base, origin := fmt.Sprintf("%s/%x/", args[3], sha256.Sum256([]byte(args[6]))), args[6]
	h, err := pinnedClient(server.Keys.Link, args[4], args[5], flip)
	if err != nil {
		return err
	}
	vkey, err := renamed(author.Keys.Log, origin)
	if err != nil {
		return err
	}
	wanted := fmt.Sprintf("log %s\nwitness w %s\nquorum w\n", vkey, cosigner.Keys.Mirror)
	policy, err := torchwood.ParsePolicy([]byte(wanted))
	if err != nil {
		return err
	}
	deadline, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	s := &served{h, base, origin, vkey, policy, deadline}

	// torchwood asks again and again where nobody answers.
	answer, err := h.Get(base + "checkpoint")
	if err != nil {
		return err
	}
	answer.Body.Close()
	byTessera, bad := s.tessera()
	byTorchwood, worse := s.torchwood()
	switch {
	case flip != "" && (bad == nil || worse == nil):
		fmt.Printf("one of them did not notice: Tessera: %v; torchwood: %v\n", bad, worse)
		return nil // the script expects exit 1
	case bad != nil || worse != nil:
		return errors.Join(bad, worse)
	case !bytes.Equal(bytes.Join(byTessera, nil), bytes.Join(byTorchwood, nil)):
		return errors.New("Tessera and torchwood have read different entries")
	}
	fmt.Printf("%s: %d entries\n", origin, len(byTessera))
	return os.WriteFile(args[7], bytes.Join(byTessera, nil), 0o600)
}

func (s *served) torchwood() (entries [][]byte, err error) {
	tiles, err := torchwood.NewTileFetcher(s.base, torchwood.WithHTTPClient(s.http))
	if err != nil {
		return nil, err
	}
	signed, err := tiles.ReadEndpoint(s.deadline, "checkpoint")
	if err != nil {
		return nil, err
	}
	c, _, err := torchwood.VerifyCheckpoint(signed, s.policy)
	if err != nil {
		return nil, err
	}
	log, err := torchwood.NewClient(tiles)
	if err != nil {
		return nil, err
	}
	for _, entry := range log.AllEntries(s.deadline, c.Tree, 0) {
		entries = append(entries, entry)
	}
	if log.Err() == nil && int64(len(entries)) != c.N {
		return nil, fmt.Errorf("%d entries of %d", len(entries), c.N)
	}
	return entries, log.Err()
}

// fsck over all that is served; then proofs for every entry and every earlier size, built from the tiles alone.
func (s *served) tessera() (entries [][]byte, err error) {
	verifier, err := note.NewVerifier(s.vkey)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(s.base)
	if err != nil {
		return nil, err
	}
	files, err := client.NewHTTPFetcher(at, s.http)
	if err != nil {
		return nil, err
	}
	// A bundle whose spoilt length makes fewer entries than it should have is past what 1.0.4 checks: it panics.
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("Tessera panicked: %v", fault)
		}
	}()
	// More workers than the test's logs have tiles: one that has found a fault takes no more work.
	if err := fsck.New(s.origin, verifier, files, leaves, fsck.Opts{N: 16}).Check(s.deadline); err != nil {
		return nil, err
	}
	c, _, _, err := client.FetchCheckpoint(s.deadline, files.ReadCheckpoint, verifier, s.origin)
	if err != nil {
		return nil, err
	}
	for n := uint64(0); n*256 < c.Size; n++ {
		bundle, err := client.GetEntryBundle(s.deadline, files.ReadEntryBundle, n, c.Size)
		if err != nil {
			return nil, err
		}
		entries = append(entries, bundle.Entries...)
	}
	if uint64(len(entries)) != c.Size {
		return nil, fmt.Errorf("%d entries of %d", len(entries), c.Size)
	}
	builder, err := client.NewProofBuilder(s.deadline, c.Size, files.ReadTile)
	if err != nil {
		return nil, err
	}
	return entries, prove(s.deadline, builder, entries, c.Hash)
}

func leaves(bundle []byte) (hashes [][]byte, err error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	for _, e := range b.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return hashes, nil
}

func prove(ctx context.Context, builder *client.ProofBuilder, entries [][]byte, root []byte) error {
	size := uint64(len(entries))
	old, err := roots(entries)
	if err != nil {
		return err
	}
	for i, entry := range entries {
		p, err := builder.InclusionProof(ctx, uint64(i))
		if err != nil {
			return err
		}
		leaf := rfc6962.DefaultHasher.HashLeaf(entry)
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(i), size, leaf, p, root); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		if p, err = builder.ConsistencyProof(ctx, uint64(i)+1, size); err != nil {
			return err
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(i)+1, size, p, old[i], root); err != nil {
			return fmt.Errorf("size %d: %w", i+1, err)
		}
	}
	return nil
}

// The root of each size from 1 on, by x/mod from the entries themselves.
func roots(entries [][]byte) (roots [][]byte, err error) {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) (hashes []tlog.Hash, err error) {
		for _, i := range at {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	for n, entry := range entries {
		more, err := tlog.StoredHashes(int64(n), entry, read)
		if err != nil {
			return nil, err
		}
		stored = append(stored, more...)
		root, err := tlog.TreeHash(int64(n)+1, read)
		if err != nil {
			return nil, err
		}
		roots = append(roots, root[:])
	}
	return roots, nil
}
