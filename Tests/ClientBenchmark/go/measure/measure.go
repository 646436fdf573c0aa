// Package measure is what every Go program of the benchmark shares: its arguments, the callers that publish, the books
// of a delivery, and the line that it prints.
package measure

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Channel is where everything is published.
const Channel = "bench"

// A delivery asks for so many messages at a time, and so many of these bursts are under way.
const (
	burst  = 64
	window = 4
)

// What the runner wants.
var (
	Address  = os.Args[1]
	Workload = os.Args[2]
	warmup   = number(os.Args[3])
	count    = number(os.Args[4])
	// Pipelined: the publishes under way are put into one pipeline, by one caller.
	Pipelined = os.Getenv("PIPELINED") != ""
)

// Payload is what is published.
var Payload = []byte("00000000" + strings.Repeat("x", 192))

func number(text string) int {
	n, err := strconv.Atoi(text)
	Check(err)
	return n
}

// Check ends the program unless there is no error.
func Check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// UnderWay is how many publishes are under way at a time.
func UnderWay() int {
	if Workload == "publish-64" {
		return 64
	}
	return 1
}

// Publish publishes by UnderWay goroutines and reports it. The runner is the one that listens: each publish has to give
// one receiver.
func Publish(library string, publish func() (receivers int64, err error)) {
	measure(library, func(count int) { call(publish, count) })
}

// PublishPipelines does the same with a function that publishes UnderWay messages at once.
func PublishPipelines(library string, publish func() error) {
	measure(library, func(count int) {
		for i := 0; i < count; i += UnderWay() {
			Check(publish())
		}
	})
}

func measure(library string, publish func(count int)) {
	publish(warmup)
	clock := startClock()
	publish(count)
	clock.report(library)
}

// CheckReceivers gives an error unless it is 1.
func CheckReceivers(receivers int64) error {
	if receivers != 1 {
		return fmt.Errorf("a message has reached %d receivers instead of 1", receivers)
	}
	return nil
}

func call(publish func() (int64, error), count int) {
	var callers sync.WaitGroup
	left := int64(count)
	caller := func() {
		for atomic.AddInt64(&left, -1) >= 0 {
			receivers, err := publish()
			Check(err)
			Check(CheckReceivers(receivers))
		}
		callers.Done()
	}
	callers.Add(UnderWay())
	for i := 1; i < UnderWay(); i++ {
		go caller()
	}
	caller()
	callers.Wait()
}

type clock struct {
	usage syscall.Rusage
	time  time.Time
}

func startClock() clock {
	c := clock{time: time.Now()}
	Check(syscall.Getrusage(syscall.RUSAGE_SELF, &c.usage))
	return c
}

// report prints what the runner reads.
func (c clock) report(library string) {
	end := startClock()
	line, err := json.Marshal(map[string]any{
		"library": library, "messages": count, "wall_s": end.time.Sub(c.time).Seconds(),
		"user_s":   seconds(end.usage.Utime) - seconds(c.usage.Utime),
		"system_s": seconds(end.usage.Stime) - seconds(c.usage.Stime),
	})
	Check(err)
	fmt.Printf("\n%s\n", line)
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// Delivery is the messages that have come, and what is asked for.
type Delivery struct {
	library string
	taken   int
	clock   clock
}

// StartDelivery is called once the subscription is in force.
func StartDelivery(library string) *Delivery {
	_, err := os.Stdout.WriteString(strings.Repeat("+", window))
	Check(err)
	return &Delivery{library: library}
}

// Take takes the next payload, and tells whether it was the last one. It ends the program unless it is the next one.
func (d *Delivery) Take(payload []byte) bool {
	n := 0
	for _, digit := range payload[:8] {
		n = n*10 + int(digit-'0')
	}
	if n != d.taken {
		Check(fmt.Errorf("message %d is %.8q", d.taken, payload))
	}
	if d.taken++; d.taken%burst != 0 {
		return false
	}
	if d.taken == warmup {
		d.clock = startClock()
	} else if d.taken == warmup+count {
		d.clock.report(d.library)
		return true
	}
	_, err := os.Stdout.WriteString("+")
	Check(err)
	return false
}
