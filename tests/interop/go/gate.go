package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// The gate of a node, by Go's TLS: it speaks TLS 1.3 to the holder of a pinned key, and to nobody in any other way.
func checkGate(cardPath, base, cert, key, strangerCert, strangerKey string) error {
	server, err := readCard(cardPath)
	if err != nil {
		return err
	}
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	stranger, err := tls.LoadX509KeyPair(strangerCert, strangerKey)
	if err != nil {
		return err
	}
	at, err := url.Parse(base)
	if err != nil {
		return err
	}

	good := pinnedConfig(server, own)
	state, status, err := ask(at.Host, good)
	if err != nil {
		return err
	}
	if state.Version != tls.VersionTLS13 || status != http.StatusNotFound {
		return fmt.Errorf("TLS version %#x, HTTP status %d", state.Version, status)
	}
	fmt.Printf("TLS 1.3 with %s and a pinned key: answers\n", tls.CipherSuiteName(state.CipherSuite))

	for name, change := range map[string]func(c *tls.Config){
		"TLS 1.2":                  func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
		"no certificate":           func(c *tls.Config) { c.Certificates = nil },
		"a stranger's certificate": func(c *tls.Config) { c.Certificates = []tls.Certificate{stranger} },
		"a certificate without its key": func(c *tls.Config) {
			c.Certificates = []tls.Certificate{{Certificate: own.Certificate, PrivateKey: stranger.PrivateKey}}
		},
	} {
		c := good.Clone()
		change(c)
		if _, status, err := ask(at.Host, c); err == nil {
			return fmt.Errorf("%s: answered with status %d", name, status)
		} else {
			fmt.Printf("%s: %v\n", name, err)
		}
	}
	return plain(at.Host)
}

// One request on a connection of its own, for a path that no node has.
func ask(host string, config *tls.Config) (state tls.ConnectionState, status int, err error) {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", host, config)
	if err != nil {
		return state, 0, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	status, err = request(c, host)
	return c.ConnectionState(), status, err
}

func plain(host string) error {
	c, err := net.DialTimeout("tcp", host, 10*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	status, err := request(c, host)
	if err == nil {
		return fmt.Errorf("HTTP without TLS: answered with status %d", status)
	}
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return errors.New("HTTP without TLS: left waiting")
	}
	fmt.Println("HTTP without TLS:", err)
	return nil
}

func request(c net.Conn, host string) (status int, err error) {
	if _, err := fmt.Fprintf(c, "GET /none HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host); err != nil {
		return 0, err
	}
	answer, err := io.ReadAll(io.LimitReader(c, 65536))
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Sscanf(string(answer), "HTTP/1.1 %d", &status); err != nil {
		return 0, fmt.Errorf("closed after %d bytes", len(answer))
	}
	return status, nil
}
