// Command conformance is the driver with which proto/conformance checks this client: lines on stdin become calls, and
// results and events become lines on stdout.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"hubrelay"
)

type driver struct {
	output sync.Mutex
	client *hubrelay.Client
	mu     sync.Mutex
	cancel map[string]context.CancelFunc
	subs   map[string]*hubrelay.Subscription
	held   chan struct{}  // closed: events are taken; nil before the first hold
	calls  sync.WaitGroup // those whose result is not printed yet
}

func main() {
	d := &driver{cancel: map[string]context.CancelFunc{}, subs: map[string]*hubrelay.Subscription{}}
	d.print("driver 1 go hubrelay cancel jitter inflight-bound unsent-bound events-bound hang-up subscription-end")
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err != nil || line == "quit\n" {
			return
		}
		d.command(strings.Split(strings.TrimSuffix(line, "\n"), " "))
	}
}

func (d *driver) command(words []string) {
	command, tag, rest := words[0], words[1], words[2:]
	switch command {
	case "open":
		d.open(unquote(tag), unquote(rest[0]), rest[1:])
	case "publish", "publish-now":
		d.start(tag, func(ctx context.Context) string {
			publish := d.client.Publish
			if command == "publish-now" {
				publish = d.client.TryPublish
			}
			receivers, err := publish(ctx, unquote(rest[0]), payload(rest[1]))
			return result(fmt.Sprintf("OK receivers=%d", receivers), err)
		})
	case "tell":
		d.done(tag, result("SENT", d.client.Send(unquote(rest[0]), payload(rest[1]))))
	case "subscribe":
		d.start(tag, func(ctx context.Context) string {
			pending, err := d.client.Subscribe(ctx, names(rest))
			return result(confirmed(pending), err)
		})
	case "unsubscribe":
		d.start(tag, func(ctx context.Context) string {
			return result("OK", d.client.Unsubscribe(ctx, names(rest)))
		})
	case "listen":
		d.start(tag, func(ctx context.Context) string { return d.listen(ctx, rest[0], names(rest[1:])) })
	case "unlisten":
		d.mu.Lock()
		s := d.subs[rest[0]]
		d.mu.Unlock()
		s.Close()
		d.done(tag, "OK")
	case "cancel":
		d.mu.Lock()
		cancel := d.cancel[tag]
		d.mu.Unlock()
		if cancel != nil {
			cancel()
		}
	case "hold", "release":
		d.hold(command == "hold")
		d.done(tag, "OK")
	case "memory":
		d.done(tag, fmt.Sprintf("OK rss=%d", residentBytes()))
	case "close":
		go func() { d.done(tag, result("OK", d.client.Close(context.Background()))) }()
	default: // ping, which this client does not offer
		d.done(tag, "OK")
	}
}

// started is a context that tells when the call that has it begins to wait: its request is on its way then, so the next
// line may be read.
type started struct {
	context.Context
	once sync.Once
	done chan struct{}
}

func (s *started) Done() <-chan struct{} {
	s.begin()
	return s.Context.Done()
}

func (s *started) begin() { s.once.Do(func() { close(s.done) }) }

// start runs a call that waits, and returns once it waits.
func (d *driver) start(tag string, call func(ctx context.Context) string) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &started{Context: ctx, done: make(chan struct{})}
	d.mu.Lock()
	d.cancel[tag] = cancel
	d.mu.Unlock()
	d.calls.Add(1)
	go func() {
		word := call(s)
		d.done(tag, word)
		d.calls.Done()
		d.mu.Lock()
		delete(d.cancel, tag)
		d.mu.Unlock()
		cancel()
		s.begin()
	}()
	<-s.done
}

func (d *driver) open(path, name string, settings []string) {
	values := map[string]int{}
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		values[key], _ = strconv.Atoi(value)
	}
	ms := func(key string) time.Duration { return time.Duration(values[key]) * time.Millisecond }
	client, err := hubrelay.New(path, name, hubrelay.WithTimes(hubrelay.Times{
		GapDelay: ms("jitter_ms"), PartialGap: ms("partial_ms"), BackoffMin: ms("backoff_min_ms"),
		BackoffMax: ms("backoff_max_ms"), BackoffHopeless: ms("backoff_hopeless_ms"), Handshake: ms("handshake_ms"),
		Drain: ms("drain_ms"), Successor: ms("successor_ms"), PingOwed: ms("ping_owed_ms"),
		PingIdle: ms("ping_idle_ms"), PingTimeout: ms("ping_timeout_ms"),
	}), hubrelay.WithLimits(hubrelay.Limits{
		InFlight: values["inflight"], Unsent: values["unsent"], UnsentSend: values["unsent"], Queue: values["events"],
	}), hubrelay.WithLogger(d))
	if err != nil {
		d.print("fatal " + quote(err.Error()))
		return
	}
	d.client = client
	go d.report(client.Events(), "")
}

