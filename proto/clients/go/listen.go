package hubrelay

import (
	"context"
	"fmt"

	"hubrelay/internal/wire"
)

// operation is one call of the application, which waits for one or more requests.
type operation struct {
	name         string
	entries      []*entry
	subscription *Subscription // only for Listen
	granted      []*entry      // only for Subscribe: the entries that it has turned on
	left         int
	pending      bool
	err          *Error
	done         chan struct{}
}

// Listen begins a Subscription to channels and waits until the relay has confirmed it. What is published from then on
// is delivered, or reported as missed. While there is no relay, or the relay is not receiving, Listen does not wait for
// the Subscription to be in force: Pending is then true, and a Gap says when it is in force.
//
// Errors are of type *Error and match ErrRefused, ErrInvalid, ErrLimit, ErrClosed or ErrUnknown, or ErrInterrupted when
// the context ended first. After an error there is no Subscription.
func (c *Client) Listen(ctx context.Context, channels ...string) (*Subscription, error) {
	return c.ListenNames(ctx, Names{Channels: channels})
}

// ListenPattern is Listen for patterns.
func (c *Client) ListenPattern(ctx context.Context, patterns ...string) (*Subscription, error) {
	return c.ListenNames(ctx, Names{Patterns: patterns})
}

// ListenNames is Listen for channels and patterns together.
func (c *Client) ListenNames(ctx context.Context, names Names) (*Subscription, error) {
	if err := checkNames("listen", names); err != nil {
		return nil, err
	}
	s := &Subscription{client: c, names: names}
	s.queue.init(c.options.limits.Queue, &c.queued, c.options.limits.AllQueues)
	c.mu.Lock()
	if err := c.maySubscribe("listen", names); err != nil {
		c.mu.Unlock()
		return nil, err
	}
	c.attach(s, c.entriesOf(names))
	op := &operation{name: "listen", entries: s.entries, subscription: s, done: make(chan struct{})}
	c.askFor(op, s.entries)
	c.finishIfDone(op)
	c.unlock()
	if err := op.wait(ctx); err != nil {
		s.Close()
		return nil, err
	}
	s.pending = op.pending
	return s, nil
}

// Subscribe asks for names whose messages come in Events. It is for applications that keep track of readers themselves;
// most want Listen. Pending is true when the names are held, but not in force yet, as for Listen. Errors are those of
// Listen. After an error, none of the names is held because of this call. But if the context ended first, the relay may
// still grant them: call Unsubscribe if they are no longer wanted.
func (c *Client) Subscribe(ctx context.Context, names Names) (pending bool, err error) {
	return c.plain(ctx, "subscribe", kindSubscribe, names)
}

// Unsubscribe ends what Subscribe began. It works in every state, and also for names that are not held.
func (c *Client) Unsubscribe(ctx context.Context, names Names) error {
	_, err := c.plain(ctx, "unsubscribe", kindUnsubscribe, names)
	return err
}

func (c *Client) plain(ctx context.Context, name string, kind requestKind, names Names) (bool, error) {
	if err := checkNames(name, names); err != nil {
		return false, err
	}
	c.mu.Lock()
	if err := c.maySubscribe(name, names); err != nil {
		c.mu.Unlock()
		return false, err
	}
	op := &operation{name: name, entries: c.entriesOf(names), done: make(chan struct{})}
	c.askPlain(op, kind)
	c.finishIfDone(op)
	c.unlock()
	if err := op.wait(ctx); err != nil {
		return false, err
	}
	return op.pending, nil
}

func (op *operation) wait(ctx context.Context) error {
	select {
	case <-op.done:
		if op.err != nil {
			return op.err
		}
		return nil
	case <-ctx.Done():
		return &Error{Op: op.name, Kind: ErrInterrupted, Detail: "the caller gave up before the relay had answered",
			Cause: ctx.Err()}
	}
}

// askPlain sends a plain request. During a move it sends it to both relays, and the old one's Reply counts. An
// Unsubscribe for a name that a Subscription listens to is not sent, and takes effect here only.
func (c *Client) askPlain(op *operation, kind requestKind) {
	k := c.serving()
	var forRelay, forNext []*entry
	for _, e := range op.entries {
		switch {
		case kind == kindUnsubscribe && len(e.subs) > 0:
			e.decide(false)
			continue
		case k == nil:
			e.decide(kind == kindSubscribe)
			op.pending = kind == kindSubscribe
		default:
			forRelay = append(forRelay, e)
		}
		forNext = append(forNext, e)
	}
	if k != nil {
		k.ask(request{kind: kind, op: op, plain: true}, forRelay)
	}
	c.askNext(kind, forNext)
	if k == nil && kind == kindUnsubscribe {
		for _, e := range op.entries {
			c.prune(e)
		}
	}
}

// askNext sends to the next relay, during a move, the request that the serving relay was sent. If the serving
// connection has ended, the Gap at the end of the move waits for the Reply.
func (c *Client) askNext(kind requestKind, entries []*entry) {
	if c.next == nil {
		return
	}
	barrier := kind == kindSubscribe && c.serving() == nil
	c.next.askCounted(request{kind: kind, barrier: barrier}, c.next.without(kind == kindSubscribe, entries))
}

// askFor sends a Listen's request for the names that the relay does not hold yet. For names that other calls have just
// asked for, the operation waits for those requests. Without a relay the names are pending.
func (c *Client) askFor(op *operation, entries []*entry) {
	k := c.serving()
	if k == nil {
		op.pending = true
		c.askNext(kindSubscribe, entries)
		return
	}
	var missing []*entry
	for _, e := range entries {
		h := k.names[e]
		switch {
		case !h.willHold():
			missing = append(missing, e)
		case h.last != nil:
			if n := len(h.last.follow); n == 0 || h.last.follow[n-1] != op {
				h.last.follow = append(h.last.follow, op)
				op.left++
			}
		case h.pending || !k.receiving: // the relay would answer PENDING
			op.pending = true
		}
	}
	k.ask(request{kind: kindSubscribe, op: op}, missing)
	if k.paused {
		wakeUp(k.resume)
	}
	c.askNext(kindSubscribe, entries)
}

// finishIfDone ends an operation that no longer waits for any request.
func (c *Client) finishIfDone(op *operation) {
	if op.left > 0 || op.done == nil {
		return
	}
	select {
	case <-op.done:
		return
	default:
	}
	if op.err != nil {
		if op.subscription != nil {
			c.detach(op.subscription)
		}
		for _, e := range op.granted { // a request of several frames takes effect as a whole or not at all
			e.plain = false
		}
		c.release(op.granted)
	}
	close(op.done)
}

func checkNames(op string, names Names) error {
	if len(names.Channels)+len(names.Patterns) == 0 {
		return failure(op, ErrInvalid, "no names")
	}
	for _, list := range [][]string{names.Channels, names.Patterns} {
		for _, name := range list {
			if err := checkName(op, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) maySubscribe(op string, names Names) error {
	if c.closing {
		return failure(op, ErrClosed, "")
	}
	if len(names.Patterns) > 0 && c.serving() != nil && !c.conn.welcome.Has(wire.FeaturePatterns) {
		return failure(op, ErrInvalid, fmt.Sprintf("the relay at %s has no patterns", c.path))
	}
	return nil
}
