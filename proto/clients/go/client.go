package hubrelay

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"hubrelay/internal/wire"
)

// maxPathBytes is how many bytes fit sun_path besides the byte that ends it: 107 on Linux, 103 on macOS and BSD.
const maxPathBytes = len(syscall.RawSockaddrUnix{}.Path) - 1

// Client is a connection to the relay, which reconnects by itself. Make it with New. It is safe for use by many
// goroutines.
type Client struct {
	path    string
	name    string
	options options
	events  *Events
	queued  atomic.Int64 // bytes in all queues
	need    chan struct{}
	kick    chan struct{} // tells the clock to check its deadlines again
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	log     logQueue
	stats   counters

	mu         sync.Mutex
	dirty      *conn // has something to write, and unlock writes it
	conn       *conn // serves requests; nil: there is no such connection
	next       *conn // has said Welcome while conn is STOPPING, and will take its place
	old        *conn // was left by a move, and is read to its end
	attempt    *conn // has not said Welcome yet
	move       *move
	channels   map[string]*entry
	patterns   map[string]*entry
	subs       map[*Subscription]struct{}
	waiters    waitingPublishes
	waitUntil  time.Time // until then publishes wait for the end of old; zero: they do not wait
	status     *Status
	goneWhy    string        // the kind of reason of the last Status without a relay
	problem    error         // why there is no connection
	changed    chan struct{} // closed when a connection begins or the client closes; Ready waits for it
	everBegan  bool
	deliveries int // since the reader last released the lock
	gap        gapTracker
	clockDue   time.Time // when the clock will check again; zero: only when it is kicked
	closing    bool
	fatal      bool // finishClosing has run
}

// New makes a client, which begins to connect to the relay at the path. New does not wait for the relay. Ready does.
//
// The name is for people, in the relay's logs and listings. New fails with an error that matches ErrInvalid if the name
// has more than 64 bytes or is not UTF-8, if no socket can have the path, or if one of Times or Limits is below 0.
func New(path, name string, opts ...Option) (*Client, error) {
	c := &Client{
		path: path, name: name,
		need: make(chan struct{}, 1), kick: make(chan struct{}, 1), changed: make(chan struct{}),
		channels: map[string]*entry{}, patterns: map[string]*entry{}, subs: map[*Subscription]struct{}{},
		status: noRelay("not connected yet", time.Now()),
	}
	for _, option := range opts {
		option(&c.options)
	}
	if !c.options.times.setDefaults() || !c.options.limits.setDefaults() {
		return nil, failure("new", ErrInvalid, "a time or limit is negative")
	}
	if len(name) > wire.MaxClientName || !utf8.ValidString(name) {
		return nil, failure("new", ErrInvalid, fmt.Sprintf("the name has to be UTF-8 of at most %d bytes: %q",
			wire.MaxClientName, name))
	}
	if c.options.dialer == nil {
		if path == "" || len(path) > maxPathBytes {
			return nil, failure("new", ErrInvalid, fmt.Sprintf("a socket's path has 1 to %d bytes: %q",
				maxPathBytes, path))
		}
		c.options.dialer = c.dialPath
	}
	c.events = &Events{client: c}
	c.events.queue.init(c.options.limits.Queue, &c.queued, c.options.limits.AllQueues)
	c.events.queue.onRoom = c.resumeReading
	c.events.queue.tellsGap = true
	c.gap = gapTracker{delay: c.options.times.GapDelay, partial: c.options.times.PartialGap,
		random: newRandom().Float64}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.log.init(c.options.logger)
	c.running.Add(2)
	go c.supervise()
	go c.runClock()
	return c, nil
}

// Ready waits until there is a connection to a relay. When the context ends first, the error matches ErrNotConnected
// and says what is wrong. After Close it matches ErrClosed. Ready does not say whether the relay can reach Redis:
// Status does.
func (c *Client) Ready(ctx context.Context) error {
	for {
		c.mu.Lock()
		connected, closing, problem, changed := c.serving() != nil, c.closing, c.whyNotConnected(), c.changed
		c.mu.Unlock()
		if closing {
			return failure("ready", ErrClosed, "")
		}
		if connected {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			detail := "no attempt to connect to " + c.path + " has ended yet"
			if problem != nil {
				detail = problem.Error()
			}
			return &Error{Op: "ready", Kind: ErrNotConnected, Detail: detail, Cause: ctx.Err(), also: problem}
		}
	}
}

