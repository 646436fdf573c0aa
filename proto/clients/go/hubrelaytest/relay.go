// Package hubrelaytest has an in-memory relay, with the Redis behind it, for the tests of applications. Real clients
// connect to it without a path, and a test can cause the events that happen in production.
//
//	relay := hubrelaytest.New(t)
//	client := relay.Client("worker-1")
//	...
//	relay.Publish("room.7", []byte("hello")) // as another host does
//	relay.Lose(3)                            // three messages were dropped
//	relay.Cut()                              // the relay was killed, and is back
package hubrelaytest

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"hubrelay"
	"hubrelay/internal/wire"
)

// Message is a publish that has reached the relay.
type Message struct {
	Channel string
	Payload []byte
}

// Relay is the in-memory relay. It is safe for use by many goroutines.
type Relay struct {
	t         testing.TB
	mu        sync.Mutex
	changed   chan struct{} // closed when something is published
	sessions  map[*session]struct{}
	published []Message
	refused   map[string]bool
	status    wire.Status
	life      int // how many times the relay was started
	features  []string
	stalled   bool
	absent    bool
}

// New makes a relay that is UP. It ends when the test ends.
func New(t testing.TB) *Relay {
	r := &Relay{t: t, sessions: map[*session]struct{}{}, refused: map[string]bool{}, life: 1,
		status:   wire.Status{State: 1, Publishing: true, Receiving: true},
		features: []string{wire.FeaturePatterns, wire.FeatureSettled, wire.FeatureFence}}
	r.changed = make(chan struct{})
	t.Cleanup(r.Cut)
	return r
}

// Client makes a client that is connected to the relay, and closed at the end of the test. Its Gaps come without the
// random delay of production, and its times are so long that a move on a busy machine causes no Gap. The options can
// change that: hubrelay.WithTimes replaces all of these times, so a field that is 0 has the default of production.
func (r *Relay) Client(name string, options ...hubrelay.Option) *hubrelay.Client {
	r.t.Helper()
	defaults := []hubrelay.Option{hubrelay.WithDialer(r.dial),
		hubrelay.WithTimes(hubrelay.Times{GapDelay: time.Millisecond, BackoffMax: 20 * time.Millisecond,
			Drain: time.Second, Successor: 10 * time.Second})}
	client, err := hubrelay.New("hubrelaytest", name, append(defaults, options...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			r.t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r.mu.Lock()
	absent := r.absent
	r.mu.Unlock()
	if !absent {
		if err := client.Ready(ctx); err != nil {
			r.t.Fatal(err)
		}
	}
	return client
}

// Publish publishes as somebody else does: another worker, another host, any client of the same Redis.
func (r *Relay) Publish(channel string, payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fanOut(channel, payload)
}

// Published returns what clients have published up to now, in the order of arrival.
func (r *Relay) Published() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Message(nil), r.published...)
}

