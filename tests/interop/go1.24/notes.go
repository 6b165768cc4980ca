package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os/exec"
	"sort"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

// Notes and checkpoints, altered at random but always the same, read by parley and by sumdb/note and torchwood. They
// must agree on each, but for what is named here; a difference with another reason fails.

const (
	sameVerdict   = "same verdict"
	otherBase64   = "base64 with stray bits in its last digit: Go takes it, parley does not"
	repeatedKey   = "a key signs twice: Go looks at its first signature, parley at all"
	noOrigin      = "a checkpoint without an origin: torchwood takes it, parley does not"
	withExtension = "a checkpoint with extension lines: torchwood takes it, parley does not"
	notText       = "a checkpoint that is no text by signed-note, which torchwood leaves to the note"
	tooMany       = "more than 64 signatures, or 65,536 bytes: Go's bounds are wider"
)

type noteKey struct {
	name   string
	vkey   string
	signer note.Signer
}

func newNoteKey(name string, seed byte) (*noteKey, error) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	key := append([]byte{1}, private.Public().(ed25519.PublicKey)...)
	h := sha256.Sum256(append([]byte(name+"\n"), key...))
	hash := fmt.Sprintf("%08x", binary.BigEndian.Uint32(h[:]))
	seedText := base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...))
	signer, err := note.NewSigner("PRIVATE+KEY+" + name + "+" + hash + "+" + seedText)
	return &noteKey{name, name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(key), signer}, err
}

// ---- altering ----

var noteTokens = []string{"\n", "\n\n", "\u2014 ", " ", "\u00a0", "\u2003", "\u3000", "+", "=", "==", "\x00", "\xff", "\t", "0", "00",
	"-1", "9223372036854775807", "9223372036854775808", "A", "\u202e", "\r"}

func alterNote(r *rand.Rand, seeds [][]byte) []byte {
	data := append([]byte{}, seeds[r.Intn(len(seeds))]...)
	for n := r.Intn(4); n > 0; n-- {
		at := r.Intn(len(data) + 1)
		to := min(len(data), at+r.Intn(1+r.Intn(60)))
		var middle []byte
		switch r.Intn(7) {
		case 0:
			if at < len(data) {
				data[at] ^= 1 << r.Intn(8)
			}
			continue
		case 1:
			to = at
			middle = []byte(noteTokens[r.Intn(len(noteTokens))])
		case 2:
			middle = []byte(noteTokens[r.Intn(len(noteTokens))])
		case 3:
			middle = append(append(middle, data[at:to]...), data[at:to]...)
		case 4:
			other := seeds[r.Intn(len(seeds))]
			from := r.Intn(len(other))
			middle = other[from:min(len(other), from+r.Intn(120))]
		case 5: // a line again, somewhere
			lines := bytes.SplitAfter(data, []byte("\n"))
			i, k := r.Intn(len(lines)), r.Intn(len(lines))
			lines = append(lines[:i:i], append([][]byte{lines[k]}, lines[i:]...)...)
			data = bytes.Join(lines, nil)
			continue
		}
		data = append(append(append([]byte{}, data[:at]...), middle...), data[to:]...)
	}
	return data
}

// ---- what Go says ----

func goNote(msg []byte, v note.Verifier) string {
	_, err := note.Open(msg, note.VerifierList(v))
	var unverified *note.UnverifiedNoteError
	switch {
	case err == nil:
		return "verified"
	case errors.As(err, &unverified):
		return "unsigned"
	}
	return "refused"
}

func goCheckpoint(msg []byte) (string, torchwood.Checkpoint) {
	c, err := torchwood.ParseCheckpoint(string(msg))
	if err != nil {
		return "-", c
	}
	return fmt.Sprintf("%d %d %s", len(c.Origin), c.N, hex.EncodeToString(c.Hash[:])), c
}

// ---- named differences ----

func looseBase64(text string) bool {
	if _, err := base64.StdEncoding.DecodeString(text); err != nil {
		return false
	}
	_, err := base64.StdEncoding.Strict().DecodeString(text)
	return err != nil
}

