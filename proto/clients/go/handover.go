package hubrelay

import (
	"encoding/hex"
	"fmt"
	"time"

	"hubrelay/internal/wire"
)

// move is the change from a relay that is stopping (Client.conn) to the next one (Client.next).
//
// Where both have fences the client subscribes to one on both, and publishes there once, when everything is in force on
// the new one. One Redis sends its messages to all its subscribers in one order: what the old relay brings before the
// fence and what the new one brings behind it is everything, once. Without a fence the new relay's messages count from
// its last Reply on, and a Gap is told.
type move struct {
	fence     string // its channel; empty: there is none
	refused   bool   // one of the two does not give it
	oldReady  bool   // the old relay holds it
	newReady  bool
	published bool
	due       time.Time // when the fence is given up; zero: not published yet
	oldSeen   bool      // the old relay has brought it: what follows there is discarded
	newSeen   bool      // the new one has: what follows there is held until oldSeen
	held      []wire.Message
	heldBytes int
	// incomplete: the new relay has lost messages that were its to deliver.
	incomplete bool
}

// welcomed is a Welcome. An error ends the connection.
func (c *Client) welcomed(k *conn, w *wire.Welcome, now time.Time) error {
	if c.closing {
		return errClosing
	}
	if State(w.Status.State) == StateStopping || c.isLeaving(w.RelayID) {
		return errSuccessor
	}
	if w.Version != wire.ProtocolVersion {
		return fmt.Errorf("the relay answers in version %d of the protocol, which this client does not speak", w.Version)
	}
	k.welcome, k.began = w, now
	k.settle.asks = w.Has(wire.FeatureSettled)
	k.gaps, k.receiving = w.Status.Gaps, w.Status.Receiving
	c.attempt = nil
	c.stats.connections.Add(1)
	if c.conn != nil {
		c.next = k
		c.move = &move{}
	} else {
		c.conn = k
		c.problem = nil
		if c.everBegan {
			c.noteGap(reasonConnection)
		} else {
			c.noteGap(reasonPending)
		}
	}
	c.everBegan = true
	c.goneWhy = ""
	c.log.printf("hubrelay: connected to relay %s (%s) at %s", w.RelayID, w.RelayVersion, c.path)
	c.gap.begin(false, 0, now)
	c.restore(k)
	c.gap.begin(k.receiving, k.barrier(k.receiving), now)
	c.gap.grew(now)
	c.gap.degraded = State(w.Status.State) == StateDegraded
	k.status = statusOf(&w.Status)
	c.tellStatus(k, k.status)
	if c.move != nil {
		c.askForFence(k)
		c.proceed(now)
	}
	close(k.opened)
	c.announce()
	c.kickClock()
	return nil
}

// isLeaving tells whether a relay is the one that is being left.
func (c *Client) isLeaving(relayID string) bool {
	for _, k := range []*conn{c.conn, c.old} {
		if k != nil && k.stopping && k.welcome.RelayID == relayID {
			return true
		}
	}
	return false
}

// stopped is a relay that says STOPPING.
func (c *Client) stopped(k *conn, now time.Time) {
	k.stopping, k.stoppedAt = true, now
	c.log.printf("hubrelay: the relay at %s is stopping", c.path)
	switch k {
	case c.next:
		k.end(errSuccessor)
	case c.conn:
		if c.old != nil {
			c.old.end(errDrained) // one drains at a time
		}
		wakeUp(c.need)
	}
}

// askForFence subscribes to a fence on both relays, if both can and somebody listens.
func (c *Client) askForFence(k *conn) {
	if !c.anythingWanted() || !k.welcome.Has(wire.FeatureFence) || !c.conn.welcome.Has(wire.FeatureFence) {
		return
	}
	m := c.move
	text := make([]byte, 12)
	newRandom().Read(text)
	m.fence = wire.FencePrefix + hex.EncodeToString(text)
	ask := func(on *conn, ready *bool) {
		on.sendRequest(&request{kind: kindSubscribe, reply: func(reply *wire.Reply) {
			if *ready = reply.Outcome == wire.OutcomeOK; !*ready {
				m.refused = true
			}
			if c.move == m && on.ended == nil {
				c.proceed(time.Now())
			}
		}}, []string{m.fence}, nil)
	}
	ask(c.conn, &m.oldReady)
	ask(k, &m.newReady)
}

