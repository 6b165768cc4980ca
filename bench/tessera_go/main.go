// Appends entries to a log of Tessera's POSIX storage: how many a second, and how long until one is integrated and under a
// signed checkpoint. No antispam; the storage syncs what it writes.
//
// usage: tessera FOLDER ENTRIES BYTES BATCH AGE_MS      prints one JSON object
package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"
	"syscall"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// Seconds of processor time that this process has used.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func median(d []time.Duration) float64 {
	sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
	return d[len(d)/2].Seconds() * 1000
}

func main() {
	n, size := must(strconv.Atoi(os.Args[2])), must(strconv.Atoi(os.Args[3]))
	batch, age := must(strconv.Atoi(os.Args[4])), must(strconv.Atoi(os.Args[5]))
	ctx := context.Background()
	secret, _, err := note.GenerateKey(rand.Reader, "bench.example")
	if err != nil {
		log.Fatal(err)
	}
	driver := must(posix.New(ctx, posix.Config{Path: os.Args[1]}))
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(must(note.NewSigner(secret))).
		WithBatching(uint(batch), time.Duration(age)*time.Millisecond).
		WithPushback(uint(n)+1).
		WithCheckpointInterval(100*time.Millisecond)) // the least that it takes
	if err != nil {
		log.Fatal(err)
	}
	data := make([]byte, size)
	add := func(i int) tessera.IndexFuture {
		binary.BigEndian.PutUint64(data, uint64(i))
		return appender.Add(ctx, tessera.NewEntry(append([]byte(nil), data...)))
	}
	published := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, time.Millisecond)
	must(add(0)()) // the log exists now

	begin, used := time.Now(), cpu()
	futures := make([]tessera.IndexFuture, n)
	for i := range futures {
		futures[i] = add(i + 1)
	}
	for _, f := range futures {
		must(f())
	}
	integrated := time.Since(begin)
	used = cpu() - used

	const singles = 50
	var toIntegrated, toPublished []time.Duration
	for i := 0; i < singles; i++ {
		begin := time.Now()
		f := add(n + 1 + i)
		index := must(f())
		for must(reader.IntegratedSize(ctx)) <= index.Index {
			time.Sleep(100 * time.Microsecond)
		}
		toIntegrated = append(toIntegrated, time.Since(begin))
		if _, _, err := published.Await(ctx, f); err != nil {
			log.Fatal(err)
		}
		toPublished = append(toPublished, time.Since(begin))
	}
	fmt.Printf("{\"entries\":%d,\"per_second\":%.0f,\"cpu_us\":%.1f,\"integrated_ms\":%.2f,\"published_ms\":%.2f}\n", n,
		float64(n)/integrated.Seconds(), used/float64(n)*1e6, median(toIntegrated), median(toPublished))
	if err := shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
