package hubrelay

import (
	"sort"
	"time"

	"hubrelay/internal/wire"
)

// settleEnd is the end of a connection, once it is known what was written: everything that it owes is settled, what it
// held is forgotten, and the next connection is looked for. Called once, with the lock.
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
		c.endMove(now, true) // the next relay is there already
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
	c.announce() // Close waits for it; and a next connection may be there, which Ready waits for
	wakeUp(c.need)
	c.kickClock()
}

// settlePublishes: written and unanswered is unknown, and what was not written whole the relay discards.
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

// settleRequests: a Subscribe is held and asked for on the next connection, an Unsubscribe is done. In the order in which
// they were asked: the last one decides.
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

// endedInOrder: the relay has read all that was written here, and closed when it owed nothing any more.
func (k *conn) endedInOrder() bool {
	_, half := k.socket.(halfCloser)
	return half && k.shutting && k.unwritten() == 0 && k.ended == errRelayClosed && !k.owes()
}

// settleSends tells the publishes without Reply that may have been lost, and those that were.
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

// lostRelay is the end of the connection that served, with no other one there.
func (c *Client) lostRelay(k *conn, now time.Time) {
	c.gap.begin(false, 0, now)
	c.gap.degraded = false
	if c.closing {
		c.failWaiters(ErrClosed)
	}
	c.failWaiters(ErrNotConnected)
	c.tellNoRelay("ended", k.ended.Error(), now)
}

// tellNoRelay tells that there is no connection, once for each kind of reason.
func (c *Client) tellNoRelay(kind, reason string, now time.Time) {
	if c.closing {
		c.status = noRelay(reason, now) // told to nobody any more, but by Client.Status
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
