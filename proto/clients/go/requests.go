package hubrelay

import (
	"time"

	"hubrelay/internal/wire"
)

// Why a Gap is told.
const (
	reasonGaps       = "gaps"               // the relay's count has grown
	reasonConnection = "new connection"     // messages of the time between two connections
	reasonPending    = "subscription begun" // one that was pending is in force
	reasonLoss       = "loss"               // messages were dropped
	reasonMove       = "next relay"         // a move between two relays without a fence
)

// ask sends a Subscribe or Unsubscribe for entries, in as many frames as it takes: each is a copy of like.
func (k *conn) ask(like request, entries []*entry) {
	if k.ended != nil || k.left {
		return
	}
	budget := wire.NamesBudget(k.maxFrame())
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && (n == 0 || size+wire.NameBytes(entries[n].text) <= budget) {
			size += wire.NameBytes(entries[n].text)
			n++
		}
		r := like
		r.entries, entries = entries[:n], entries[n:]
		if len(entries) > 0 {
			r.rest = nil // what waits for all of these waits for the last one
		}
		k.sendNames(&r)
	}
}

func (k *conn) sendNames(r *request) {
	var channels, patterns []string
	for _, e := range r.entries {
		if e.pattern {
			patterns = append(patterns, e.text)
		} else {
			channels = append(channels, e.text)
		}
		h := k.names[e]
		if h == nil {
			h = &hold{}
			k.names[e] = h
			e.holds++
		}
		h.last = r
		if r.plain {
			e.asked = r
		}
	}
	if r.op != nil {
		r.op.left++
	}
	if r.restore {
		k.restoring++
	}
	k.sendRequest(r, channels, patterns)
}

// sendRequest writes the frame of a Subscribe or Unsubscribe.
func (k *conn) sendRequest(r *request, channels, patterns []string) {
	k.owing()
	r.id = k.nextID()
	k.requests[r.id] = r
	before := len(k.out)
	if r.kind == kindSubscribe {
		k.out = wire.AppendSubscribe(k.out, r.id, channels, patterns)
	} else {
		k.out = wire.AppendUnsubscribe(k.out, r.id, channels, patterns)
	}
	k.added(before)
}

// ping sends a Ping.
func (k *conn) ping(settled bool, reply func(*wire.Reply)) {
	k.owing()
	r := &request{kind: kindPing, id: k.nextID(), reply: reply}
	k.requests[r.id] = r
	before := len(k.out)
	k.out = wire.AppendPing(k.out, r.id, settled)
	k.added(before)
}

// askSettled asks for what has become of publishes without Reply, where that is possible and something is unsettled.
func (c *Client) askSettled(k *conn) {
	if k == nil || k.ended != nil || k.shutting || !k.welcome.Has(wire.FeatureSettled) || !k.settle.unasked() {
		return
	}
	k.settle.ask()
	k.ping(true, func(reply *wire.Reply) {
		k.settle.answered(reply.Outcome == wire.OutcomeOK, time.Now())
		c.clockBy(k.settle.due())
	})
}

// onReply is the Reply to a request that is no publish. At the end of a connection it is called for those that have
// none, with what that means for them.
func (k *conn) onReply(r *request, reply *wire.Reply) {
	delete(k.requests, r.id)
	if r.kind != kindPing {
		k.onNamesReply(r, reply)
	}
	if r.reply != nil {
		r.reply(reply)
	}
	k.answeredOne()
}

func (k *conn) onNamesReply(r *request, reply *wire.Reply) {
	c := k.client
	pending := r.kind == kindSubscribe && reply.Outcome == wire.OutcomePending
	granted := pending || reply.Outcome == wire.OutcomeOK
	for _, e := range r.entries {
		k.names[e].answered(r, granted, pending)
		if r.plain {
			e.answered(r, granted)
		}
	}
	if pending {
		c.notePending(k, r)
	}
	switch {
	case granted && r.rest != nil:
		k.askCounted(request{kind: kindSubscribe, restore: r.restore, barrier: r.barrier}, r.wantedRest())
	case !granted && r.op == nil && r.kind == kindSubscribe:
		k.askAgain(r, reply)
	}
	k.finishOperations(r, reply, granted, pending)
	if r.barrier && k == c.newest() {
		c.gap.answered(time.Now())
		c.kickClock()
	}
	for _, e := range r.entries {
		k.forget(e)
	}
	if !granted {
		c.release(r.entries)
	}
	if r.restore {
		if k.restoring--; k.restoring == 0 && k.ended == nil {
			c.restored(k)
		}
	}
}

// answered is the Reply to a request for the name.
func (h *hold) answered(r *request, granted, pending bool) {
	if h.last == r {
		h.last = nil
	}
	if granted {
		h.held = r.kind == kindSubscribe
		h.pending = pending
	}
}

// answered is the Reply to a plain request for the name.
func (e *entry) answered(r *request, granted bool) {
	if e.asked == r {
		e.asked = nil
	}
	if !granted {
		return
	}
	if r.op != nil && r.kind == kindSubscribe && !e.plain {
		r.op.granted = append(r.op.granted, e)
	}
	e.plain = r.kind == kindSubscribe
}

