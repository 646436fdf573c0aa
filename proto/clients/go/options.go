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

// Times are the client's delays and deadlines. What is 0 has its default.
type Times struct {
	// GapDelay is the bound of a Gap's random delay. Default: 2 s.
	GapDelay time.Duration
	// PartialGap is how long after a break a part of the channels may stay away before a partial Gap. Default: 5 s.
	PartialGap time.Duration
	// BackoffMin and BackoffMax bound the random delay between attempts to connect. Default: 20 ms and 500 ms.
	BackoffMin, BackoffMax time.Duration
	// BackoffHopeless is the bound after a relay has said that it does not speak this version or does not let this
	// process in. Default: 30 s.
	BackoffHopeless time.Duration
	// GoodConnection is how long a connection must have lasted for the backoff to begin anew. Default: 5 s.
	GoodConnection time.Duration
	// Handshake is how long a relay may take for its Welcome. Default: 5 s.
	Handshake time.Duration
	// Drain is how long owed Replies are waited for, by Close and when a relay shuts down. Default: 8 s.
	Drain time.Duration
	// Successor is how long the next relay is waited for when one shuts down, how long a fence may take, and how long
	// publishes are held back by the move. Default: 250 ms.
	Successor time.Duration
	// Settle is how long publishes without Reply stay unsettled before the client asks. Default: 1 s.
	Settle time.Duration
	// PingOwed and PingIdle are the silences after which the client sends a Ping: while an answer is owed, and at
	// all. Default: 5 s and 15 s.
	PingOwed, PingIdle time.Duration
	// PingTimeout is the silence after a Ping that ends the connection. Default: 5 s.
	PingTimeout time.Duration
}

// Limits are the client's bounds. What is 0 has its default. Each is exceeded by one event or frame at most: an empty
// queue takes any.
type Limits struct {
	// InFlight is how many publishes await their Reply. Default: 10,000.
	InFlight int
	// Unsent is how many bytes of publishes the relay may have left unread. Default: 16 MiB.
	Unsent int
	// UnsentSend is the same for Send. Default: 1 MiB.
	UnsentSend int
	// Queue is how many bytes each Subscription and Events hold. Default: 4 MiB.
	Queue int
	// AllQueues is the same for all of them together, where a message that several hold counts once. Default: 64 MiB.
	AllQueues int
}

// Logger is told of connections that begin and end, and of moves between relays: never once a message, and once an
// outage. A *log.Logger is one. It is called with no lock held, in order, by one goroutine. Close waits for its last line.
type Logger interface {
	Printf(format string, args ...any)
}

// Hooks are called around each publish and each delivery, for tracing and measuring. Any of them may be nil. They are
// called by the goroutine that publishes or receives. Payloads are opaque to the client: a trace's context travels
// inside the application's own envelope.
type Hooks struct {
	// BeforePublish may return another context, which AfterPublish gets. It is called for Publish, TryPublish and Send.
	BeforePublish func(ctx context.Context, channel string, payload []byte) context.Context
	// AfterPublish is told the result. Send has no receivers.
	AfterPublish func(ctx context.Context, channel string, receivers uint64, err error)
	// BeforeDelivery is called when Next hands a message over.
	BeforeDelivery func(message *Message)
	// AfterDelivery is called when the application asks for the next event, or closes: it is done with the message. That
	// supposes one reader for each Subscription and for Events: with several, one that asks may end the message of another,
	// and not each message has its call.
	AfterDelivery func(message *Message)
}

// WithTimes changes delays and deadlines.
func WithTimes(times Times) Option { return func(o *options) { o.times = times } }

// WithLimits changes bounds.
func WithLimits(limits Limits) Option { return func(o *options) { o.limits = limits } }

// WithLogger has the client log.
func WithLogger(logger Logger) Option { return func(o *options) { o.logger = logger } }

// WithHooks has hooks called around publishes and deliveries.
func WithHooks(hooks Hooks) Option { return func(o *options) { o.hooks = hooks } }

// WithDialer has connections made by a function instead of by the path, which then is only a name for errors. The
// context ends after Times.Handshake and when the client closes; the function has to return then, since Close waits for it.
// Tests use it.
func WithDialer(dialer func(ctx context.Context) (net.Conn, error)) Option {
	return func(o *options) { o.dialer = dialer }
}

// setDefaults returns false when one is negative.
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

// setDefaults returns false when one is negative.
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
