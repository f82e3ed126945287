// What Go's contexts cost: the namesakes of the benchmarks in ../context_bench.cpp, doing the same
// work in the same order. scripts/bench-context runs both and prints the table.
//
// "ns/op" is the time of one operation, also where one round of the loop is many of them.
package bench

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	kids   = 1_000                  // of a cancelled parent
	levels = 1_000                  // of a chain
	tasks  = 1_000                  // started before the group is waited for
	asleep = 100 * time.Microsecond // after this whoever was about to block has blocked
)

func BenchmarkContext(b *testing.B) {
	all := []struct {
		name string
		run  func(*testing.B)
	}{
		{"create_cancel", createCancel},
		{"child", child},
		{"common_parent", commonParent},
		{"timeout", timeout(0)},
		{"timeout_40", timeout(40)},
		{"timeout_4000", timeout(4_000)},
		{"timeout_400000", timeout(400_000)},
		{"after_func", afterFunc},
		{"task_start", taskStart},
		{"propagate", propagate},
		{"propagate_chain", propagateChain},
		{"cancel_tree", cancelTree},
		{"done_live", done(false)},
		{"done_ended", done(true)},
		{"done_shared", doneShared},
		{"err_live", err(false)},
		{"err_ended", err(true)},
		{"value_hit_10", value(wanted{}, 10)},
		{"value_miss_10", value(absent{}, 10)},
		{"value_hit_100", value(wanted{}, 100)},
		{"value_miss_100", value(absent{}, 100)},
		{"wake_one", wake(1)},
		{"wake_100", wake(100)},
		{"wake_tasks_1", wake(1)},
		{"wake_tasks_100", wake(100)},
		{"wake_tasks_1000", wake(1_000)},
		{"wake_tasks_1_own_contexts", wakeOwn(1)},
		{"wake_tasks_100_own_contexts", wakeOwn(100)},
		{"wake_tasks_1000_own_contexts", wakeOwn(1_000)},
		{"start_tasks", taskStart},
		{"task_timeout", taskTimeout(false)},
		{"task_timeout_yield", taskTimeout(true)},
		{"task_turns", taskTurns},
		{"task_turns_two_threads", taskTurns},
		{"task_burst", taskBurst},
		{"task_burst_from_outside", taskBurst},
	}
	for _, one := range all {
		b.Run(one.name, one.run)
	}
}

// opaque hides from the compiler which type of context it has, as a parameter of a function does.
//
//go:noinline
func opaque(ctx context.Context) context.Context { return ctx }

// each reports the time of one of the items that run says it took its time for.
func each(b *testing.B, items int, run func() time.Duration) {
	var sum time.Duration
	for i := 0; i < b.N; i++ {
		sum += run()
	}
	b.ReportMetric(float64(sum.Nanoseconds())/float64(b.N)/float64(items), "ns/op")
}

// onTwoThreads runs it b.N times on two goroutines at the same time: the time of one operation of
// a goroutine.
func onTwoThreads(b *testing.B, operations func(n int)) {
	var both sync.WaitGroup
	both.Add(2)
	start := time.Now()
	for i := 0; i < 2; i++ {
		go func() {
			defer both.Done()
			operations(b.N)
		}()
	}
	both.Wait()
	b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(b.N), "ns/op")
}

// --- making and ending ---

func createCancel(b *testing.B) {
	for i := 0; i < b.N; i++ {
		_, cancel := context.WithCancel(context.Background())
		cancel()
	}
}

func child(b *testing.B) {
	parent, end := context.WithCancel(context.Background())
	defer end()
	for i := 0; i < b.N; i++ {
		_, cancel := context.WithCancel(parent)
		cancel()
	}
}

func commonParent(b *testing.B) {
	parent, end := context.WithCancel(context.Background())
	defer end()
	onTwoThreads(b, func(n int) {
		for i := 0; i < n; i++ {
			_, cancel := context.WithCancel(parent)
			cancel()
		}
	})
}

