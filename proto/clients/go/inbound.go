package hubrelay

import (
	"fmt"
	"time"

	"hubrelay/internal/wire"
)

// handle handles one frame of the relay, which is in k.frame. An error ends the connection.
func (k *conn) handle(now time.Time) error {
	f := &k.frame
	if k.welcome == nil && f.Kind != wire.KindWelcome && f.Kind != wire.KindError {
		if f.Kind == wire.KindNone {
			return nil
		}
		return errProtocol
	}
	switch f.Kind {
	case wire.KindMessage:
		k.client.stats.received.Add(1)
		k.onMessage(&f.Message)
	case wire.KindReply:
		if p, ok := k.publishes[f.Reply.ID]; ok {
			k.onPublishReply(p, &f.Reply)
		} else if r, ok := k.requests[f.Reply.ID]; ok {
			k.onReply(r, &f.Reply)
		}
	case wire.KindStatus:
		k.onStatus(&f.Status, now)
	case wire.KindLoss:
		k.onLoss(&f.Loss)
	case wire.KindRevoked:
		k.onRevoked(&f.Revoked)
	case wire.KindError:
		k.lastWords = fmt.Sprintf("the relay says error %d: %s", f.Error.Code, f.Error.Detail)
		k.hopeless = f.Error.Code == wire.CodeVersion || f.Error.Code == wire.CodeNotAllowed
	case wire.KindWelcome:
		if k.welcome == nil {
			welcome := f.Welcome
			return k.client.welcomed(k, &welcome, now)
		}
	}
	return nil
}

// onMessage delivers a message, unless during a move the other relay has to deliver it.
func (k *conn) onMessage(m *wire.Message) {
	c := k.client
	if c.closing {
		return // the application wants no more messages; Close waits only for what is owed
	}
	if c.move != nil && (k == c.conn || k == c.next) {
		if string(m.Channel) == c.move.fence {
			c.onFence(k)
			return
		}
		if k == c.next {
			c.move.keep(c, m)
			return
		}
		if c.move.oldSeen {
			return // after the old relay's fence: the new relay delivers it
		}
	}
	if k == c.conn {
		c.deliver(m)
	}
}

// deliver gives a message to every queue that listens for it.
func (c *Client) deliver(m *wire.Message) {
	var e *entry
	message := &Message{}
	if len(m.Pattern) == 0 {
		if e = c.channels[string(m.Channel)]; e == nil {
			return // unsubscribed a moment ago
		}
		message.Channel = e.text
	} else {
		if e = c.patterns[string(m.Pattern)]; e == nil {
			return
		}
		message.Channel, message.Pattern = string(m.Channel), e.text
	}
	message.Payload = append(make([]byte, 0, len(m.Payload)), m.Payload...)
	c.deliveries += len(e.subs)
	for i := range e.subs {
		if !e.subs[i].subscription.queue.push(message) {
			c.stats.lost.Add(1)
		}
	}
	if e.plain {
		c.tell(message)
	}
}

// onStatus handles a change of state. The state of a relay that was left no longer counts.
func (k *conn) onStatus(s *wire.Status, now time.Time) {
	c := k.client
	if k.left {
		return
	}
	k.status = statusOf(s)
	stops := State(s.State) == StateStopping && !k.stopping
	grown := s.Gaps > k.gaps
	k.receivingIs(s, now)
	if grown {
		c.noteGap(reasonGaps)
	}
	if k == c.newest() {
		c.gap.begin(s.Receiving, k.barrier(s.Receiving), now)
		if grown {
			c.gap.grew(now)
		}
		c.gap.degraded = State(s.State) == StateDegraded
		c.tellStatus(k, k.status)
	}
	if stops {
		c.stopped(k, now)
	}
	c.proceed(now)
	c.kickClock()
}

// receivingIs notes whether the relay is receiving. Names that were PENDING are in force once it is.
func (k *conn) receivingIs(s *wire.Status, now time.Time) {
	k.gaps = s.Gaps
	if s.Receiving && !k.receiving {
		for _, h := range k.names {
			h.pending = false
		}
	}
	k.receiving = s.Receiving
}

// barrier marks and counts the Subscribes that are unanswered now: a Gap has to wait for their Replies.
func (k *conn) barrier(receiving bool) (count int) {
	if !receiving || k.client.gap.receiving {
		return k.client.gap.barrier
	}
	for _, r := range k.requests {
		if r.kind == kindSubscribe && r.reply == nil {
			r.barrier = true
			count++
		}
	}
	return count
}

// tellStatus reports a state of the newest connection to the application, once the names that the connection has to
// hold are restored.
func (c *Client) tellStatus(k *conn, s *Status) {
	if k.restoring > 0 {
		if len(k.heldBack) == 16 {
			k.heldBack = k.heldBack[1:]
		}
		k.heldBack = append(k.heldBack, s)
		return
	}
	c.status = s
	c.tell(s)
}

// onLoss handles a Loss that the relay has counted.
func (k *conn) onLoss(l *wire.Loss) {
	c := k.client
	k.settle.loss(l.Publishes + l.PublishesUnknown)
	loss := &Loss{Publishes: l.Publishes, PublishesUnknown: l.PublishesUnknown, Messages: l.Messages,
		Cause: Cause(l.Cause), Reason: l.Reason}
	if k.left || k == c.next || c.move != nil && c.move.oldSeen && k == c.conn {
		if k == c.next && l.Messages > 0 && c.move != nil {
			c.move.incomplete = true
		}
		loss.Messages = 0 // messages of this connection do not count, or not yet
		if loss.Publishes+loss.PublishesUnknown == 0 {
			return
		}
	}
	c.tellLoss(loss)
}

// tellLoss reports a Loss to the client's events. If messages were lost, it also reports it to every Subscription, and
// a Gap at once.
func (c *Client) tellLoss(loss *Loss) {
	c.stats.lost.Add(loss.Messages)
	c.stats.lostPublishes.Add(loss.Publishes)
	c.stats.lostUnknown.Add(loss.PublishesUnknown)
	c.events.queue.push(loss)
	if loss.Messages == 0 {
		return
	}
	for s := range c.subs {
		s.queue.push(loss)
	}
	if c.anythingWanted() {
		c.tellGap(&Gap{Reasons: []string{reasonLoss}})
	}
}

// onRevoked handles a Revoked: names that Redis refuses from now on.
func (k *conn) onRevoked(r *wire.Revoked) {
	c := k.client
	if k.left {
		return
	}
	var entries []*entry
	for _, list := range []struct {
		names []string
		table map[string]*entry
	}{{r.Channels, c.channels}, {r.Patterns, c.patterns}} {
		for _, name := range list.names {
			e := list.table[name]
			if e == nil {
				continue
			}
			if h := k.names[e]; h != nil {
				h.held = false
			}
			entries = append(entries, e)
		}
	}
	c.revoke(entries, r.Detail)
	for _, e := range entries {
		k.forget(e)
	}
}

// newest returns the connection whose Status counts: the one with the last Welcome.
func (c *Client) newest() *conn {
	if c.next != nil {
		return c.next
	}
	return c.conn
}

// noteGap remembers that messages may have been missed, if anybody listens.
func (c *Client) noteGap(reason string) {
	if c.anythingWanted() {
		c.gap.note(reason, time.Now())
		c.kickClock()
	}
}

func (c *Client) kickClock() { wakeUp(c.kick) }
