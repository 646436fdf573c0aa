package hubrelay

import "time"

// lateBy is how late the clock may be before it takes that for a process that did not run: it was stopped, or the
// machine slept. Nobody's silence is counted from before that.
const lateBy = time.Second

// runClock is the goroutine that keeps the deadlines, for as long as the client lives.
func (c *Client) runClock() {
	defer c.running.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		c.mu.Lock()
		now := time.Now()
		if !c.clockDue.IsZero() && now.Sub(c.clockDue) > lateBy {
			c.restartLiveness(now)
		}
		c.meetDeadlines(now)
		c.clockDue = c.nextDeadline(now)
		wait := time.Hour
		if !c.clockDue.IsZero() {
			wait = time.Until(c.clockDue)
		}
		c.unlock()
		if !timer.Stop() {
			select {
			case <-timer.C:
			default:
			}
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-c.kick:
		case <-c.ctx.Done():
			return
		}
	}
}

// clockBy has the clock look at its deadlines at a time, or before.
func (c *Client) clockBy(due time.Time) {
	if !due.IsZero() && (c.clockDue.IsZero() || due.Before(c.clockDue)) {
		c.kickClock()
	}
}

func (c *Client) restartLiveness(now time.Time) {
	for _, k := range []*conn{c.conn, c.next} {
		if k != nil {
			k.live.restart(now)
		}
	}
}

// nextDeadline is the earliest of all.
func (c *Client) nextDeadline(now time.Time) time.Time {
	due := earlier(c.gap.next(), c.waitUntil)
	for _, k := range []*conn{c.conn, c.next} {
		if !k.isWatched() {
			continue
		}
		due = earlier(due, k.settle.due())
		if !k.paused && !k.givingUp {
			due = earlier(due, k.live.due())
			// No later than what a request that is made right now will need, so that it need not wake the clock.
			due = earlier(due, now.Add(k.live.owedAfter))
		}
	}
	if c.old != nil {
		due = earlier(due, c.old.drainDue)
	}
	if c.isWithoutNext() {
		due = earlier(due, c.conn.stoppedAt.Add(c.options.times.Successor))
	}
	if c.move != nil {
		due = earlier(due, c.move.due)
	}
	return due
}

// isWatched: a connection whose writing side is shut, by Close, takes no Ping; Times.Drain bounds it.
func (k *conn) isWatched() bool { return k != nil && k.ended == nil && !k.shutting }

// isWithoutNext: the relay is stopping, and no next one has said Welcome.
func (c *Client) isWithoutNext() bool {
	return c.conn != nil && c.conn.stopping && c.next == nil && c.conn.ended == nil && !c.closing
}

func (c *Client) meetDeadlines(now time.Time) {
	for _, k := range []*conn{c.conn, c.next} {
		if k.isWatched() {
			c.watch(k, now)
		}
	}
	if c.old != nil && !now.Before(c.old.drainDue) {
		c.old.end(errDrained)
	}
	if c.isWithoutNext() && !now.Before(c.conn.stoppedAt.Add(c.options.times.Successor)) {
		c.leaveAlone(now)
	}
	if c.move != nil && !c.move.due.IsZero() && !now.Before(c.move.due) {
		c.endMove(now, true)
	}
	if !c.waitUntil.IsZero() && !now.Before(c.waitUntil) {
		c.waitUntil = time.Time{}
		c.admitWaiters()
	}
	if gap := c.gap.fire(now); gap != nil && c.anythingWanted() {
		c.tellGap(gap)
	}
}

// watch finds a relay that hangs, and settles publishes without Reply.
func (c *Client) watch(k *conn, now time.Time) {
	if due := k.settle.due(); !due.IsZero() && !now.Before(due) {
		c.askSettled(k)
	}
	if k.paused || k.givingUp {
		return
	}
	switch k.live.check(now) {
	case livenessPing:
		k.ping(false, nil)
	case livenessGiveUp:
		// The reader looks whether something lies in the socket, and ends the connection if not.
		k.givingUp = true
		_ = k.socket.SetReadDeadline(now)
	}
}
