package hubrelay

// entry is one channel or pattern that somebody wants, or that a relay still holds.
type entry struct {
	text    string
	pattern bool
	subs    []listener // in no order
	plain   bool       // Subscribe has asked for it
	asked   *request   // the last plain request for it, while it has no Reply
	holds   int        // connections that know of it
}

// listener is a Subscription's part in an entry.
type listener struct {
	subscription *Subscription
	entry        int // which of the Subscription's entries it is
}

// wanted tells whether the next connection is to be asked for it. The order of the Replies decides, and that is the
// order of the requests.
func (e *entry) wanted() bool {
	if len(e.subs) > 0 {
		return true
	}
	if e.asked != nil {
		return e.asked.kind == kindSubscribe
	}
	return e.plain
}

// decide is a Subscribe or Unsubscribe that no relay is asked for: what former ones are still answered counts no more.
func (e *entry) decide(plain bool) { e.plain, e.asked = plain, nil }

// hold is what one connection knows of one entry.
type hold struct {
	held    bool     // by the Replies that have come
	pending bool     // held, and not in force yet
	last    *request // the last request for it, while it has no Reply
}

// willHold is what the relay holds once it has answered everything.
func (h *hold) willHold() bool {
	if h == nil {
		return false
	}
	if h.last != nil {
		return h.last.kind == kindSubscribe
	}
	return h.held
}

// without gives those entries of which the relay will not hold, or does hold, what is asked for.
func (k *conn) without(held bool, entries []*entry) (result []*entry) {
	for _, e := range entries {
		if k.names[e].willHold() != held {
			result = append(result, e)
		}
	}
	return result
}

// serving is the connection that takes requests, or nil. One that has ended takes none, though what it owes may not be
// settled yet.
func (c *Client) serving() *conn {
	if c.conn == nil || c.conn.ended != nil {
		return nil
	}
	return c.conn
}

// attach begins a Subscription's part in its names.
func (c *Client) attach(s *Subscription, entries []*entry) {
	s.entries, s.places = entries, make([]int, len(entries))
	for i, e := range entries {
		s.places[i] = len(e.subs)
		e.subs = append(e.subs, listener{s, i})
	}
	c.subs[s] = struct{}{}
}

// detach ends it. The time that it takes does not depend on how many others listen.
func (c *Client) detach(s *Subscription) {
	entries := s.entries
	s.entries = nil
	delete(c.subs, s)
	for i, e := range entries {
		last := len(e.subs) - 1
		moved := e.subs[last]
		e.subs[s.places[i]] = moved
		moved.subscription.places[moved.entry] = s.places[i]
		e.subs[last] = listener{}
		e.subs = e.subs[:last]
	}
	c.release(entries)
}

// release unsubscribes from what nobody wants any more.
func (c *Client) release(entries []*entry) {
	for _, k := range []*conn{c.conn, c.next} {
		if k == nil {
			continue
		}
		var unwanted []*entry
		for _, e := range entries {
			if !e.wanted() && k.names[e].willHold() {
				unwanted = append(unwanted, e)
			}
		}
		k.ask(request{kind: kindUnsubscribe}, unwanted)
	}
	for _, e := range entries {
		c.prune(e)
	}
	if !c.anythingWanted() {
		c.gap.forget()
	}
}

// prune forgets an entry that nobody wants and no connection knows.
func (c *Client) prune(e *entry) {
	if !e.wanted() && e.asked == nil && e.holds == 0 {
		if table := c.table(e.pattern); table[e.text] == e {
			delete(table, e.text)
		}
	}
}

func (c *Client) table(pattern bool) map[string]*entry {
	if pattern {
		return c.patterns
	}
	return c.channels
}

func (c *Client) anythingWanted() bool {
	if len(c.subs) > 0 {
		return true
	}
	for _, table := range []map[string]*entry{c.channels, c.patterns} {
		for _, e := range table {
			if e.wanted() {
				return true
			}
		}
	}
	return false
}

// entriesOf gives the entries of names, each once.
func (c *Client) entriesOf(names Names) []*entry {
	entries := make([]*entry, 0, len(names.Channels)+len(names.Patterns))
	seen := make(map[*entry]struct{}, cap(entries))
	for _, list := range []struct {
		names   []string
		pattern bool
	}{{names.Channels, false}, {names.Patterns, true}} {
		table := c.table(list.pattern)
		for _, text := range list.names {
			e := table[text]
			if e == nil {
				e = &entry{text: text, pattern: list.pattern}
				table[text] = e
			}
			if _, ok := seen[e]; !ok {
				seen[e] = struct{}{}
				entries = append(entries, e)
			}
		}
	}
	return entries
}

// holdOf is what the connection knows of a name, which may be nothing yet.
func (k *conn) holdOf(e *entry) *hold {
	h := k.names[e]
	if h == nil {
		h = &hold{}
		k.names[e] = h
		e.holds++
	}
	return h
}

// forget drops what the connection knows of a name that it neither holds nor asks for.
func (k *conn) forget(e *entry) {
	if h := k.names[e]; h != nil && !h.held && h.last == nil {
		delete(k.names, e)
		e.holds--
		k.client.prune(e)
	}
}
