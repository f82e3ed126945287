// The routes of hangup that are measured, in Go's net/http: what the same server would be in Go.
//
//	server PORT WORKERS QUEUE
//
// GET /healthz; /query/sim?rows=N&row_ms=M, which waits; /spin?ms=N, which burns N ms of its
// thread's CPU time on one of WORKERS places (QUEUE more may wait for one, the next is a 503); and
// two pages in the form of hangup's, so that one client reads both: /requests/ended with the moment
// at which the work saw that its context had ended (CLOCK_MONOTONIC, ns), and the gauges of
// /metrics.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	monotonic = 1 // the clocks of clock_gettime(2)
	threadCPU = 3
)

func clock(id uintptr) int64 {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

// time.Since reads the same clock, without a system call, but from an origin of its own.
var origin, atOrigin = func() (time.Time, int64) {
	origin, at, took := time.Now(), int64(0), int64(1<<62)
	for i := 0; i < 100; i++ {
		before := clock(monotonic)
		now := time.Now()
		after := clock(monotonic)
		if after-before < took {
			origin, at, took = now, before+(after-before)/2, after-before
		}
	}
	return origin, at
}()

func now() int64 { return atOrigin + int64(time.Since(origin)) }

type ended struct {
	ID      string `json:"id"`
	End     string `json:"end"`
	Started int64  `json:"started_ns"`
	Stopped *int64 `json:"work_stopped_ns"`
	Ended   int64  `json:"ended_ns"`
}

// The requests that ended last.
var last struct {
	sync.Mutex
	ring [16384]ended
	next int
	full bool
}

func remember(e ended) {
	last.Lock()
	defer last.Unlock()
	last.ring[last.next] = e
	last.next = (last.next + 1) % len(last.ring)
	last.full = last.full || last.next == 0
}

// tracked counts and remembers the requests of a route. work returns when it saw its context end, 0
// if it did not.
func tracked(gauge *atomic.Int64, work func(http.ResponseWriter, *http.Request) int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		gauge.Add(1)
		e := ended{ID: r.Header.Get("X-Request-Id"), End: "completed", Started: now()}
		if stopped := work(w, r); stopped != 0 {
			e.End, e.Stopped = "client_closed", &stopped
		}
		gauge.Add(-1)
		e.Ended = now()
		remember(e)
	}
}

func number(r *http.Request, name string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

func query(w http.ResponseWriter, r *http.Request) int64 {
	ctx := r.Context()
	rows, pause := number(r, "rows", 100), time.Duration(number(r, "row_ms", 10))*time.Millisecond
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for i := int64(0); i < rows; i++ {
		select {
		case <-timer.C:
			timer.Reset(pause)
		case <-ctx.Done():
			return now()
		}
	}
	fmt.Fprintf(w, "{\"count\":%d}\n", rows)
	return 0
}

// As much as hangup's /spin computes between two looks at its context.
func compute(x uint64) uint64 {
	for i := 0; i < 10_000; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func burn(ctx context.Context, w http.ResponseWriter, ms int64) int64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	x := uint64(88172645463325252)
	for start := clock(threadCPU); clock(threadCPU)-start < ms*1_000_000; {
		select {
		case <-ctx.Done():
			return now()
		default:
		}
		x = compute(x)
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"result\":\"%016x\"}\n", x)
	return 0
}

func spin(workers, queue int) func(http.ResponseWriter, *http.Request) int64 {
	places, waiting := make(chan struct{}, workers), make(chan struct{}, queue)
	return func(w http.ResponseWriter, r *http.Request) int64 {
		ctx := r.Context()
		select {
		case places <- struct{}{}:
		default:
			select {
			case waiting <- struct{}{}:
			default:
				http.Error(w, "the queue is full", http.StatusServiceUnavailable)
				return 0
			}
			select {
			case places <- struct{}{}:
				<-waiting
			case <-ctx.Done():
				stopped := now()
				<-waiting
				return stopped
			}
		}
		defer func() { <-places }()
		return burn(ctx, w, number(r, "ms", 100))
	}
}

func newestFirst(limit int) []ended {
	last.Lock()
	defer last.Unlock()
	n := last.next
	if last.full {
		n = len(last.ring)
	}
	list := make([]ended, 0, min(n, limit))
	for i := 1; i <= min(n, limit); i++ {
		list = append(list, last.ring[(last.next+len(last.ring)-i)%len(last.ring)])
	}
	return list
}

func main() {
	var given [3]int
	for i := range given {
		n, err := 0, error(nil)
		if len(os.Args) == 4 {
			n, err = strconv.Atoi(os.Args[i+1])
		}
		if n <= 0 || err != nil {
			fmt.Fprintln(os.Stderr, "usage: server PORT WORKERS QUEUE")
			os.Exit(2)
		}
		given[i] = n
	}
	var queries, tasks, spins atomic.Int64
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write([]byte("ok\n"))
	})
	http.HandleFunc("/query/sim", tracked(&queries, query))
	http.HandleFunc("/query/sim/task", tracked(&tasks, query)) // the same: a goroutine is what a task is
	http.HandleFunc("/spin", tracked(&spins, spin(given[1], given[2])))
	http.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "hangup_requests_in_flight{route=\"/query/sim\"} %d\n", queries.Load())
		fmt.Fprintf(w, "hangup_requests_in_flight{route=\"/query/sim/task\"} %d\n", tasks.Load())
		fmt.Fprintf(w, "hangup_requests_in_flight{route=\"/spin\"} %d\n", spins.Load())
	})
	http.HandleFunc("/requests/ended", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"ended": newestFirst(int(number(r, "limit", 100)))})
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
	os.Exit(1)
}
