package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
)

// Section 7, "Cards": what a pack holds of each party, and who of them is known from elsewhere.

var errNotIdentified = errors.New("not all parties are identified")

type party struct {
	name  string
	cards []*card // a run without a gap, oldest first
}

// The number of the card with that fingerprint, or -1.
func (p *party) with(fingerprint string) int {
	for i, c := range p.cards {
		if c.fingerprint == fingerprint {
			return i
		}
	}
	return -1
}

// One key of each card, none twice.
func (p *party) keys(which func(*card) ed25519.PublicKey) (keys []ed25519.PublicKey) {
	for _, c := range p.cards {
		known := false
		for _, k := range keys {
			known = known || bytes.Equal(k, which(c))
		}
		if !known {
			keys = append(keys, which(c))
		}
	}
	return keys
}

func readParties(dir string) (map[string]*party, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "cards", "*"))
	if err != nil {
		return nil, err
	}
	parties, names := map[string]*party{}, map[string]string{}
	for _, path := range paths {
		c, err := readCard(path)
		if err != nil {
			return nil, err
		}
		if parties[c.Name] == nil {
			parties[c.Name] = &party{name: c.Name}
		}
		p := parties[c.Name]
		p.cards, names[c.fingerprint] = append(p.cards, c), filepath.Base(path)
	}
	for _, p := range parties {
		if err := p.isRun(names); err != nil {
			return nil, err
		}
	}
	return parties, noSharedKeys(parties)
}

func (p *party) isRun(names map[string]string) error {
	sort.Slice(p.cards, func(i, j int) bool { return p.cards[i].Serial < p.cards[j].Serial })
	for i, c := range p.cards {
		want := fmt.Sprintf("%s.%d.json", p.name, c.Serial)
		if i == len(p.cards)-1 {
			want = p.name + ".json"
		}
		if names[c.fingerprint] != want {
			return fmt.Errorf("cards/%s is not called cards/%s", names[c.fingerprint], want)
		}
		if i == 0 {
			continue
		}
		before := p.cards[i-1]
		if c.Serial != before.Serial+1 {
			return fmt.Errorf("cards/%s: after serial %d comes %d", want, before.Serial, c.Serial)
		}
		if err := c.envelope.signedBy(c.statement, c.log, c.mirror, before.rotation); err != nil {
			return fmt.Errorf("cards/%s: %w", want, err)
		}
	}
	return nil
}

func noSharedKeys(parties map[string]*party) error {
	owner := map[string]string{}
	for _, p := range parties {
		for _, c := range p.cards {
			keys := append([]string{string(c.statement), string(c.rotation), string(c.log), string(c.mirror)}, c.Keys.Link...)
			for _, s := range c.Keys.Seal {
				keys = append(keys, s.Recipient)
			}
			for _, k := range keys {
				if owner[k] != "" && owner[k] != p.name {
					return fmt.Errorf("%s and %s have a key in common", owner[k], p.name)
				}
				owner[k] = p.name
			}
		}
	}
	return nil
}

// Which cards the given fingerprints establish: nil when all, from the first on, of every party.
func identified(parties map[string]*party, given []string) error {
	oldest := map[string]int{}
	for _, anchor := range given {
		name, fingerprint, _ := strings.Cut(anchor, "=")
		p := parties[name]
		if p == nil {
			continue
		}
		if _, known := oldest[name]; !known {
			oldest[name] = len(p.cards)
		}
		if i := p.with(fingerprint); i >= 0 && i < oldest[name] {
			oldest[name] = i
		}
	}
	all := true
	for name, p := range parties {
		first, known := oldest[name]
		if known && first == len(p.cards) {
			return fmt.Errorf("cards/%s.json is not the card with that fingerprint", name)
		}
		all = all && known && first == 0
	}
	if !all {
		return errNotIdentified
	}
	return nil
}
