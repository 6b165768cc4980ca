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
	dir     string
	parties map[string]*party
}

func (p *pack) path(name string) string { return filepath.Join(p.dir, name) }
func (p *pack) has(name string) bool    { _, err := os.Stat(p.path(name)); return err == nil }
func (p *pack) text(name string) (string, error) {
	data, err := os.ReadFile(p.path(name))
	return string(data), err
}

func checkPack(dir string, given []string) error {
	parties, err := readParties(dir)
	if err != nil {
		return err
	}
	p := &pack{dir, parties}
	if err := p.check(); err != nil {
		return err
	}
	return identified(parties, given)
}

func (p *pack) check() error {
	d, err := p.delivered("")
	if err != nil {
		return err
	}
	s := d.statement
	for name := range p.parties {
		if name != s.From && !contains(s.To, name) {
			return fmt.Errorf("cards/%s.json is nobody's whom the statement concerns", name)
		}
	}
	charters, err := p.charters(s)
	if err != nil {
		return err
	}
	bulks, _, err := p.each("bulk/checkpoint", "", d.covered, func(name string, who []string) error { return p.bulk(d, name, who) })
	if err != nil {
		return err
	}
	for _, kind := range []string{"ack", "reject"} {
		if p.has(kind + "/entry.json") {
			if err := p.answer(kind, d); err != nil {
				return err
			}
		}
	}
	return p.onlyFiles(charters, bulks, d.proofs)
}

// "proof.tlog-proof", "proof.1.tlog-proof" …
func numbered(stem, tail string, k int) string {
	if k == 0 {
		return stem + tail
	}
	return fmt.Sprintf("%s.%d%s", stem, k, tail)
}

// Checks each of the numbered files for those of the addressees whose cosignatures stand in it; how many files, and who.
func (p *pack) each(stem, tail string, to []string, check func(name string, who []string) error) (n int, covered []string, err error) {
	left, last := to, -1
	for ; p.has(numbered(stem, tail, n)); n++ {
		name := numbered(stem, tail, n)
		text, err := p.text(name)
		if err != nil {
			return 0, nil, err
		}
		var who, others []string
		for _, one := range left {
			if strings.Contains(text, "\n\u2014 "+one+"/mirror ") {
				who = append(who, one)
			} else {
				others = append(others, one)
			}
		}
		if len(who) == 0 || len(who) > 15 {
			return 0, nil, fmt.Errorf("%s covers %d addressees", name, len(who))
		}
		first := 0
		for to[first] != who[0] {
			first++
		}
		if first < last {
			return 0, nil, fmt.Errorf("%s stands in the wrong order", name)
		}
		if err := check(name, who); err != nil {
			return 0, nil, fmt.Errorf("%s: %w", name, err)
		}
		left, last = others, first
	}
	for _, one := range to {
		if !contains(left, one) {
			covered = append(covered, one)
		}
	}
	return n, covered, nil
}

func containsAny(list, any []string) bool {
	for _, s := range any {
		if contains(list, s) {
			return true
		}
	}
	return false
}

// The charter that the statement cites and those before it; how many of these there are.
func (p *pack) charters(s *statement) (older int, err error) {
	var before []string // digests
	first := ""
	for ; p.has(fmt.Sprintf("charter.%d.json", older)); older++ {
		c, err := readCharter(p.path(fmt.Sprintf("charter.%d.json", older)), p.parties, false)
		if err != nil {
			return 0, err
		}
		if older > 0 && !containsAny(c.Replaces, before) {
			return 0, fmt.Errorf("charter.%d.json does not replace one before", older)
		}
		if before = append(before, c.digest); older == 0 {
			first = c.digest
		}
	}
	c, err := readCharter(p.path("charter.json"), p.parties, true)
	if err != nil {
		return 0, err
	}
	if before == nil {
		first = c.digest
	} else if !containsAny(c.Replaces, before) {
		return 0, fmt.Errorf("charter.json does not replace one before")
	}
	if c.digest != s.Charter || first != s.Forum {
		return 0, fmt.Errorf("charter.json is not the charter that entry.json cites")
	}
	return older, nil
}

// An acknowledgement or rejection of the statement by one of its addressees, delivered to its author.
func (p *pack) answer(kind string, to *delivery) error {
	d, err := p.delivered(kind + "/")
	if err != nil {
		return err
	}
	a := d.statement
	id := tlog.RecordHash([]byte(to.entry))
	if a.Kind != kind || len(a.Re) != 1 || a.Re[0] != hex.EncodeToString(id[:]) || a.Officer == "" || a.Forum != to.statement.Forum ||
		!contains(to.covered, a.From) || len(a.To) != 1 || a.To[0] != to.statement.From {
		return fmt.Errorf("%s/entry.json is no answer to this statement", kind)
	}
	return nil
}