// Others are due from half an hour before to half an hour after the one that is measured, and were
// made in no order.
func timeout(pending int) func(*testing.B) {
	return func(b *testing.B) {
		for i := 0; i < pending; i++ {
			part := time.Duration(i * 7_919 % pending)
			_, cancel := context.WithTimeout(context.Background(), 30*time.Minute+time.Hour*part/time.Duration(pending))
			defer cancel()
		}
		b.ResetTimer()
		for i := 0; i < b.N; i++ {
			_, cancel := context.WithTimeout(context.Background(), time.Hour)
			cancel()
		}
		b.StopTimer()
	}
}

func afterFunc(b *testing.B) {
	parent, end := context.WithCancel(context.Background())
	defer end()
	for i := 0; i < b.N; i++ {
		stop := context.AfterFunc(parent, func() {})
		stop()
	}
}

// group is what golang.org/x/sync/errgroup is when no limit has been set, which is not part of the
// standard library: the same steps and allocations.
type group struct {
	cancel  context.CancelCauseFunc
	running sync.WaitGroup
	failed  sync.Once
	err     error
}

func (g *group) Go(f func() error) {
	g.running.Add(1)
	go func() {
		defer g.running.Done()
		if err := f(); err != nil {
			g.failed.Do(func() {
				g.err = err
				if g.cancel != nil {
					g.cancel(g.err)
				}
			})
		}
	}()
}

func (g *group) Wait() error {
	g.running.Wait()
	if g.cancel != nil {
		g.cancel(g.err)
	}
	return g.err
}

func taskStart(b *testing.B) {
	each(b, tasks, func() time.Duration {
		f := func() {}
		start := time.Now()
		g := new(group)
		for i := 0; i < tasks; i++ {
			g.Go(func() error { f(); return nil })
		}
		if g.Wait() != nil {
			b.Fatal("a task has failed")
		}
		return time.Since(start)
	})
}

func taskTurns(b *testing.B) {
	const turns = 1_000
	each(b, turns, func() time.Duration {
		mine, yours := make(chan int, 1), make(chan int, 1)
		var both sync.WaitGroup
		both.Add(2)
		take := func(from, to chan int) {
			defer both.Done()
			for ball := 0; ball < turns; {
				ball = <-from
				to <- ball + 1
			}
		}
		start := time.Now()
		go take(mine, yours)
		go take(yours, mine)
		mine <- 0
		both.Wait()
		return time.Since(start)
	})
}

func taskBurst(b *testing.B) {
	const count = 100
	each(b, count, func() time.Duration {
		var all sync.WaitGroup
		all.Add(count)
		start := time.Now()
		for i := 0; i < count; i++ {
			go func() {
				defer all.Done()
				for begin := time.Now(); time.Since(begin) < 100*time.Microsecond; {
				}
			}()
		}
		all.Wait()
		return time.Since(start)
	})
}

// --- ending many ---

func propagate(b *testing.B) {
	each(b, kids, func() time.Duration {
		parent, cancel := context.WithCancel(context.Background())
		made := make([]context.CancelFunc, 0, kids)
		for i := 0; i < kids; i++ {
			_, end := context.WithCancel(parent)
			made = append(made, end)
		}
		start := time.Now()
		cancel()
		took := time.Since(start)
		for _, end := range made {
			end()
		}
		return took
	})
}

func chain(ctx context.Context) []context.CancelFunc {
	made := make([]context.CancelFunc, 0, levels)
	for i := 0; i < levels; i++ {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		made = append(made, end)
	}
	return made
}

func propagateChain(b *testing.B) {
	each(b, levels, func() time.Duration {
		root, cancel := context.WithCancel(context.Background())
		made := chain(root)
		start := time.Now()
		cancel()
		took := time.Since(start)
		for _, end := range made {
			end()
		}
		return took
	})
}

// The chain made, ended from its root, and taken down again.
func cancelTree(b *testing.B) {
	each(b, levels, func() time.Duration {
		start := time.Now()
		root, cancel := context.WithCancel(context.Background())
		made := chain(root)
		cancel()
		for _, end := range made {
			end()
		}
		return time.Since(start)
	})
}

// --- looking ---

var seen int // so that no look is in vain

