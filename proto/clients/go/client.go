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

// maxPathBytes is what fits sun_path besides the byte that ends it: 107 on Linux, 103 on macOS and BSD.
const maxPathBytes = len(syscall.RawSockaddrUnix{}.Path) - 1

// Client is a connection to the relay that heals itself. Make it with New. It is safe for use by many goroutines.
type Client struct {
	path    string
	name    string
	options options
	events  *Events
	queued  atomic.Int64 // bytes in all queues
	need    chan struct{}
	kick    chan struct{} // the clock is to look at its deadlines again
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	log     logQueue
	stats   counters

	mu         sync.Mutex
	dirty      *conn // has something to write, which unlock does
	conn       *conn // serves requests; nil: there is none
	next       *conn // said Welcome while conn is STOPPING, and takes its place soon
	old        *conn // left, and read to its end
	attempt    *conn // has not said Welcome yet
	move       *move
	channels   map[string]*entry
	patterns   map[string]*entry
	subs       map[*Subscription]struct{}
	waiters    waitingPublishes
	waitUntil  time.Time // publishes wait for the end of old until then; zero: they don't
	status     *Status
	goneWhy    string        // what the last Status without a relay was told for
	problem    error         // why there is no connection
	changed    chan struct{} // closed when a connection begins or the client closes; Ready waits for it
	everBegan  bool
	deliveries int // since the reader last gave the lock away
	gap        gapTracker
	clockDue   time.Time // when the clock will look again; zero: only when it is kicked
	closing    bool
	fatal      bool // closed is complete
}

// New makes a client and lets it connect to the relay at the path. It does not wait for the relay: Ready does.
//
// The name is for people, in the relay's logs and listings. The error, which matches ErrInvalid, is of a name of more
// than 64 bytes, or that is not UTF-8, of a path that no socket can have, and of Times or Limits below 0.
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
// and says what is wrong. It is ErrClosed after Close. That Redis can be reached is in Status, not here.
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

// Status is the last Status that was told.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.status
}

// Events gives the one stream of what concerns the whole client: Status, Gap, Loss, Revoked, and the Messages of
// Subscribe. It need not be read: it is bounded.
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

// Close ends the client in the orderly way: no request is taken and no message delivered any more. Replies that are owed
// are waited for, and that the relay has taken what was sent without Reply, until Times.Drain or the context ends. Then
// the connection and all Subscriptions end. Requests without an answer by then are ErrInterrupted. The error is the context's, if that cut the wait short. Closing again waits for
// the same end.
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

// waitUntilSettled waits until no connection owes a Reply, or may leave publishes without Reply behind.
func (c *Client) waitUntilSettled(ctx context.Context) error {
	drain := time.NewTimer(c.options.times.Drain)
	defer drain.Stop()
	for {
		c.mu.Lock()
		changed := c.changed
		owed := c.conn.owes() || c.old.owes()
		if !owed && c.conn.isUnsettled() && !c.conn.shutting {
			c.conn.shutAfterOutput() // the relay reads all that was sent before it closes, too
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

// finishClosing ends all queues, once every connection has ended and told what it had to.
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

// announce wakes who waits for a change: Ready, and Close.
func (c *Client) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// unlock releases the lock, and writes what was added while it was held: whoever adds the first bytes writes, and what
// others add while that write is under way goes with the next one.
func (c *Client) unlock() {
	k := c.dirty
	c.dirty = nil
	c.mu.Unlock()
	if k != nil {
		k.write()
	}
}

// tell gives the application an event of the whole client.
func (c *Client) tell(event Event) {
	if !c.events.queue.push(event) {
		c.stats.lost.Add(1)
	}
}

// tellGap gives a Gap to everybody who listens.
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