// Status returns the last Status that was reported.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.status
}

// Events returns the one stream of events that concern the whole client: Status, Gap, Loss, Revoked, and the Messages
// of Subscribe. The application need not read it, since it is bounded.
func (c *Client) Events() *Events { return c.events }

// Events is the client's stream of events. It is safe for use by many goroutines; each event goes to one of them.
type Events struct {
	client *Client
	queue  queue
	hooked hooked
}

// Next waits for the next event. It returns ErrClosed when the client is closed and all events are taken, and the
// context's error when that ends first.
func (e *Events) Next(ctx context.Context) (Event, error) {
	return e.hooked.next(ctx, &e.client.options.hooks, &e.queue)
}

// Close ends the client in order. From then on it takes no request and delivers no message. It waits until all owed
// Replies have come and the relay has taken everything that was sent without Reply, or until Times.Drain or the context
// ends. Then the connection and all Subscriptions end. Publishes that are still unanswered fail with ErrInterrupted, or
// with ErrNotConnected if they were not written. The error is the context's, if the context ended the wait. A second
// Close waits for the same end.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	first := !c.closing
	c.closing = true
	if first {
		c.failWaiters(ErrClosed)
		c.announce()
		c.askSettled(c.conn)
	}
	c.unlock()
	err := c.waitUntilSettled(ctx)
	c.stop()
	c.mu.Lock()
	for _, k := range []*conn{c.attempt, c.next, c.conn, c.old} {
		if k != nil {
			k.end(errClosing)
		}
	}
	c.unlock()
	c.running.Wait()
	c.finishClosing()
	c.log.wait(ctx, c.options.times.Drain)
	return err
}

// waitUntilSettled waits until no connection owes a Reply and no publish without Reply is unsettled.
func (c *Client) waitUntilSettled(ctx context.Context) error {
	drain := time.NewTimer(c.options.times.Drain)
	defer drain.Stop()
	for {
		c.mu.Lock()
		changed := c.changed
		owed := c.conn.owes() || c.old.owes()
		if !owed && c.conn.isUnsettled() && !c.conn.shutting {
			c.conn.shutAfterOutput() // before the relay closes its side, it reads all that was sent
		}
		owed = owed || c.conn.isUnsettled() || c.old.isUnsettled()
		c.mu.Unlock()
		if !owed {
			return nil
		}
		select {
		case <-changed:
		case <-drain.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// finishClosing ends all queues, once every connection has ended and has reported all its events.
func (c *Client) finishClosing() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fatal {
		return
	}
	c.fatal = true
	for s := range c.subs {
		s.queue.close()
	}
	c.subs = map[*Subscription]struct{}{}
	c.events.queue.close()
	c.log.close()
}

// announce wakes the callers that wait for a change: Ready and Close.
func (c *Client) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// unlock releases the lock, and writes what was added while it was held. The goroutine that adds the first bytes
// writes. What others add during that write goes with the next one.
func (c *Client) unlock() {
	k := c.dirty
	c.dirty = nil
	c.mu.Unlock()
	if k != nil {
		k.write()
	}
}

// tell reports to the application an event that concerns the whole client.
func (c *Client) tell(event Event) {
	if !c.events.queue.push(event) {
		c.stats.lost.Add(1)
	}
}

// tellGap reports a Gap to Events and to every Subscription.
func (c *Client) tellGap(gap *Gap) {
	c.stats.gaps.Add(1)
	c.events.queue.push(gap)
	for s := range c.subs {
		s.queue.push(gap)
	}
}

func wakeUp(channel chan struct{}) {
	select {
	case channel <- struct{}{}:
	default:
	}
}