func whyNote(msg []byte, name string) string {
	split := bytes.LastIndex(msg, []byte("\n\n"))
	if split < 0 {
		return ""
	}
	lines, loose, ours := strings.Split(string(msg[split+2:]), "\n"), false, 0
	for _, line := range lines {
		fields := strings.SplitN(strings.TrimPrefix(line, "\u2014 "), " ", 2)
		if len(fields) != 2 {
			continue
		}
		loose = loose || looseBase64(fields[1])
		if fields[0] == name {
			ours++
		}
	}
	switch {
	case loose:
		return otherBase64
	case len(msg) > 65536 || len(lines)-1 > 64:
		return tooMany
	case ours > 1:
		return repeatedKey
	}
	return ""
}

func whyCheckpoint(msg []byte, c torchwood.Checkpoint, key note.Verifier) string {
	lines := strings.Split(string(msg), "\n")
	switch {
	case len(lines) > 2 && looseBase64(lines[2]):
		return otherBase64
	case c.Origin == "":
		return noOrigin
	case c.Extension != "":
		return withExtension
	// A note of this text with a signature is no note for Go either.
	case goNote(append(append([]byte{}, msg...), "\n\u2014 x AAAAAAA=\n"...), key) == "refused":
		return notText
	}
	return ""
}

// ---- both ----

func compareNotes(program string, count int) error {
	key, err := newNoteKey("log.example/1", 1)
	if err != nil {
		return err
	}
	other, err := newNoteKey("w.example/mirror", 2)
	if err != nil {
		return err
	}
	v, err := note.NewVerifier(key.vkey)
	if err != nil {
		return err
	}
	text := "log.example/1\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	seeds := [][]byte{[]byte(text)}
	for _, signers := range [][]note.Signer{{key.signer}, {key.signer, other.signer}, {other.signer}} {
		for _, t := range []string{text, "some\n\ntext \u2014 x\n", text + "extension\n"} {
			msg, err := note.Sign(&note.Note{Text: t}, signers...)
			if err != nil {
				return err
			}
			seeds = append(seeds, msg)
		}
	}

	ours := exec.Command(program, key.vkey)
	in, err := ours.StdinPipe()
	if err != nil {
		return err
	}
	pipe, err := ours.StdoutPipe()
	if err != nil {
		return err
	}
	if err := ours.Start(); err != nil {
		return err
	}
	out, seen, verdicts := bufio.NewReader(pipe), map[string]int{}, map[string]int{}
	r := rand.New(rand.NewSource(1))
	for i := 0; i < count; i++ {
		msg := alterNote(r, seeds)
		if err := binary.Write(in, binary.BigEndian, uint32(len(msg))); err != nil {
			return err
		}
		if _, err := io.Copy(in, bytes.NewReader(msg)); err != nil {
			return err
		}
		line, err := out.ReadString('\n')
		if err != nil {
			return err
		}
		oursNote, oursCheckpoint, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		theirsNote := goNote(msg, v)
		theirsCheckpoint, c := goCheckpoint(msg)
		verdicts["notes "+oursNote]++
		if oursCheckpoint != "-" {
			verdicts["checkpoints read"]++
		}
		why := sameVerdict
		if oursNote != theirsNote {
			why = whyNote(msg, key.name)
			if oursNote != "refused" { // parley is the stricter one in all of them
				why = ""
			}
		} else if oursCheckpoint != theirsCheckpoint {
			why = whyCheckpoint(msg, c, v)
			if oursCheckpoint != "-" {
				why = ""
			}
		}
		if why == "" {
			return fmt.Errorf("number %d: parley says %q, Go %q %q, of\n%q", i, line, theirsNote, theirsCheckpoint, msg)
		}
		seen[why]++
	}
	in.Close()
	for _, m := range []map[string]int{verdicts, seen} {
		names := []string{}
		for name := range m {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Printf("%6d  %s\n", m[name], name)
		}
	}
	return ours.Wait()
}