// proceed goes on with a move as far as possible.
func (c *Client) proceed(now time.Time) {
	m := c.move
	if m == nil || !c.next.inForce() {
		return
	}
	if m.fence == "" || m.refused {
		c.endMove(now, c.anythingWanted())
		return
	}
	if m.due.IsZero() {
		m.due = now.Add(c.options.times.Successor)
		c.kickClock()
	}
	if m.oldReady && m.newReady && !m.published {
		m.published = true
		c.publishFence(m)
	}
}

// inForce: everything that is wanted is, on this connection.
func (k *conn) inForce() bool {
	if k.restoring > 0 || k.ended != nil {
		return false
	}
	for _, h := range k.names {
		if h.pending {
			return false
		}
	}
	return true
}

func (c *Client) publishFence(m *move) {
	k := c.next
	k.owing()
	r := &request{kind: kindPing, id: k.nextID(), reply: func(reply *wire.Reply) {
		if reply.Outcome != wire.OutcomeOK && c.move == m && k.ended == nil {
			c.endMove(time.Now(), true)
		}
	}}
	k.requests[r.id] = r
	before := len(k.out)
	k.out = wire.AppendPublish(k.out, m.fence, nil, r.id)
	k.added(before)
}

// onFence is the fence's message on one of the two.
func (c *Client) onFence(k *conn) {
	m := c.move
	if k == c.next {
		m.newSeen = true
	} else {
		m.oldSeen = true
	}
	if m.oldSeen && m.newSeen {
		c.endMove(time.Now(), m.incomplete)
	}
}

// keep is a message of the new relay: the old one's to deliver before the fence, its own behind it.
func (m *move) keep(c *Client, message *wire.Message) {
	if !m.newSeen {
		return
	}
	m.held = append(m.held, wire.Message{
		Channel: append([]byte(nil), message.Channel...),
		Payload: append([]byte(nil), message.Payload...),
		Pattern: append([]byte(nil), message.Pattern...),
	})
	m.heldBytes += len(message.Channel) + len(message.Payload) + len(message.Pattern) + eventBytes
	if m.heldBytes > c.options.limits.Queue {
		c.endMove(time.Now(), true)
	}
}

// endMove makes the next relay the one that serves. The former one is left, unless it has ended.
func (c *Client) endMove(now time.Time, gap bool) {
	m, former := c.move, c.conn
	c.conn, c.next, c.move = c.next, nil, nil
	for i := range m.held {
		c.deliver(&m.held[i])
	}
	if m.fence != "" {
		c.conn.sendRequest(&request{kind: kindUnsubscribe}, []string{m.fence}, nil)
	}
	if former != nil && former.ended == nil {
		c.leave(former, now)
		c.waitUntil = now.Add(c.options.times.Successor)
	}
	if gap {
		c.noteGap(reasonMove)
	}
	c.admitWaiters()
	c.kickClock()
	c.log.printf("hubrelay: moved to relay %s", c.conn.welcome.RelayID)
}

// leave shuts the writing side of a connection, which is then read to its end: all that it owes comes before that.
func (c *Client) leave(k *conn, now time.Time) {
	if c.old != nil {
		c.old.end(errDrained)
	}
	c.askSettled(k)
	k.left, k.drainDue = true, now.Add(c.options.times.Drain)
	c.old = k
	k.shutAfterOutput()
}

// leaveAlone leaves a relay that is stopping, though there is no next one: a restart that first stops and then starts
// must not wait for its clients.
func (c *Client) leaveAlone(now time.Time) {
	k := c.conn
	c.conn = nil
	c.problem = errDrained
	c.leave(k, now)
	c.gap.begin(false, 0, now)
	c.gap.degraded = false
	c.failWaiters(ErrNotConnected)
	c.tellNoRelay("ended", errDrained.Error(), now)
	wakeUp(c.need)
}

// backToCurrent is the end of the next relay before it served: the one that is stopping goes on, and another next one
// is looked for.
func (c *Client) backToCurrent(now time.Time, m *move) {
	k := c.conn
	if k == nil || k.ended != nil {
		return
	}
	k.stoppedAt = now
	if m.fence != "" {
		k.sendRequest(&request{kind: kindUnsubscribe}, []string{m.fence}, nil)
	}
	c.gap.begin(false, 0, now)
	c.gap.begin(k.receiving, k.barrier(k.receiving), now)
	if c.status != k.status { // it counts again
		c.tellStatus(k, k.status)
	}
	if m.oldSeen {
		c.noteGap(reasonMove) // what was behind the fence was left to the one that has ended
	}
}
