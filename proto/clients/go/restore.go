package hubrelay

import (
	"time"

	"hubrelay/internal/wire"
)

// restore asks a new connection for everything that is wanted, and for nothing else.
func (c *Client) restore(k *conn) {
	var wanted, impossible []*entry
	for _, table := range []map[string]*entry{c.channels, c.patterns} {
		for _, e := range table {
			switch {
			case !e.wanted():
			case e.pattern && !k.welcome.Has(wire.FeaturePatterns):
				impossible = append(impossible, e)
			default:
				wanted = append(wanted, e)
			}
		}
	}
	c.revoke(impossible, "the relay has no patterns")
	k.ask(request{kind: kindSubscribe, restore: true}, wanted)
}

// restored is called when the last Reply to restore has come.
func (c *Client) restored(k *conn) {
	for _, s := range k.heldBack {
		if k == c.newest() {
			c.status = s
			c.tell(s)
		}
	}
	k.heldBack = nil
	c.proceed(time.Now())
}

// wantedRest returns the entries in rest that somebody still wants.
func (r *request) wantedRest() (result []*entry) {
	for _, e := range r.rest {
		if e.wanted() {
			result = append(result, e)
		}
	}
	return result
}

// askAgain handles a Subscribe of the client's own that was not granted: one bad name must not cost the others. Names
// that Redis refuses by name are revoked. Near a limit it asks for half of the names, and for the rest once that half
// is granted. Otherwise it asks for the two halves separately, until each bad name is alone in a request.
func (k *conn) askAgain(r *request, reply *wire.Reply) {
	c := k.client
	var left, refused []*entry
	named := namesIn(reply)
	for _, e := range r.entries {
		switch {
		case !e.wanted() || k.names[e].willHold() || k.names[e].last != nil:
			// nobody wants it, or a newer request for it is on its way
		case reply.Outcome == wire.OutcomeRefused && named[namedEntry{e.text, e.pattern}]:
			refused = append(refused, e)
		default:
			left = append(left, e)
		}
	}
	again := request{kind: kindSubscribe, restore: r.restore, barrier: r.barrier}
	half, rest := len(left)/2, r.wantedRest()
	switch {
	case len(left) < len(r.entries) && reply.Outcome != wire.OutcomeLimit || len(left) == 0:
		k.askBefore(again, left, rest) // perhaps the names that are left out were the bad ones
		c.revoke(refused, reply.Detail)
	case reply.Outcome == wire.OutcomeLimit && len(r.entries) == 1:
		c.revoke(append(left, rest...), reply.Detail)
	case reply.Outcome == wire.OutcomeLimit && len(left) == 1:
		k.askBefore(again, left, rest)
	case reply.Outcome == wire.OutcomeLimit:
		k.askBefore(again, left[:half], append(left[half:len(left):len(left)], rest...))
	case len(left) > 1:
		k.askCounted(again, left[:half])
		k.askBefore(again, left[half:], rest)
	default:
		c.revoke(left, reply.Detail)
		k.askCounted(again, rest)
	}
}

// askBefore asks for entries, and for the rest when those are granted. Without entries it asks for the rest at once.
func (k *conn) askBefore(like request, entries, rest []*entry) {
	if len(entries) == 0 {
		entries, rest = rest, nil
	}
	like.rest = rest
	k.askCounted(like, entries)
}

// askCounted asks in place of an earlier request. A Gap that waited for that one waits for these.
func (k *conn) askCounted(like request, entries []*entry) {
	before := len(k.requests)
	k.ask(like, entries)
	if like.barrier && k == k.client.newest() {
		k.client.gap.barrier += len(k.requests) - before
	}
}

type namedEntry struct {
	text    string
	pattern bool
}

// namesIn returns the names in a Reply as a set, since they may be many.
func namesIn(reply *wire.Reply) map[namedEntry]bool {
	named := make(map[namedEntry]bool, len(reply.Channels)+len(reply.Patterns))
	for _, name := range reply.Channels {
		named[namedEntry{name, false}] = true
	}
	for _, name := range reply.Patterns {
		named[namedEntry{name, true}] = true
	}
	return named
}

// revoke ends subscriptions that no relay grants, and reports that to Events and to each Subscription that had them.
func (c *Client) revoke(entries []*entry, detail string) {
	all := Names{}
	bySub := map[*Subscription]*Names{}
	for _, e := range entries {
		if e.plain || len(e.subs) > 0 {
			all.add(e)
		}
		e.plain = false
		for _, l := range e.subs {
			s := l.subscription
			if bySub[s] == nil {
				bySub[s] = &Names{}
			}
			bySub[s].add(e)
		}
	}
	if len(all.Channels)+len(all.Patterns) > 0 {
		c.tell(&Revoked{Channels: all.Channels, Patterns: all.Patterns, Detail: detail})
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