// forget drops what the connection knows of a name that it neither holds nor asks for.
func (k *conn) forget(e *entry) {
	if h := k.names[e]; h != nil && !h.held && h.last == nil {
		delete(k.names, e)
		e.holds--
		k.client.prune(e)
	}
}

// notePending: a subscription that was PENDING is a Gap once it is in force. At the end of a connection the next one is
// the reason, unless there is a next one already.
func (c *Client) notePending(k *conn, r *request) {
	if k.ended == nil && k == c.newest() || k.ended != nil && r.op != nil && c.conn != nil && c.conn != k {
		c.noteGap(reasonPending)
	}
}

// finishOperations tells the calls that wait for a request.
func (k *conn) finishOperations(r *request, reply *wire.Reply, granted, pending bool) {
	c := k.client
	if op := r.op; op != nil {
		op.left--
		op.pending = op.pending || pending
		if !granted && op.err == nil {
			op.err = replyError(op.name, reply)
		}
		c.finishIfDone(op)
	}
	for _, op := range r.follow {
		op.left--
		op.pending = op.pending || pending
		if !granted && op.subscription.entries != nil {
			// Somebody else's request failed, perhaps for another name: this call asks for itself.
			if c.conn == nil {
				op.pending = true
			} else {
				c.askFor(op, common(op.entries, r.entries))
			}
		}
		c.finishIfDone(op)
	}
}

func common(a, b []*entry) (result []*entry) {
	in := make(map[*entry]struct{}, len(b))
	for _, e := range b {
		in[e] = struct{}{}
	}
	for _, e := range a {
		if _, ok := in[e]; ok {
			result = append(result, e)
		}
	}
	return result
}

// wantedRest is what is still to be asked for.
func (r *request) wantedRest() (result []*entry) {
	for _, e := range r.rest {
		if e.wanted() {
			result = append(result, e)
		}
	}
	return result
}

// askAgain deals with a Subscribe of the client's own that was not granted: one bad name must not cost the others. What
// Redis refuses by name is revoked. Near a limit half is asked for, and the rest when that was granted. Else the
// halves are asked for apart, until only the bad ones are alone.
func (k *conn) askAgain(r *request, reply *wire.Reply) {
	c := k.client
	var left, refused []*entry
	for _, e := range r.entries {
		switch {
		case !e.wanted() || k.names[e].willHold() || k.names[e].last != nil:
			// nobody wants it, or something newer is on its way
		case reply.Outcome == wire.OutcomeRefused && isNamed(e, reply):
			refused = append(refused, e)
		default:
			left = append(left, e)
		}
	}
	again := request{kind: kindSubscribe, restore: r.restore, barrier: r.barrier}
	switch {
	case len(refused) > 0:
		k.askCounted(again, left)
		c.revoke(refused, reply.Detail)
	case reply.Outcome == wire.OutcomeLimit:
		rest := r.wantedRest()
		if len(left) <= 1 {
			c.revoke(append(left, rest...), reply.Detail)
			return
		}
		again.rest = append(left[len(left)/2:len(left):len(left)], rest...)
		k.askCounted(again, left[:len(left)/2])
	case len(left) > 1:
		k.askCounted(again, left[:len(left)/2])
		k.askCounted(again, left[len(left)/2:])
	default:
		c.revoke(left, reply.Detail)
	}
}

// askCounted has a Gap that waited for a request wait for those in its place, too.
func (k *conn) askCounted(like request, entries []*entry) {
	before := len(k.requests)
	k.ask(like, entries)
	if like.barrier && k == k.client.newest() {
		k.client.gap.barrier += len(k.requests) - before
	}
}

func isNamed(e *entry, reply *wire.Reply) bool {
	names := reply.Channels
	if e.pattern {
		names = reply.Patterns
	}
	for _, name := range names {
		if name == e.text {
			return true
		}
	}
	return false
}

// revoke ends subscriptions that no relay grants, and tells who had them.
func (c *Client) revoke(entries []*entry, detail string) {
	plain := Names{}
	bySub := map[*Subscription]*Names{}
	for _, e := range entries {
		if e.plain {
			e.plain = false
			plain.add(e)
		}
		for _, s := range e.subs {
			if bySub[s] == nil {
				bySub[s] = &Names{}
			}
			bySub[s].add(e)
		}
	}
	if len(plain.Channels)+len(plain.Patterns) > 0 {
		c.tell(&Revoked{Channels: plain.Channels, Patterns: plain.Patterns, Detail: detail})
	}
	for s, names := range bySub {
		s.queue.push(&Revoked{Channels: names.Channels, Patterns: names.Patterns, Detail: detail})
		s.queue.close()
		c.detach(s)
	}
	c.release(entries)
}

func (n *Names) add(e *entry) {
	if e.pattern {
		n.Patterns = append(n.Patterns, e.text)
	} else {
		n.Channels = append(n.Channels, e.text)
	}
}
