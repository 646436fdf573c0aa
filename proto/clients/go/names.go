package hubrelay

// entry is one channel or pattern that the application wants, or that a relay still holds.
type entry struct {
	text    string
	pattern bool
	subs    []listener // in no order
	plain   bool       // Subscribe has asked for it
	asked   *request   // the last plain request for it, while it has no Reply
	holds   int        // how many connections have a hold for it
}

// listener is a Subscription's part in an entry.
type listener struct {
	subscription *Subscription
	entry        int // the index among the Subscription's entries
}

// wanted returns whether the client should ask the next connection for the entry. Replies come in the order of the
// requests, so the last request decides.
func (e *entry) wanted() bool {
	if len(e.subs) > 0 {
		return true
	}
	if e.asked != nil {
		return e.asked.kind == kindSubscribe
	}
	return e.plain
}

// decide applies a Subscribe or Unsubscribe that is not sent to a relay. Replies to earlier plain requests no longer
// count.
func (e *entry) decide(plain bool) { e.plain, e.asked = plain, nil }

// hold is what one connection knows of one entry.
type hold struct {
	held    bool     // according to the Replies that have come
	pending bool     // held, but not in force yet
	last    *request // the last request for it, while it has no Reply
}

// willHold returns whether the relay will hold the name once it has answered everything.
func (h *hold) willHold() bool {
	if h == nil {
		return false
	}
	if h.last != nil {
		return h.last.kind == kindSubscribe
	}
	return h.held
}

// without returns the entries whose willHold differs from held: those that still have to be asked for.
func (k *conn) without(held bool, entries []*entry) (result []*entry) {
	for _, e := range entries {
		if k.names[e].willHold() != held {
			result = append(result, e)
		}
	}
	return result
}

// serving returns the connection that takes requests, or nil. A connection that has ended takes no requests, even if
// its unanswered ones are not settled yet.
func (c *Client) serving() *conn {
	if c.conn == nil || c.conn.ended != nil {
		return nil
	}
	return c.conn
}

// attach makes a Subscription a listener of its names.
func (c *Client) attach(s *Subscription, entries []*entry) {
	s.entries, s.places = entries, make([]int, len(entries))
	for i, e := range entries {
		s.places[i] = len(e.subs)
		e.subs = append(e.subs, listener{s, i})
	}
	c.subs[s] = struct{}{}
}

// detach undoes attach. Its time does not depend on how many other Subscriptions listen.
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

// release unsubscribes from the names that nobody wants any more.
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

// prune forgets an entry if nobody wants it and no connection has a hold for it.
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

// entriesOf returns the entries of names, each once. It makes missing ones.
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

// holdOf returns what the connection knows of a name, which may be nothing yet.
func (k *conn) holdOf(e *entry) *hold {
	h := k.names[e]
	if h == nil {
		h = &hold{}
		k.names[e] = h
		e.holds++
	}
	return h
}

// forget drops the hold of a name that the connection neither holds nor asks for.
func (k *conn) forget(e *entry) {
	if h := k.names[e]; h != nil && !h.held && h.last == nil {
		delete(k.names, e)
		e.holds--
		k.client.prune(e)
	}
}