func (p *pack) onlyFiles(charters, bulks, proofs int) error {
	more := map[string]bool{}
	for k := 1; k < proofs; k++ {
		more[numbered("proof", ".tlog-proof", k)], more[numbered("policy", ".tlog-policy", k)] = true, true
	}
	for k := 1; k < bulks; k++ {
		more[numbered("bulk/checkpoint", "", k)], more[numbered("bulk/consistency", "", k)] = true, true
	}

	known := regexp.MustCompile(`^(VERIFY\.md|(ack/|reject/)?(entry\.json|proof\.tlog-proof|policy\.tlog-policy)|charter\.json|cards/.*` +
		`|bulk/(checkpoint|consistency|range)|(reject/)?body\.json|files/[0-9]+(\.[0-9A-Za-z]{1,8})?)$`)
	return filepath.WalkDir(p.dir, func(path string, f os.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		name, err := filepath.Rel(p.dir, path)
		if err != nil {
			return err
		}
		number := -1
		fmt.Sscanf(name, "charter.%d.json", &number)
		older := number < charters && name == fmt.Sprintf("charter.%d.json", number)
		if !older && !more[name] && !known.MatchString(name) {
			return fmt.Errorf("%s is no file of a pack", name)
		}
		return nil
	})
}

type delivery struct {
	*statement
	entry, origin string
	covered       []string
	proofs        int
}

// A statement, its place in its author's log, and the signatures of all its addressees.
func (p *pack) delivered(folder string) (*delivery, error) {
	s, err := readStatement(p.path(folder+"entry.json"), p.parties)
	if err != nil {
		return nil, err
	}
	entry, err := p.text(folder + "entry.json")
	if err != nil {
		return nil, err
	}
	if _, err := p.mirrors(s.To); err != nil { // of all there is a card, whoever is covered
		return nil, err
	}
	d := &delivery{statement: s, entry: entry}
	place := ""
	d.proofs, d.covered, err = p.each(folder+"proof", ".tlog-proof", s.To, func(name string, who []string) error {
		proof, err := p.text(name)
		if err != nil {
			return err
		}
		origin, vkeys, err := p.included(s, who, entry, proof)
		if err != nil {
			return err
		}
		index := strings.Split(proof, "\n")[1]
		if place != "" && place != origin+index {
			return fmt.Errorf("it is of an entry at another place")
		}
		d.origin, place = origin, origin+index
		policy, err := p.text(strings.Replace(name, "proof", "policy", 2))
		if err != nil || policy != policyOf(vkeys) {
			return fmt.Errorf("its policy is not that of these cards")
		}
		return nil
	})
	if err == nil && d.proofs == 0 {
		err = fmt.Errorf("%sproof.tlog-proof is missing", folder)
	}
	return d, err
}

func (p *pack) mirrors(names []string) (list []*party, err error) {
	for _, name := range names {
		if p.parties[name] == nil {
			return nil, fmt.Errorf("no card of %s", name)
		}
		list = append(list, p.parties[name])
	}
	return list, nil
}

func originOf(s *statement, note string) (string, error) {
	origin, _, _ := strings.Cut(note, "\n")
	form := "^" + regexp.QuoteMeta(s.From+"/"+s.Forum+"/") + "(0|[1-9][0-9]*)$"
	if !regexp.MustCompile(form).MatchString(origin) {
		return "", fmt.Errorf("%q is no log of %s in this forum", origin, s.From)
	}
	return origin, nil
}

func (p *pack) included(s *statement, who []string, entry, proof string) (string, []string, error) {
	head, note, found := strings.Cut(proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return "", nil, fmt.Errorf("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil || lines[1] != fmt.Sprintf("index %d", index) {
		return "", nil, fmt.Errorf("bad index line %q", lines[1])
	}
	hashes, err := parseHashes(lines[2:])
	if err != nil {
		return "", nil, err
	}
	origin, err := originOf(s, note)
	if err != nil {
		return "", nil, err
	}
	mirrors, err := p.mirrors(who)
	if err != nil {
		return "", nil, err
	}
	tree, vkeys, err := openCheckpoint(note, origin, p.parties[s.From], mirrors)
	if err != nil {
		return "", nil, err
	}
	return origin, vkeys, tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash([]byte(entry)))
}

func (p *pack) bulk(s *delivery, name string, who []string) error {
	note, err := p.text(name)
	if err != nil {
		return err
	}
	mirrors, err := p.mirrors(who)
	if err != nil {
		return err
	}
	tree, _, err := openCheckpoint(note, s.origin+"/bulk", p.parties[s.From], mirrors)
	if err != nil || s.Bulk == nil {
		return fmt.Errorf("no files, or %w", err)
	}
	old, err := parseHash(s.Bulk.Root)
	if err != nil {
		return err
	}
	var hashes []tlog.Hash
	if tree.N > s.Bulk.Size {
		text, err := p.text(strings.Replace(name, "checkpoint", "consistency", 1))
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

// The policy that these keys satisfy: the log's, then those of the mirrors.
func policyOf(vkeys []string) string {
	var b, names strings.Builder
	fmt.Fprintf(&b, "log %s\n", vkeys[0])
	for i, vkey := range vkeys[1:] {
		fmt.Fprintf(&b, "witness w%d %s\n", i+1, vkey)
		fmt.Fprintf(&names, " w%d", i+1)
	}
	if len(vkeys) == 2 {
		return b.String() + "quorum w1\n"
	}
	return b.String() + "group all-addressees all" + names.String() + "\nquorum all-addressees\n"
}

func contains(list []string, one string) bool {
	for _, s := range list {
		if s == one {
			return true
		}
	}
	return false
}
