package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Section 8: what a pack discloses. Who signed it is asked in ../go.

type statement struct {
	From, Desk string
	To         []string
	Sealed     []byte
	BodySHA256 string `json:"body_sha256"`
	Attach     []struct {
		SHA256             string
		Size, First, Count int64
	}
	Bulk struct {
		Size int64
		Root string
	}
}

type plaintext struct {
	Seed  []byte
	Body  struct{ Ground string }
	Files []struct {
		Name, Type, SHA256 string
		Size               int64
	}
}

func checkDisclosed(dir string) error {
	seed, names, s, err := disclosedBody(dir, "")
	if err != nil {
		return fmt.Errorf("body.json: %w", err)
	}
	if err := disclosedFiles(dir, s, seed, names); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "reject/body.json")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	_, text, _, err := disclosedBody(dir, "reject/")
	grounds := []string{"unreadable", "sealing", "form", "language", "files"}
	if err == nil && !slices.Contains(grounds, text.Body.Ground) {
		err = fmt.Errorf("%q is no ground", text.Body.Ground)
	}
	if err != nil {
		return fmt.Errorf("reject/body.json: %w", err)
	}
	return nil
}

// Points 1 and 2. Without the text there is no seed, and so nothing else either.
func disclosedBody(dir, folder string) (seal *sealing, text *plaintext, s *statement, err error) {
	s = &statement{}
	if err = readPayload(filepath.Join(dir, folder, "entry.json"), s); err != nil {
		return nil, nil, nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, folder, "body.json"))
	if errors.Is(err, os.ErrNotExist) && folder == "" {
		return nil, nil, s, nil
	} else if err != nil {
		return nil, nil, nil, err
	}
	text = &plaintext{}
	if err == nil {
		err = json.Unmarshal(data, text)
	}
	if err == nil && (len(text.Seed) != 32 || len(text.Files) != len(s.Attach)) {
		err = fmt.Errorf("a seed of %d bytes, %d files", len(text.Seed), len(text.Files))
	}
	if err != nil {
		return nil, nil, nil, err
	}
	seal = &sealing{seed: text.Seed, prefix: "body/"}
	if seal.to, err = s.recipients(dir); err != nil {
		return nil, nil, nil, err
	}
	opened, err := seal.open(s.Sealed)
	if err == nil && (!bytes.Equal(opened, data) || hexSHA256(data) != s.BodySHA256) {
		err = errors.New("not the text that was sealed and signed")
	}
	return seal, text, s, err
}

func (s *statement) recipients(dir string) (to [][]*ecdh.PublicKey, err error) {
	cards := map[string][]*card{}
	paths, err := filepath.Glob(filepath.Join(dir, "cards", "*.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		c, err := readCard(path)
		if err != nil {
			return nil, err
		}
		cards[c.Name] = append(cards[c.Name], c)
	}
	desk := s.Desk
	if desk == "" {
		desk = "duty"
	}
	for i, name := range append(slices.Clone(s.To), s.From) {
		if i == len(s.To) {
			desk = "duty"
		}
		var keys []*ecdh.PublicKey
		for _, c := range cards[name] {
			for _, k := range c.Keys.Seal {
				if k.Label == desk {
					key, err := recipientKey(k.Recipient)
					if err != nil {
						return nil, err
					}
					keys = append(keys, key)
				}
			}
		}
		to = append(to, keys)
	}
	return to, nil
}

// Points 3 and 4.
func disclosedFiles(dir string, s *statement, seal *sealing, text *plaintext) error {
	names, err := filepath.Glob(filepath.Join(dir, "files", "*"))
	if err != nil {
		return err
	}
	leaves := map[int64]tlog.Hash{}
	wanted := 0
	for n := range s.Attach {
		sealed, errSealed := os.ReadFile(filepath.Join(dir, "files", fmt.Sprintf("%d.age", n)))
		if text == nil {
			break
		}
		clear, errClear := os.ReadFile(filepath.Join(dir, "files", fmt.Sprint(n)+extension(text.Files[n].Name)))
		if errSealed != nil && errClear != nil {
			continue
		}
		wanted += 2
		if err := errors.Join(errSealed, errClear); err != nil {
			return err
		}
		opened, err := (&sealing{seal.seed, fmt.Sprintf("file/%d/", n), seal.to}).open(sealed)
		f, a := text.Files[n], s.Attach[n]
		if err == nil && (!bytes.Equal(opened, clear) || hexSHA256(clear) != f.SHA256 || int64(len(clear)) != f.Size ||
			hexSHA256(sealed) != a.SHA256 || int64(len(sealed)) != a.Size || a.Count != (a.Size+4095)/4096) {
			err = errors.New("not the file that was sealed and signed")
		}
		if err != nil {
			return fmt.Errorf("file %d: %w", n, err)
		}
		for i := int64(0); i < a.Count; i++ {
			if _, twice := leaves[a.First+i]; twice {
				return fmt.Errorf("file %d: shares an entry with another", n)
			}
			leaves[a.First+i] = tlog.RecordHash(sealed[i*4096 : min((i+1)*4096, a.Size)])
		}
	}
	if len(names) != wanted {
		return fmt.Errorf("files: %d, of which %d can be checked", len(names), wanted)
	}
	if wanted == 0 {
		return nil
	}
	return s.inBulk(filepath.Join(dir, "bulk/range"), leaves)
}

func extension(name string) string {
	e := regexp.MustCompile(`[^/](\.[0-9A-Za-z]{1,8})$`).FindStringSubmatch(name)
	if e == nil || strings.EqualFold(e[1], ".age") {
		return ""
	}
	return e[1]
}

func (s *statement) inBulk(path string, leaves map[int64]tlog.Hash) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rest := strings.SplitAfter(string(data), "\n")
	rest = rest[:len(rest)-1]
	var root func(from, to int64) (tlog.Hash, error)
	root = func(from, to int64) (hash tlog.Hash, err error) {
		disclosed := false
		for i := range leaves {
			disclosed = disclosed || from <= i && i < to
		}
		if !disclosed {
			if len(rest) == 0 {
				return hash, errors.New("bulk/range: too few hashes")
			}
			hash, err = tlog.ParseHash(strings.TrimSuffix(rest[0], "\n"))
			rest = rest[1:]
			return hash, err
		}
		if to-from == 1 {
			return leaves[from], nil
		}
		half := int64(1)
		for half*2 < to-from {
			half *= 2
		}
		left, err := root(from, from+half)
		if err != nil {
			return hash, err
		}
		right, err := root(from+half, to)
		return tlog.NodeHash(left, right), err
	}
	got, err := root(0, s.Bulk.Size)
	if err == nil && (len(rest) != 0 || got.String() != s.Bulk.Root) {
		err = errors.New("bulk/range: the root is another one, or hashes are left over")
	}
	return err
}

func hexSHA256(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// The payload of an envelope, whoever signed it.
func readPayload(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var envelope struct{ Payload string }
	if err := json.Unmarshal(data, &envelope); err != nil {
		return err
	}
	payload, err := base64.StdEncoding.DecodeString(envelope.Payload)
	if err != nil {
		return err
	}
	return json.Unmarshal(payload, into)
}
