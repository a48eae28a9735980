// holdfast-peer-etcd - the loads cycle and handoff of holdfast-bench against etcd, with the mutex of
// its Go client's package concurrency. Options and result as those of the other peers: see
// bench/peers/peer_load.c.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/clientv3"
	"go.etcd.io/etcd/clientv3/concurrency"
)

type run struct {
	load       string
	workers    int
	begin, end time.Time
	handed     int64 // when its holder sent the release, in ns since START
	start      time.Time
	held       int32
	broken     int32
}

type worker struct {
	run     *run
	session *concurrency.Session
	lock    string
	cycles  int
	counted int
	err     error
	latency map[string][]float64 // microseconds
}

func (self *worker) note(which string, from, to time.Time) {
	if !from.Before(self.run.begin) && from.Before(self.run.end) {
		self.latency[which] = append(self.latency[which], float64(to.Sub(from).Nanoseconds())/1e3)
	}
}

func (self *worker) cycle(mutex *concurrency.Mutex) error {
	run := self.run
	asked := time.Now()
	if err := mutex.Lock(context.Background()); err != nil {
		return err
	}
	granted := time.Now()
	self.note("acquire", asked, granted)
	if run.load == "handoff" {
		handed := atomic.LoadInt64(&run.handed)
		if !atomic.CompareAndSwapInt32(&run.held, 0, 1) {
			atomic.AddInt32(&run.broken, 1)
		}
		if handed > 0 {
			self.note("handoff", run.start.Add(time.Duration(handed)), granted)
		}
		atomic.StoreInt32(&run.held, 0)
	}
	released := time.Now()
	atomic.StoreInt64(&run.handed, released.Sub(run.start).Nanoseconds())
	if err := mutex.Unlock(context.Background()); err != nil {
		return err
	}
	now := time.Now()
	self.note("release", released, now)
	self.note("cycle", asked, now)
	self.cycles++
	if !now.Before(run.begin) && now.Before(run.end) {
		self.counted++
	}
	return nil
}

func (self *worker) work(done *sync.WaitGroup) {
	defer done.Done()
	mutex := concurrency.NewMutex(self.session, self.lock)
	for self.err == nil && time.Now().Before(self.run.end) {
		self.err = self.cycle(mutex)
	}
}

// A session for each worker where they want the same lock: a session that holds it is given it again.
func open(run *run, client *clientv3.Client) ([]*worker, error) {
	var workers []*worker
	var session *concurrency.Session
	for i := 0; i < run.workers; i++ {
		if session == nil || run.load == "handoff" {
			var err error
			if session, err = concurrency.NewSession(client, concurrency.WithTTL(10)); err != nil {
				return nil, err
			}
		}
		number := i
		if run.load == "handoff" {
			number = 0
		}
		workers = append(workers, &worker{run: run, session: session,
			lock:    fmt.Sprintf("/bench-%x-%d", run.start.UnixNano(), number),
			latency: map[string][]float64{}})
	}
	return workers, nil
}

func quantiles(values []float64) map[string]float64 {
	sort.Float64s(values)
	at := func(q float64) float64 {
		if len(values) == 0 {
			return 0
		}
		return values[int(q*float64(len(values)-1)+0.5)]
	}
	return map[string]float64{"p50": at(0.5), "p99": at(0.99), "max": at(1)}
}

// Print the result; false: a worker failed.
func report(run *run, workers []*worker, seconds int) bool {
	cycles, counted, failed := 0, 0, 0
	all := map[string][]float64{}
	for _, worker := range workers {
		cycles += worker.cycles
		counted += worker.counted
		for which, values := range worker.latency {
			all[which] = append(all[which], values...)
		}
		if worker.err != nil {
			fmt.Fprintln(os.Stderr, "etcd:", worker.err)
			failed++
		}
	}
	latency := map[string]map[string]float64{}
	for which, values := range all {
		latency[which] = quantiles(values)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"command": run.load, "workers": run.workers, "seconds": seconds, "cycles": counted,
		"cycles_with_warmup": cycles, "cycles_per_second": float64(counted) / float64(seconds),
		"failed": failed, "held_by_two": run.broken, "latency_us": latency})
	return failed == 0
}

func main() {
	var places string
	var workers, seconds, warmup int
	for _, name := range []string{"p", "places"} {
		flag.StringVar(&places, name, "", "the servers, HOST:PORT,HOST:PORT")
	}
	for _, name := range []string{"w", "workers"} {
		flag.IntVar(&workers, name, 64, "workers")
	}
	for _, name := range []string{"t", "seconds"} {
		flag.IntVar(&seconds, name, 10, "seconds that are measured")
	}
	flag.IntVar(&warmup, "warmup", 2, "seconds before that which are not")
	flag.Parse()
	load := flag.Arg(0)
	if places == "" || workers < 1 || seconds < 1 || flag.NArg() != 1 || (load != "cycle" && load != "handoff") {
		fmt.Fprintln(os.Stderr, "usage: holdfast-peer-etcd [OPTION...] --places LIST cycle|handoff")
		os.Exit(64)
	}
	run := &run{load: load, workers: workers, start: time.Now()}
	client, err := clientv3.New(clientv3.Config{Endpoints: strings.Split(places, ","), DialTimeout: 5 * time.Second})
	var list []*worker
	if err == nil {
		list, err = open(run, client)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		os.Exit(69)
	}
	run.begin = time.Now().Add(time.Duration(warmup) * time.Second)
	run.end = run.begin.Add(time.Duration(seconds) * time.Second)
	var done sync.WaitGroup
	done.Add(len(list))
	for _, worker := range list {
		go worker.work(&done)
	}
	done.Wait()
	good := report(run, list, seconds)
	client.Close()
	if !good {
		os.Exit(1)
	}
}
