package main

import (
	"bufio"
	"bytes"
	"io"
	"os"

	"filippo.io/age"
	"filippo.io/age/armor"
)

func ageFile(verb string, args []string) error {
	in, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var out []byte
	switch verb {
	case "seal":
		out, err = ageSeal(in, args)
	case "seal-pass":
		var r *age.ScryptRecipient
		if r, err = age.NewScryptRecipient(args[0]); err == nil {
			r.SetWorkFactor(12)
			out, err = ageSealTo(in, r)
		}
	case "open":
		out, err = ageOpen(in, args[0])
	case "open-pass":
		var i *age.ScryptIdentity
		if i, err = age.NewScryptIdentity(args[0]); err == nil {
			out, err = ageOpenWith(in, i)
		}
	default:
		os.Exit(2)
	}
	if err == nil {
		_, err = os.Stdout.Write(out)
	}
	return err
}

func ageSeal(plain []byte, args []string) ([]byte, error) {
	armored := args[0] == "-a"
	if armored {
		args = args[1:]
	}
	var to []age.Recipient
	for _, text := range args {
		r, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, err
		}
		to = append(to, r)
	}
	sealed, err := ageSealTo(plain, to...)
	if err != nil || !armored {
		return sealed, err
	}
	var text bytes.Buffer
	w := armor.NewWriter(&text)
	if _, err := w.Write(sealed); err != nil {
		return nil, err
	}
	err = w.Close()
	return text.Bytes(), err
}

func ageSealTo(plain []byte, to ...age.Recipient) ([]byte, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	err = w.Close()
	return sealed.Bytes(), err
}

func ageOpen(sealed []byte, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	ids, err := age.ParseIdentities(f)
	if err != nil {
		return nil, err
	}
	return ageOpenWith(sealed, ids...)
}

func ageOpenWith(sealed []byte, ids ...age.Identity) ([]byte, error) {
	in := bufio.NewReader(bytes.NewReader(sealed))
	var file io.Reader = in
	if start, _ := in.Peek(len(armor.Header)); string(start) == armor.Header {
		file = armor.NewReader(in)
	}
	plain, err := age.Decrypt(file, ids...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}
