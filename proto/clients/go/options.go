package hubrelay

import (
	"context"
	"net"
	"time"
)

// Option changes a default of New.
type Option func(*options)

type options struct {
	times  Times
	limits Limits
	logger Logger
	hooks  Hooks
	dialer func(ctx context.Context) (net.Conn, error)
}

// Times are the client's delays and deadlines. A field that is 0 has its default.
type Times struct {
	// GapDelay is the upper bound of a Gap's random delay. Default: 2 s.
	GapDelay time.Duration
	// PartialGap is how long after a break some channels may stay away before a partial Gap is reported. Default: 5 s.
	PartialGap time.Duration
	// BackoffMin and BackoffMax bound the random delay between attempts to connect. Default: 20 ms and 500 ms.
	BackoffMin, BackoffMax time.Duration
	// BackoffHopeless is the bound after a relay has said that it does not speak this version, or does not allow this
	// process. Default: 30 s.
	BackoffHopeless time.Duration
	// GoodConnection is how long a connection must have lasted for the backoff to start again at BackoffMin. Default: 5
	// s.
	GoodConnection time.Duration
	// Handshake is how long an attempt may take, from connecting to the relay's Welcome. Default: 5 s.
	Handshake time.Duration
	// Drain is how long Close, and a client that leaves a stopping relay, wait for Replies that are still owed.
	// Default: 8 s.
	Drain time.Duration
	// Successor is how long the client waits for the next relay when one shuts down, how long a fence may take, and how
	// long a move may hold back publishes. Default: 250 ms.
	Successor time.Duration
	// Settle is how long publishes without Reply stay unsettled before the client asks the relay about them. Default: 1
	// s.
	Settle time.Duration
	// PingOwed and PingIdle are the silences after which the client sends a Ping: while the relay owes an answer, and
	// at any time. Default: 5 s and 15 s.
	PingOwed, PingIdle time.Duration
	// PingTimeout is how long the relay may be silent after a Ping before the client ends the connection. Default: 5 s.
	PingTimeout time.Duration
}

// Limits are the client's bounds. A field that is 0 has its default. One event or frame at most may exceed each bound:
// an empty queue takes an event of any size.
type Limits struct {
	// InFlight is how many publishes may wait for their Reply. Default: 10,000.
	InFlight int
	// Unsent is how many bytes of publishes may wait for the relay to read them. Default: 16 MiB.
	Unsent int
	// UnsentSend is the same bound for Send. Default: 1 MiB.
	UnsentSend int
	// Queue is how many bytes each Subscription, and Events, may hold. Default: 4 MiB.
	Queue int
	// AllQueues is how many bytes all of them may hold together. A message that several of them hold counts once.
	// Default: 64 MiB.
	AllQueues int
}

// Logger gets a line when a connection begins or ends, and when the client moves between relays: never one for each
// message, and only one for each outage. A *log.Logger is a Logger. One goroutine calls it, in order, and holds no lock
// meanwhile. Close waits for its last line.
type Logger interface {
	Printf(format string, args ...any)
}

// Hooks are called around each publish and each delivery, for tracing and measuring. Any of them may be nil. They are
// called by the goroutine that publishes or receives. Payloads are opaque to the client, so a trace's context has to
// travel in the application's own payload.
type Hooks struct {
	// BeforePublish may return another context, which is passed to AfterPublish. It is called for Publish, TryPublish
	// and Send.
	BeforePublish func(ctx context.Context, channel string, payload []byte) context.Context
	// AfterPublish gets the result. For Send, receivers is 0.
	AfterPublish func(ctx context.Context, channel string, receivers uint64, err error)
	// BeforeDelivery is called when Next is about to return a message.
	BeforeDelivery func(message *Message)
	// AfterDelivery is called when the application asks for the next event, or closes: it has finished with the
	// message. This assumes one reader for each Subscription and for Events. With several, one reader's Next may end
	// another one's message, and some messages have no call.
	AfterDelivery func(message *Message)
}

// WithTimes changes delays and deadlines.
func WithTimes(times Times) Option { return func(o *options) { o.times = times } }

// WithLimits changes bounds.
func WithLimits(limits Limits) Option { return func(o *options) { o.limits = limits } }

// WithLogger makes the client log.
func WithLogger(logger Logger) Option { return func(o *options) { o.logger = logger } }

// WithHooks sets the hooks that are called around publishes and deliveries.
func WithHooks(hooks Hooks) Option { return func(o *options) { o.hooks = hooks } }

// WithDialer makes the client connect by a function instead of by the path. The path is then only a name in errors. The
// context ends after Times.Handshake, and when the client closes. The function has to return then, since Close waits
// for it. Tests use it.
func WithDialer(dialer func(ctx context.Context) (net.Conn, error)) Option {
	return func(o *options) { o.dialer = dialer }
}

// setDefaults replaces each 0 by its default. It returns false when a value is negative.
func (t *Times) setDefaults() bool {
	for _, d := range []struct {
		value *time.Duration
		of    time.Duration
	}{
		{&t.GapDelay, 2 * time.Second}, {&t.PartialGap, 5 * time.Second},
		{&t.BackoffMin, 20 * time.Millisecond}, {&t.BackoffMax, 500 * time.Millisecond},
		{&t.BackoffHopeless, 30 * time.Second}, {&t.GoodConnection, 5 * time.Second},
		{&t.Handshake, 5 * time.Second}, {&t.Drain, 8 * time.Second}, {&t.Successor, 250 * time.Millisecond},
		{&t.Settle, time.Second}, {&t.PingOwed, 5 * time.Second}, {&t.PingIdle, 15 * time.Second},
		{&t.PingTimeout, 5 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.of
		}
		if *d.value < 0 {
			return false
		}
	}
	return true
}

// setDefaults replaces each 0 by its default. It returns false when a value is negative.
func (l *Limits) setDefaults() bool {
	for _, d := range []struct {
		value *int
		of    int
	}{{&l.InFlight, 10000}, {&l.Unsent, 16 << 20}, {&l.UnsentSend, 1 << 20}, {&l.Queue, 4 << 20},
		{&l.AllQueues, 64 << 20}} {
		if *d.value == 0 {
			*d.value = d.of
		}
		if *d.value < 0 {
			return false
		}
	}
	return true
}