func (d *driver) listen(ctx context.Context, handle string, names hubrelay.Names) string {
	s, err := d.client.ListenNames(ctx, names)
	if err != nil {
		return result("", err)
	}
	d.mu.Lock()
	d.subs[handle] = s
	d.mu.Unlock()
	// What comes at once is behind the result.
	go d.report(s, " sub="+handle)
	return confirmed(s.Pending())
}

// report prints the events of the client, or of one Subscription, until its end.
func (d *driver) report(source interface {
	Next(context.Context) (hubrelay.Event, error)
}, suffix string) {
	for {
		d.mu.Lock()
		held := d.held
		d.mu.Unlock()
		if held != nil {
			<-held
		}
		event, err := source.Next(context.Background())
		if err != nil {
			if suffix == "" {
				d.calls.Wait() // they have their results, and are about to print them
			}
			d.print("event end" + suffix)
			return
		}
		d.print("event " + describe(event) + suffix)
	}
}

func (d *driver) hold(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if on && d.held == nil {
		d.held = make(chan struct{})
	} else if !on && d.held != nil {
		close(d.held)
		d.held = nil
	}
}

// Printf is the client's log.
func (d *driver) Printf(format string, args ...any) {
	d.print("log " + quote(fmt.Sprintf(format, args...)))
}

func (d *driver) done(tag, word string) { d.print("done " + tag + " " + word) }

func (d *driver) print(line string) {
	d.output.Lock()
	defer d.output.Unlock()
	os.Stdout.WriteString(line + "\n")
}

func confirmed(pending bool) string {
	if pending {
		return "PENDING"
	}
	return "OK"
}

func result(ok string, err error) string {
	if err == nil {
		return ok
	}
	word := "ERROR"
	for _, outcome := range []struct {
		kind error
		word string
	}{{hubrelay.ErrNotConnected, "NOT_CONNECTED"}, {hubrelay.ErrInterrupted, "INTERRUPTED"},
		{hubrelay.ErrRefused, "REFUSED"}, {hubrelay.ErrInvalid, "INVALID"}, {hubrelay.ErrCongested, "CONGESTED"},
		{hubrelay.ErrLimit, "LIMIT"}, {hubrelay.ErrClosed, "CLOSED"}, {context.Canceled, "CANCELLED"}} {
		if errors.Is(err, outcome.kind) {
			word = outcome.word
		}
	}
	var details *hubrelay.Error
	if errors.As(err, &details) {
		for _, name := range append(details.Channels, details.Patterns...) {
			word += " name=" + quote(name)
		}
		word += " detail=" + quote(details.Detail)
	}
	return word
}

func describe(event hubrelay.Event) string {
	switch e := event.(type) {
	case *hubrelay.Message:
		text := fmt.Sprintf("message %s %s", quote(e.Channel), b64(e.Payload))
		if e.Pattern != "" {
			text += " pattern=" + quote(e.Pattern)
		}
		return text
	case *hubrelay.Status:
		return fmt.Sprintf("status state=%d publishing=%d receiving=%d connected=%d gaps=%d cause=%d", int32(e.State),
			bit(e.Publishing), bit(e.Receiving), bit(e.Connected), e.Gaps, int32(e.Cause))
	case *hubrelay.Loss:
		return fmt.Sprintf("loss publishes=%d messages=%d unknown=%d cause=%d local=%d", e.Publishes, e.Messages,
			e.PublishesUnknown, int32(e.Cause), bit(e.Local))
	case *hubrelay.Gap:
		return fmt.Sprintf("gap reasons=%s partial=%d", quote(strings.Join(e.Reasons, ",")), bit(e.Partial))
	case *hubrelay.Revoked:
		text := "revoked"
		for _, c := range e.Channels {
			text += " c:" + quote(c)
		}
		for _, p := range e.Patterns {
			text += " p:" + quote(p)
		}
		return text
	}
	return "unknown"
}