// WaitPublished waits until clients have published at least n messages, and returns them. The error is the context's.
func (r *Relay) WaitPublished(ctx context.Context, n int) ([]Message, error) {
	for {
		r.mu.Lock()
		published, changed := r.published, r.changed
		r.mu.Unlock()
		if len(published) >= n {
			return append([]Message(nil), published...), nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Lose reports to all clients that the relay has dropped this many of their messages.
func (r *Relay) Lose(messages uint64) {
	r.tellAll(&wire.Frame{Kind: wire.KindLoss, Loss: wire.Loss{Messages: messages, Reason: "slow reader",
		Cause: int32(hubrelay.CauseSlowReader)}})
}

// Down begins an outage of Redis: publishes fail with NOT_CONNECTED, and nothing is received.
func (r *Relay) Down() {
	r.setStatus(func(s *wire.Status) {
		s.State, s.Publishing, s.Receiving, s.Cause = 3, false, false, int32(hubrelay.CauseClosed)
		s.Outages, s.Gaps = s.Outages+1, s.Gaps+1
	})
}

// Up ends an outage: all subscriptions are in force again.
func (r *Relay) Up() {
	r.setStatus(func(s *wire.Status) { s.State, s.Publishing, s.Receiving, s.Cause = 1, true, true, 0 })
}

// Refuse makes Redis refuse channels and patterns from now on. Clients that hold them get a Revoked.
func (r *Relay) Refuse(names ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		r.refused[name] = true
		for s := range r.sessions {
			frame := &wire.Frame{Kind: wire.KindRevoked, Revoked: wire.Revoked{Detail: "NOPERM"}}
			if s.channels[name] {
				frame.Revoked.Channels = []string{name}
			}
			if s.patterns[name] {
				frame.Revoked.Patterns = []string{name}
			}
			if len(frame.Revoked.Channels)+len(frame.Revoked.Patterns) > 0 {
				delete(s.channels, name)
				delete(s.patterns, name)
				s.send(frame)
			}
		}
	}
}

// Stall makes publishes wait for their Reply until Resume, as if Redis had stalled.
func (r *Relay) Stall() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stalled = true
}

// Resume ends Stall, and sends the Replies that were held back.
func (r *Relay) Resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stalled = false
	for s := range r.sessions {
		for _, frame := range s.owed {
			s.send(frame)
		}
		s.owed = nil
		s.endIfDone()
	}
}

// Cut ends all connections, as when the relay is killed. Another relay is there at once.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life++
	for s := range r.sessions {
		s.end()
	}
}

// Leave ends all connections, and none can be made until Return.
func (r *Relay) Leave() {
	r.mu.Lock()
	r.absent = true
	r.mu.Unlock()
	r.Cut()
}

// Return ends Leave.
func (r *Relay) Return() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.absent = false
}

// Restart is a graceful restart: clients get the state STOPPING, and find another relay on the same Redis.
func (r *Relay) Restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life++
	status := r.status
	status.State, status.Cause = 4, int32(hubrelay.CauseStopping)
	for s := range r.sessions {
		s.send(&wire.Frame{Kind: wire.KindStatus, Status: status})
	}
}

// Without takes features away: "patterns", "settled", "fence". This applies to connections made from now on.
func (r *Relay) Without(features ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var left []string
	for _, f := range r.features {
		keep := true
		for _, gone := range features {
			keep = keep && f != gone
		}
		if keep {
			left = append(left, f)
		}
	}
	r.features = left
}

func (r *Relay) setStatus(change func(*wire.Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status)
	for s := range r.sessions {
		s.send(&wire.Frame{Kind: wire.KindStatus, Status: r.status})
	}
}

func (r *Relay) tellAll(frame *wire.Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.sessions {
		s.send(frame)
	}
}

// fanOut delivers to all sessions, and returns the number of subscriptions that match.
func (r *Relay) fanOut(channel string, payload []byte) (receivers uint64) {
	if !r.status.Receiving {
		return 0
	}
	for s := range r.sessions {
		message := wire.Message{Channel: []byte(channel), Payload: payload}
		if s.channels[channel] {
			s.send(&wire.Frame{Kind: wire.KindMessage, Message: message})
			receivers++
		}
		for pattern := range s.patterns {
			if matches(pattern, channel) {
				message.Pattern = []byte(pattern)
				s.send(&wire.Frame{Kind: wire.KindMessage, Message: message})
				receivers++
			}
		}
	}
	return receivers
}

// dial makes a pair of sockets, with a session at the other end.
func (r *Relay) dial(context.Context) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.absent {
		return nil, fmt.Errorf("the relay of this test is absent: %w", syscall.ECONNREFUSED)
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	ours, err := fileConn(pair[0])
	if err != nil {
		_ = syscall.Close(pair[1])
		return nil, err
	}
	theirs, err := fileConn(pair[1])
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	newSession(r, ours, r.life)
	return theirs, nil
}

func fileConn(descriptor int) (net.Conn, error) {
	syscall.CloseOnExec(descriptor)
	file := os.NewFile(uintptr(descriptor), "hubrelaytest")
	defer file.Close() // FileConn has a copy
	return net.FileConn(file)
}
