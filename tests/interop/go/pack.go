package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Section 7: the evidence pack.

type pack struct {
	dir   string
	cards map[string]*card
}

func (p *pack) path(name string) string { return filepath.Join(p.dir, name) }
func (p *pack) has(name string) bool    { _, err := os.Stat(p.path(name)); return err == nil }
func (p *pack) text(name string) (string, error) {
	data, err := os.ReadFile(p.path(name))
	return string(data), err
}

func checkPack(dir string, given []string) error {
	p := &pack{dir, map[string]*card{}}
	paths, err := filepath.Glob(p.path("cards/*.json"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		c, err := readCard(path)
		if err != nil {
			return err
		}
		if filepath.Base(path) != c.Name+".json" {
			return fmt.Errorf("%s is the card of %s", path, c.Name)
		}
		p.cards[c.Name] = c
	}
	for _, anchor := range given {
		name, fingerprint, _ := strings.Cut(anchor, "=")
		if c := p.cards[name]; c == nil || c.fingerprint != fingerprint {
			return fmt.Errorf("cards/%s.json is not the card with that fingerprint", name)
		}
	}
	return p.check(len(given))
}

func (p *pack) check(known int) error {
	s, entry, err := p.delivered("")
	if err != nil {
		return err
	}
	if known != len(s.To)+1 || len(p.cards) != known {
		return fmt.Errorf("%d parties are known, the statement has %d and the pack %d", known, len(s.To)+1, len(p.cards))
	}
	c, err := readCharter(p.path("charter.json"), p.cards)
	if err != nil {
		return err
	}
	first := c
	for k := 0; p.has(fmt.Sprintf("charter.%d.json", k)); k++ {
		older, err := readCharter(p.path(fmt.Sprintf("charter.%d.json", k)), p.cards)
		if err != nil {
			return err
		}
		if k == 0 {
			first = older
		}
	}
	if c.digest != s.Charter || first.digest != s.Forum {
		return fmt.Errorf("charter.json is not the charter that entry.json cites")
	}
	if p.has("bulk/checkpoint") {
		if err := p.bulk(s); err != nil {
			return fmt.Errorf("bulk/checkpoint: %w", err)
		}
	}
	if !p.has("ack/entry.json") {
		return nil
	}
	ack, _, err := p.delivered("ack/")
	if err != nil {
		return err
	}
	id := tlog.RecordHash([]byte(entry))
	if ack.Kind != "ack" || len(ack.Re) != 1 || ack.Re[0] != hex.EncodeToString(id[:]) || ack.Officer == "" {
		return fmt.Errorf("ack/entry.json acknowledges something else")
	}
	return nil
}

// A statement, its place in its author's log, and the signatures of all its addressees.
func (p *pack) delivered(folder string) (*statement, string, error) {
	s, err := readStatement(p.path(folder+"entry.json"), p.cards)
	if err != nil {
		return nil, "", err
	}
	entry, err := p.text(folder + "entry.json")
	if err != nil {
		return nil, "", err
	}
	proof, err := p.text(folder + "proof.tlog-proof")
	if err != nil {
		return nil, "", err
	}
	origin, err := p.included(s, entry, proof)
	if err != nil {
		return nil, "", fmt.Errorf("%sproof.tlog-proof: %w", folder, err)
	}
	policy, err := p.text(folder + "policy.tlog-policy")
	if err != nil || policy != p.policy(s, origin) {
		return nil, "", fmt.Errorf("%spolicy.tlog-policy is not the policy of these cards", folder)
	}
	return s, entry, nil
}

func (p *pack) mirrors(s *statement) (list []*card, err error) {
	for _, name := range s.To {
		if p.cards[name] == nil {
			return nil, fmt.Errorf("no card of %s", name)
		}
		list = append(list, p.cards[name])
	}
	return list, nil
}

func (p *pack) originOf(s *statement, note, suffix string) (string, error) {
	origin, _, _ := strings.Cut(note, "\n")
	form := "^" + regexp.QuoteMeta(s.From+"/"+s.Forum+"/") + "(0|[1-9][0-9]*)" + suffix + "$"
	if !regexp.MustCompile(form).MatchString(origin) {
		return "", fmt.Errorf("%q is no log of %s in this forum", origin, s.From)
	}
	return origin, nil
}

func (p *pack) included(s *statement, entry, proof string) (string, error) {
	head, note, found := strings.Cut(proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return "", fmt.Errorf("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil || lines[1] != fmt.Sprintf("index %d", index) {
		return "", fmt.Errorf("bad index line %q", lines[1])
	}
	hashes, err := parseHashes(lines[2:])
	if err != nil {
		return "", err
	}
	origin, err := p.originOf(s, note, "")
	if err != nil {
		return "", err
	}
	mirrors, err := p.mirrors(s)
	if err != nil {
		return "", err
	}
	tree, err := openCheckpoint(note, origin, p.cards[s.From], mirrors)
	if err != nil {
		return "", err
	}
	return origin, tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash([]byte(entry)))
}

func (p *pack) bulk(s *statement) error {
	note, err := p.text("bulk/checkpoint")
	if err != nil {
		return err
	}
	origin, err := p.originOf(s, note, "/bulk")
	if err != nil {
		return err
	}
	mirrors, err := p.mirrors(s)
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(note, origin, p.cards[s.From], mirrors)
	if err != nil || s.Bulk == nil {
		return fmt.Errorf("no files, or %w", err)
	}
	old, err := parseHash(s.Bulk.Root)
	if err != nil {
		return err
	}
	var hashes []tlog.Hash
	if tree.N > s.Bulk.Size {
		text, err := p.text("bulk/consistency")
		if err != nil {
			return err
		}
		lines := strings.Split(text, "\n")
		if hashes, err = parseHashes(lines[:len(lines)-1]); err != nil || lines[len(lines)-1] != "" {
			return fmt.Errorf("bulk/consistency: no lines of hashes")
		}
		if len(hashes) == 0 || hashes[0] != old {
			return fmt.Errorf("bulk/consistency starts from another root")
		}
		hashes = hashes[1:]
	}
	return tlog.CheckTree(hashes, tree.N, tree.Hash, s.Bulk.Size, old)
}

func (p *pack) policy(s *statement, origin string) string {
	var b, names strings.Builder
	fmt.Fprintf(&b, "log %s\n", logVkey(origin, p.cards[s.From].log))
	for i, name := range s.To {
		fmt.Fprintf(&b, "witness w%d %s\n", i+1, p.cards[name].Keys.Mirror)
		fmt.Fprintf(&names, " w%d", i+1)
	}
	if len(s.To) == 1 {
		return b.String() + "quorum w1\n"
	}
	return b.String() + "group all-addressees all" + names.String() + "\nquorum all-addressees\n"
}
