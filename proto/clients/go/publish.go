package hubrelay

import (
	"context"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"hubrelay/internal/wire"
)

// publication is one publish that waits for room, or for its Reply.
type publication struct {
	id        uint64
	end       uint64 // the position of its frame's end in the connection's stream of bytes
	receivers uint64
	err       error
	answered  bool          // receivers and err are set, and done has been or will be sent to
	done      chan struct{} // capacity 1
	given     bool          // the caller has given up, so nobody waits for done

	channel    string // these are set only while it waits for room
	payload    []byte
	waiting    bool
	next, prev *publication
}

var publications = sync.Pool{New: func() any { return &publication{done: make(chan struct{}, 1)} }}

// Publish publishes one payload to one channel and waits for the Reply. Receivers is how many subscriptions at Redis
// the message matched. Each relay counts once for the channel, if any of its clients listens to it, and once for each
// matching pattern that any of its clients holds. Workers are not counted.
//
// While too much is under way, Publish waits for room. If the context ends during that wait, the error matches
// ErrCongested: nothing was sent. If the context ends later, it matches ErrInterrupted: whether the message is
// delivered is unknown. Errors are of type *Error and match one of ErrNotConnected, ErrInterrupted, ErrRefused,
// ErrInvalid, ErrCongested, ErrClosed and ErrUnknown.
//
// The payload may be used again when Publish has returned. Publishes of one goroutine to one channel reach Redis in the
// order of the calls.
func (c *Client) Publish(ctx context.Context, channel string, payload []byte) (receivers uint64, err error) {
	return c.hookedPublish(ctx, channel, payload, true)
}

// TryPublish is Publish without waiting for room: while too much is under way it fails with ErrCongested at once.
func (c *Client) TryPublish(ctx context.Context, channel string, payload []byte) (receivers uint64, err error) {
	return c.hookedPublish(ctx, channel, payload, false)
}

// Send publishes without asking for a Reply, and never waits. It fails with ErrNotConnected, ErrInvalid, ErrCongested
// or ErrClosed. If the message is lost later, a Loss in Events counts it.
func (c *Client) Send(channel string, payload []byte) error {
	if hook := c.options.hooks.BeforePublish; hook != nil {
		ctx := hook(context.Background(), channel, payload)
		err := c.send(channel, payload)
		c.afterPublish(ctx, channel, 0, err)
		return err
	}
	err := c.send(channel, payload)
	c.afterPublish(context.Background(), channel, 0, err)
	return err
}

func (c *Client) hookedPublish(ctx context.Context, channel string, payload []byte, wait bool) (uint64, error) {
	if hook := c.options.hooks.BeforePublish; hook != nil {
		ctx = hook(ctx, channel, payload)
	}
	receivers, err := c.publish(ctx, channel, payload, wait)
	c.afterPublish(ctx, channel, receivers, err)
	return receivers, err
}

func (c *Client) afterPublish(ctx context.Context, channel string, receivers uint64, err error) {
	if err != nil {
		c.stats.failed(err)
	}
	if hook := c.options.hooks.AfterPublish; hook != nil {
		hook(ctx, channel, receivers, err)
	}
}

func (c *Client) publish(ctx context.Context, channel string, payload []byte, wait bool) (uint64, error) {
	if err := checkName("publish", channel); err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, &Error{Op: "publish", Kind: ErrCongested, Detail: "not sent: the context had already ended",
			Cause: ctx.Err()}
	}
	p := publications.Get().(*publication)
	c.mu.Lock()
	if err := c.mayPublish("publish", channel, payload); err != nil {
		c.mu.Unlock()
		publications.Put(p)
		return 0, err
	}
	k, reads := c.conn, false
	switch {
	case c.waiters.first == nil && c.hasRoom(channel, payload, c.options.limits.Unsent):
		reads = k.takeTurn(ctx)
		k.addPublish(p, channel, payload)
	case wait:
		p.channel, p.payload = channel, payload
		c.waiters.add(p)
	default:
		c.mu.Unlock()
		publications.Put(p)
		return 0, c.congested("publish")
	}
	c.unlock()
	if reads {
		return c.readForReply(ctx, k, p)
	}
	return c.waitForReply(ctx, p)
}

func (c *Client) waitForReply(ctx context.Context, p *publication) (uint64, error) {
	if ctx.Done() == nil {
		<-p.done // cheaper than select
		return p.result()
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		if err := c.giveUp(ctx, p); err != nil {
			return 0, err
		}
	}
	return p.result()
}

// result returns the outcome of the publish, and makes the publication free for use by other publishes.
func (p *publication) result() (receivers uint64, err error) {
	receivers, err = p.receivers, p.err
	*p = publication{done: p.done}
	publications.Put(p)
	return receivers, err
}

