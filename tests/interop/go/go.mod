module parley-interop

go 1.20

require (
	github.com/secure-systems-lab/go-securesystemslib v0.8.0
	golang.org/x/mod v0.20.0
)

require (
	golang.org/x/crypto v0.17.0 // indirect
	golang.org/x/sys v0.15.0 // indirect
)