func made(ended bool) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	ctx = opaque(ctx)
	if ended {
		cancel()
	}
	return ctx, cancel
}

func done(ended bool) func(*testing.B) {
	return func(b *testing.B) {
		ctx, cancel := made(ended)
		defer cancel()
		n := 0
		for i := 0; i < b.N; i++ {
			select {
			case <-ctx.Done():
				n++
			default:
			}
		}
		seen = n
	}
}

func err(ended bool) func(*testing.B) {
	return func(b *testing.B) {
		ctx, cancel := made(ended)
		defer cancel()
		n := 0
		for i := 0; i < b.N; i++ {
			if ctx.Err() != nil {
				n++
			}
		}
		seen = n
	}
}

func doneShared(b *testing.B) {
	ctx, cancel := made(false)
	defer cancel()
	onTwoThreads(b, func(n int) {
		for i := 0; i < n; i++ {
			select {
			case <-ctx.Done():
				b.Error("it has ended")
			default:
			}
		}
	})
}

type (
	wanted  struct{}
	absent  struct{}
	between struct{}
)

// The value is the outermost of the layers. Per layer.
func value(key any, layers int) func(*testing.B) {
	return func(b *testing.B) {
		ctx := context.WithValue(context.Background(), wanted{}, 1)
		for i := 1; i < layers; i++ {
			ctx = context.WithValue(ctx, between{}, i)
		}
		ctx = opaque(ctx)
		n := 0
		b.ResetTimer()
		start := time.Now()
		for i := 0; i < b.N; i++ {
			if v, ok := ctx.Value(key).(int); ok {
				n += v
			}
		}
		b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(b.N)/float64(layers), "ns/op")
		seen = n
	}
}

// A goroutine with a time limit, from the making of its context until it has been waited for. It
// does nothing, or lets others have their turn once.
func taskTimeout(yields bool) func(*testing.B) {
	return func(b *testing.B) {
		parent, end := context.WithCancel(context.Background())
		defer end()
		for i := 0; i < b.N; i++ {
			ctx, cancel := context.WithTimeout(parent, time.Hour)
			var over sync.WaitGroup
			over.Add(1)
			go func() {
				defer over.Done()
				if yields {
					runtime.Gosched()
					if ctx.Err() != nil {
						b.Error("it has ended")
					}
				}
			}()
			over.Wait()
			cancel()
		}
	}
}

// --- waking ---

// From just before the end until the last of the waiters runs again. The median: a latency, whose
// mean would be that of the machine's stalls.
func wake(waiters int) func(*testing.B) { return wakeAll(waiters, false) }

// The same, and each waits on a context of its own below the one that ends.
func wakeOwn(waiters int) func(*testing.B) { return wakeAll(waiters, true) }

func wakeAll(waiters int, ownContexts bool) func(*testing.B) {
	return func(b *testing.B) {
		base := time.Now()
		var aboutToWait, last atomic.Int64
		var awake sync.WaitGroup
		rounds := make([]chan context.Context, waiters)
		for i := range rounds {
			round := make(chan context.Context)
			rounds[i] = round
			go func() {
				for ctx := range round {
					end := func() {}
					if ownContexts {
						ctx, end = context.WithCancel(ctx)
					}
					done := ctx.Done()
					aboutToWait.Add(1)
					<-done
					now := int64(time.Since(base))
					for before := last.Load(); before < now && !last.CompareAndSwap(before, now); before = last.Load() {
					}
					end()
					awake.Done()
				}
			}()
		}
		took := make([]int64, 0, b.N)
		for i := 0; i < b.N; i++ {
			ctx, cancel := context.WithCancel(context.Background())
			aboutToWait.Store(0)
			awake.Add(waiters)
			for _, round := range rounds {
				round <- ctx
			}
			for aboutToWait.Load() != int64(waiters) {
			}
			for start := time.Now(); time.Since(start) < asleep; {
			}
			start := time.Since(base)
			cancel()
			awake.Wait()
			took = append(took, last.Load()-int64(start))
		}
		for _, round := range rounds {
			close(round)
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2]), "ns/op")
	}
}
