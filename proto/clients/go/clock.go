package hubrelay

import "time"

// lateBy is how late the clock may be before it assumes that the process did not run: it was stopped, or the machine
// slept. The silence of a relay is then counted from the present on.
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

// clockBy makes the clock check its deadlines at the time due, or earlier.
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

// nextDeadline returns the earliest of all deadlines.
func (c *Client) nextDeadline(now time.Time) time.Time {
	due := earlier(c.gap.next(), c.waitUntil)
	for _, k := range []*conn{c.conn, c.next} {
		if !k.isWatched() {
			continue
		}
		due = earlier(due, k.settle.due())
		if !k.paused && !k.givingUp {
			due = earlier(due, k.live.due())
			// No later than a request made right now would need, so that the request need not wake the clock.
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

// isWatched returns whether the clock watches the connection. Once Close has shut its writing side, the connection can
// send no Ping; Times.Drain bounds it.
func (k *conn) isWatched() bool { return k != nil && k.ended == nil && !k.shutting }

// isWithoutNext returns whether the relay is stopping and no next one has said Welcome.
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

// watch detects a relay that hangs, and asks about unsettled publishes without Reply.
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
		// The reader checks whether there are bytes in the socket, and ends the connection if not.
		k.givingUp = true
		_ = k.socket.SetReadDeadline(now)
	}
}
