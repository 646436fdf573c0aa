package hubrelay

// waitingPublishes is the list of the publishes that wait for room, the oldest first.
type waitingPublishes struct{ first, last *publication }

func (w *waitingPublishes) add(p *publication) {
	p.waiting, p.prev, p.next = true, w.last, nil
	if w.last != nil {
		w.last.next = p
	} else {
		w.first = p
	}
	w.last = p
}

func (w *waitingPublishes) remove(p *publication) {
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		w.first = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	} else {
		w.last = p.prev
	}
	p.waiting, p.prev, p.next = false, nil, nil
}

// admitWaiters sends those that have room now.
func (c *Client) admitWaiters() {
	for p := c.waiters.first; p != nil && c.serving() != nil; p = c.waiters.first {
		if err := c.mayPublish("publish", p.channel, p.payload); err != nil {
			c.waiters.remove(p)
			p.fail(err) // the relay that serves now has smaller limits
			continue
		}
		if !c.hasRoom(p.channel, p.payload, c.options.limits.Unsent) {
			return
		}
		c.waiters.remove(p)
		c.conn.addPublish(p, p.channel, p.payload)
		p.channel, p.payload = "", nil
	}
}

// failWaiters ends all publishes that wait for room: none of them was sent.
func (c *Client) failWaiters(kind error) {
	for p := c.waiters.first; p != nil; p = c.waiters.first {
		c.waiters.remove(p)
		if kind == ErrNotConnected {
			p.fail(c.notConnected("publish"))
		} else {
			p.fail(failure("publish", kind, "nothing was sent"))
		}
	}
}
