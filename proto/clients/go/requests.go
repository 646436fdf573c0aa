package hubrelay

import (
	"time"

	"hubrelay/internal/wire"
)

type requestKind int

const (
	kindSubscribe requestKind = iota
	kindUnsubscribe
	kindPing
)

// request is a Subscribe, Unsubscribe or Ping without its Reply.
type request struct {
	kind    requestKind
	id      uint64
	entries []*entry
	plain   bool         // from the application's Subscribe or Unsubscribe
	op      *operation   // the call that waits for the Reply; nil: the request is the client's own
	follow  []*operation // further calls that wait for it, since they want some of its names
	restore bool         // it asks for names that this connection has to hold before it serves
	barrier bool         // a Gap waits for its Reply
	rest    []*entry     // to be asked for when this one is granted, near a limit of the relay
	reply   func(reply *wire.Reply)
}

// ask sends a Subscribe or Unsubscribe for entries, in as many frames as needed. Each frame's request is a copy of
// like.
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
			r.rest = nil // the rest follows the last of these frames
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
		k.holdOf(e).last = r
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

// askSettled asks for the outcome of publishes without Reply, if the relay can answer that and something is unsettled.
func (c *Client) askSettled(k *conn) {
	if k == nil || k.ended != nil || k.shutting || !k.settle.asks || !k.settle.unasked() {
		return
	}
	k.settle.ask()
	k.ping(true, func(reply *wire.Reply) {
		k.settle.answered(reply.Outcome == wire.OutcomeOK, time.Now())
		c.clockBy(k.settle.due())
	})
}

// onReply handles the Reply to a request that is not a publish. At the end of a connection it is called for each
// unanswered request, with a Reply that says what the end means for it.
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
		k.holdOf(e).answered(r, granted, pending)
		if r.plain {
			k.answered(e, r, granted)
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

// answered notes the Reply to a request for the name.
func (h *hold) answered(r *request, granted, pending bool) {
	if h.last == r {
		h.last = nil
	}
	if granted {
		h.held = r.kind == kindSubscribe
		h.pending = pending
	}
}

// answered notes the Reply to a plain request for the name. The Reply counts if the name was decided since then only by
// requests on this connection: their Replies are still to come, and override this one.
func (k *conn) answered(e *entry, r *request, granted bool) {
	counts := e.asked != nil && (e.asked == r || k.requests[e.asked.id] == e.asked)
	if e.asked == r {
		e.asked = nil
	}
	if !granted || !counts {
		return
	}
	if r.op != nil && r.kind == kindSubscribe && !e.plain {
		r.op.granted = append(r.op.granted, e)
	}
	e.plain = r.kind == kindSubscribe
}

// notePending notes that a PENDING subscription causes a Gap once it is in force. At the end of a connection, the next
// connection will be the reason for the Gap, unless there is already a next one.
func (c *Client) notePending(k *conn, r *request) {
	if k.ended == nil && k == c.newest() || k.ended != nil && r.op != nil && c.conn != nil && c.conn != k {
		c.noteGap(reasonPending)
	}
}

// finishOperations passes the Reply to the calls that wait for the request.
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
	var asked map[*entry]struct{} // made once for all calls: there may be many calls with many names
	for _, op := range r.follow {
		op.left--
		op.pending = op.pending || pending
		if !granted && op.subscription.entries != nil {
			// The request of another call failed, perhaps because of another name: this call makes its own request.
			if asked == nil {
				asked = setOf(r.entries)
			}
			c.askFor(op, among(op.entries, asked))
		}
		c.finishIfDone(op)
	}
}

func setOf(entries []*entry) map[*entry]struct{} {
	set := make(map[*entry]struct{}, len(entries))
	for _, e := range entries {
		set[e] = struct{}{}
	}
	return set
}

func among(entries []*entry, set map[*entry]struct{}) (result []*entry) {
	for _, e := range entries {
		if _, ok := set[e]; ok {
			result = append(result, e)
		}
	}
	return result
}
