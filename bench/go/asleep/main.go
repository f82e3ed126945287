// What many goroutines cost that sleep: the same as ../../asleep_bench.cpp, with goroutines.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func residentBytes() int {
	var all, resident int
	statm, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscan(string(statm), &all, &resident)
	}
	if err != nil {
		panic(err)
	}
	return resident * os.Getpagesize()
}

var started atomic.Int64

func sleepLong(ctx context.Context) {
	started.Add(1)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func main() {
	count := 0
	if len(os.Args) > 1 {
		count, _ = strconv.Atoi(os.Args[1])
	}
	if count < 1 {
		fmt.Fprintln(os.Stderr, "usage: asleep COUNT [own]")
		os.Exit(2)
	}
	own := len(os.Args) > 2 && os.Args[2] == "own"
	all, cancel := context.WithCancel(context.Background())
	before := residentBytes()
	var over sync.WaitGroup
	over.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			defer over.Done()
			ctx := all
			if own {
				mine, end := context.WithCancel(all)
				defer end()
				ctx = mine
			}
			sleepLong(ctx)
		}()
	}
	for started.Load() < int64(count) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond) // until the last of them sleeps as well
	bytes := residentBytes() - before
	start := time.Now()
	cancel()
	over.Wait()
	took := time.Since(start)
	fmt.Printf("{\"bytes\": %d, \"ns\": %.1f}\n", bytes/count, float64(took.Nanoseconds())/float64(count))
}
