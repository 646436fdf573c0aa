package hubrelay

import (
	"sort"
	"time"

	"hubrelay/internal/wire"
)

// settleEnd completes the end of a connection, once it is known what was written: it settles unanswered requests,
// forgets what was held, and lets the client connect again. Called once, with the lock.
func (k *conn) settleEnd() {
	c := k.client
	defer c.running.Done()
	now := time.Now()
	serving := k == c.conn
	if serving {
		c.conn = nil
		c.problem = k.ended
	}
	inOrder := k.endedInOrder()
	k.settlePublishes()
	k.settleRequests()
	k.settleSends(inOrder)
	for e := range k.names {
		delete(k.names, e)
		e.holds--
		c.prune(e)
	}
	switch {
	case serving && c.next != nil:
		c.endMove(now, true) // the next relay is already connected
	case serving:
		c.lostRelay(k, now)
	case k == c.next:
		m := c.move
		c.next, c.move = nil, nil
		c.backToCurrent(now, m)
	case k == c.old:
		c.old = nil
		c.waitUntil = time.Time{}
		c.admitWaiters()
	case k == c.attempt:
		c.attempt = nil
	}
	c.announce() // Close waits for this end, and Ready for a next connection, which may be there
	wakeUp(c.need)
	c.kickClock()
}

// settlePublishes ends the unanswered publishes. The outcome of those that were written is unknown. The others are not
// delivered: the relay discards a part of a frame.
func (k *conn) settlePublishes() {
	for _, p := range k.publishes {
		kind, detail := ErrInterrupted, "whether it was delivered is unknown: "
		if p.end > k.written {
			kind, detail = ErrNotConnected, "not sent: "
		}
		p.fail(&Error{Op: "publish", Kind: kind, Detail: detail + k.ended.Error()})
	}
	k.publishes = map[uint64]*publication{}
}

// settleRequests ends the unanswered requests. A Subscribe counts as pending, and the next connection asks for its
// names. An Unsubscribe counts as done. The order of sending is kept, because the last one decides.
func (k *conn) settleRequests() {
	unanswered := make([]*request, 0, len(k.requests))
	for _, r := range k.requests {
		unanswered = append(unanswered, r)
	}
	sort.Slice(unanswered, func(i, j int) bool { return unanswered[i].id < unanswered[j].id })
	for _, r := range unanswered {
		switch r.kind {
		case kindSubscribe:
			k.onReply(r, &wire.Reply{Outcome: wire.OutcomePending})
		case kindUnsubscribe:
			k.onReply(r, &wire.Reply{Outcome: wire.OutcomeOK})
		default:
			k.onReply(r, &wire.Reply{})
		}
	}
}

// endedInOrder returns whether the relay has read all that was written here, and has closed when it owed nothing any
// more.
func (k *conn) endedInOrder() bool {
	_, half := k.socket.(halfCloser)
	return half && k.shutting && k.unwritten() == 0 && k.ended == errRelayClosed && !k.owes()
}

// settleSends reports a Loss of the publishes without Reply that were lost, or may have been.
func (k *conn) settleSends(inOrder bool) {
	unwritten := uint64(len(k.sendEnds))
	loss := &Loss{Publishes: unwritten, PublishesUnknown: k.settle.unknown(unwritten), Cause: CauseNoRelay,
		Reason: "the connection to the relay ended", Local: true}
	if inOrder {
		loss.PublishesUnknown = 0
	}
	if loss.Publishes+loss.PublishesUnknown > 0 {
		k.client.tellLoss(loss)
	}
}

// lostRelay is called when the serving connection has ended and there is no other one.
func (c *Client) lostRelay(k *conn, now time.Time) {
	c.gap.begin(false, 0, now)
	c.gap.degraded = false
	if c.closing {
		c.failWaiters(ErrClosed)
	}
	c.failWaiters(ErrNotConnected)
	c.tellNoRelay("ended", k.ended.Error(), now)
}

// tellNoRelay reports that there is no connection, once for each kind of reason.
func (c *Client) tellNoRelay(kind, reason string, now time.Time) {
	if c.closing {
		c.status = noRelay(reason, now) // not reported as an event any more, only by Client.Status
		return
	}
	if c.goneWhy == kind || c.goneWhy != "" && kind == "absent" {
		return
	}
	c.goneWhy = kind
	c.status = noRelay(reason, now)
	c.tell(c.status)
	c.log.printf("hubrelay: no relay: %s", reason)
}

func noRelay(reason string, now time.Time) *Status {
	return &Status{State: StateDown, Cause: CauseNoRelay, Reason: reason, Since: now}
}