// giveUp is called when the caller's context has ended. It returns nil when the Reply came first.
func (c *Client) giveUp(ctx context.Context, p *publication) error {
	c.mu.Lock()
	defer c.unlock()
	if p.answered {
		c.mu.Unlock()
		<-p.done
		c.mu.Lock()
		return nil
	}
	if p.waiting {
		c.waiters.remove(p)
		return &Error{Op: "publish", Kind: ErrCongested, Detail: "nothing was sent: the context ended before there was room",
			Cause: ctx.Err()}
	}
	p.given = true
	return &Error{Op: "publish", Kind: ErrInterrupted, Detail: "the caller gave up: whether it is delivered is unknown",
		Cause: ctx.Err()}
}

func (c *Client) send(channel string, payload []byte) error {
	if err := checkName("send", channel); err != nil {
		return err
	}
	c.mu.Lock()
	if err := c.mayPublish("send", channel, payload); err != nil {
		c.mu.Unlock()
		return err
	}
	if c.waiters.first != nil || !c.hasRoom(channel, payload, c.options.limits.UnsentSend) {
		c.mu.Unlock()
		return c.congested("send")
	}
	k := c.conn
	before := len(k.out)
	k.out = wire.AppendPublish(k.out, channel, payload, 0)
	if k.settle.send() {
		k.settle.since = time.Now()
		c.clockBy(k.settle.due())
	}
	k.added(before)
	k.sendEnds = append(k.sendEnds, k.queued)
	if k.paused {
		wakeUp(k.resume) // so that a Loss about this publish is read
	}
	c.stats.published.Add(1)
	c.unlock()
	return nil
}

func (c *Client) congested(op string) error {
	return failure(op, ErrCongested, "nothing was sent: too much is under way already")
}

// mayPublish returns an error if the publish cannot be sent for any reason other than congestion. Called with the lock.
func (c *Client) mayPublish(op, channel string, payload []byte) error {
	switch {
	case c.closing:
		return failure(op, ErrClosed, "")
	case c.serving() == nil:
		return c.notConnected(op)
	case uint64(len(payload)) > uint64(c.conn.welcome.MaxPayloadBytes):
		return failure(op, ErrInvalid, fmt.Sprintf("the payload has %d bytes, and %d are the most", len(payload),
			c.conn.welcome.MaxPayloadBytes))
	case wire.PublishBytes(channel, payload) > c.conn.maxFrame():
		return failure(op, ErrInvalid, fmt.Sprintf("the frame would be larger than %d bytes", c.conn.maxFrame()))
	}
	return nil
}

func (c *Client) notConnected(op string) error {
	detail := "no relay at " + c.path
	if why := c.whyNotConnected(); why != nil {
		detail = why.Error()
	}
	return &Error{Op: op, Kind: ErrNotConnected, Detail: detail, Cause: c.whyNotConnected()}
}

// whyNotConnected returns why no connection serves, or nil if no attempt to connect has ended yet.
func (c *Client) whyNotConnected() error {
	if c.conn != nil && c.conn.ended != nil {
		return c.conn.ended
	}
	return c.problem
}

// hasRoom returns whether a publish may be sent now. A connection with nothing unwritten takes a publish of any size.
func (c *Client) hasRoom(channel string, payload []byte, unsent int) bool {
	k := c.conn
	if !c.waitUntil.IsZero() || len(k.publishes) >= c.options.limits.InFlight {
		return false
	}
	waiting := k.unwritten()
	return waiting == 0 || waiting+wire.PublishBytes(channel, payload) <= unsent
}

func (k *conn) addPublish(p *publication, channel string, payload []byte) {
	k.owing()
	p.id = k.nextID()
	k.publishes[p.id] = p
	before := len(k.out)
	k.out = wire.AppendPublish(k.out, channel, payload, p.id)
	k.added(before)
	p.end = k.queued
	k.client.stats.published.Add(1)
}

// onPublishReply handles the Reply to a publish. The reader wakes the caller later.
func (k *conn) onPublishReply(p *publication, reply *wire.Reply) {
	delete(k.publishes, p.id)
	k.answeredOne()
	if !p.given {
		p.answered = true
		if reply.Outcome == wire.OutcomeOK {
			p.receivers = reply.Receivers
		} else {
			p.err = replyError("publish", reply)
		}
		k.done = append(k.done, p)
	}
	if k.client.waiters.first != nil {
		k.client.admitWaiters()
	}
}

// fail ends a publish that will get no Reply. Called with the lock.
func (p *publication) fail(err error) {
	if p.given {
		return
	}
	p.answered, p.err = true, err
	p.done <- struct{}{}
}

// checkName checks a channel or pattern. It allows the names that the relay reserves for itself: the relay refuses
// those.
func checkName(op, name string) error {
	if name == "" || len(name) > wire.MaxNameBytes || !utf8.ValidString(name) {
		return failure(op, ErrInvalid, fmt.Sprintf("a name has to be UTF-8 of 1 to %d bytes: %.100q", wire.MaxNameBytes,
			name))
	}
	return nil
}
