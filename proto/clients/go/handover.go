package hubrelay

import (
	"encoding/hex"
	"fmt"
	"time"

	"hubrelay/internal/wire"
)

// move is the change from a relay that is stopping (Client.conn) to the next one (Client.next).
//
// If both relays have fences, the client subscribes to one channel, the fence, on both. It publishes one message there
// when everything is in force on the new relay. Redis sends messages to all subscribers in the same order. So what the
// old relay delivers before the fence's message and what the new one delivers after it is every message exactly once.
// Without a fence the new relay's messages count from its last Reply on, and a Gap is reported.
type move struct {
	fence     string // the channel of the fence; empty: there is no fence
	refused   bool   // one of the two relays has refused the fence
	oldReady  bool   // the fence is in force on the old relay
	newReady  bool
	published bool
	due       time.Time // when the client stops waiting for the fence; zero: not everything is in force yet
	oldSeen   bool      // the fence's message has come from the old relay: what follows there is discarded
	newSeen   bool      // it has come from the new one: what follows there is held until oldSeen
	held      []wire.Message
	heldBytes int
	// incomplete: the new relay has lost messages that it may have had to deliver.
	incomplete bool
}

// welcomed handles a Welcome. An error ends the connection.
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

// isLeaving returns whether a relay is the one that is being left.
func (c *Client) isLeaving(relayID string) bool {
	for _, k := range []*conn{c.conn, c.old} {
		if k != nil && k.stopping && k.welcome.RelayID == relayID {
			return true
		}
	}
	return false
}

// stopped handles a relay that says STOPPING.
func (c *Client) stopped(k *conn, now time.Time) {
	k.stopping, k.stoppedAt = true, now
	c.log.printf("hubrelay: the relay at %s is stopping", c.path)
	switch k {
	case c.next:
		k.end(errSuccessor)
	case c.conn:
		if c.old != nil {
			c.old.end(errDrained) // only one connection drains at a time
		}
		wakeUp(c.need)
	}
}

// askForFence subscribes to a fence on both relays, if both have the feature and somebody listens.
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

// proceed takes the next possible step of a move.
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

// inForce returns whether everything that is wanted is in force on this connection.
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

// onFence handles the fence's message, which has come from one of the two relays.
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

// keep handles a message of the new relay. Before the fence it is dropped, since the old relay delivers it. After the
// fence it is held.
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

// endMove makes the next relay the one that serves. The client leaves the former one, unless its connection has ended.
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

// leave shuts the writing side of a connection, which is then read to its end. Everything that the relay owes comes
// before the end.
func (c *Client) leave(k *conn, now time.Time) {
	if c.old != nil {
		c.old.end(errDrained)
	}
	c.askSettled(k)
	k.left, k.drainDue = true, now.Add(c.options.times.Drain)
	c.old = k
	k.shutAfterOutput()
}

// leaveAlone leaves a relay that is stopping, though there is no next one. A restart that first stops and then starts
// must not have to wait for its clients.
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

// backToCurrent is called when the next relay has ended before it served. The stopping one goes on, and the client
// tries to find another next one.
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
	if c.status != k.status { // the stopping relay's status counts again
		c.tellStatus(k, k.status)
	}
	if m.oldSeen {
		c.noteGap(reasonMove) // messages after the fence were left to the relay that has ended
	}
}
