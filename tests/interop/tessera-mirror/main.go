// Command push uploads a log to a mirror with Tessera's client/mirror, which is newer than its last tag.
//
//	push BASE CERT KEY ORIGIN MIRROR [BYTES]
//
// BASE is where the log's node serves it, over mutual TLS with CERT and KEY; MIRROR the submission prefix of a C2SP mirror.
// With BYTES each request is cut off after so many bytes of its body. Prints the cosignatures. Exit 0 done, 1 not, 2 usage.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/client/mirror"
)

type cutting struct {
	http.RoundTripper
	after int64
}

type cutReader struct {
	io.Reader
	io.Closer
	left int64
}

func (r *cutReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, errors.New("cut off on purpose")
	}
	n, err := r.Reader.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

func (c cutting) RoundTrip(q *http.Request) (*http.Response, error) {
	if c.after > 0 && q.Body != nil {
		q.Body = &cutReader{q.Body, q.Body, c.after}
	}
	return c.RoundTripper.RoundTrip(q)
}

func push(base, cert, key, origin, to string, after int64) error {
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	// Whether the server's key is the right one is asked in ../go1.24; here only the upload counts.
	tlsConfig := &tls.Config{Certificates: []tls.Certificate{own}, InsecureSkipVerify: true}
	at, err := url.Parse(fmt.Sprintf("%s/%x/", base, sha256.Sum256([]byte(origin))))
	if err != nil {
		return err
	}
	log, err := client.NewHTTPFetcher(at, &http.Client{Transport: &http.Transport{TLSClientConfig: tlsConfig}})
	if err != nil {
		return err
	}
	mirrorURL, err := url.Parse(to + "/")
	if err != nil {
		return err
	}
	held, err := client.NewHTTPFetcher(mirrorURL.JoinPath(fmt.Sprintf("%x/", sha256.Sum256([]byte(origin)))), http.DefaultClient)
	if err != nil {
		return err
	}
	checkpoint, err := log.ReadCheckpoint(ctx)
	if err != nil {
		return err
	}
	lines := bytes.Split(checkpoint, []byte("\n"))
	if len(lines) < 5 || string(lines[0]) != origin {
		return fmt.Errorf("no checkpoint of %s", origin)
	}
	size, err := strconv.ParseUint(string(lines[1]), 10, 64)
	if err != nil {
		return err
	}
	c, err := mirror.NewClient(ctx, mirror.NewOptions().
		WithMirrorURL(mirrorURL).
		WithHTTPClient(&http.Client{Transport: cutting{http.DefaultTransport, after}}).
		WithTileFetcher(log.ReadTile).
		WithBundleFetcher(log.ReadEntryBundle).
		WithMirrorCheckpointFetcher(held.ReadCheckpoint))
	if err != nil {
		return err
	}
	cosignatures, err := c.Sync(ctx, checkpoint, size)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(cosignatures)
	return err
}

func main() {
	var after int64
	var err error
	if len(os.Args) == 7 {
		after, err = strconv.ParseInt(os.Args[6], 10, 64)
	}
	if err != nil || len(os.Args) < 6 || len(os.Args) > 7 {
		fmt.Fprintln(os.Stderr, "usage: push BASE CERT KEY ORIGIN MIRROR [BYTES]")
		os.Exit(2)
	}
	if err := push(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], after); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
