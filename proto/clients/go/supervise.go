package hubrelay

import (
	"context"
	"fmt"
	"math/rand"
	"time"

	"hubrelay/internal/wire"
)

// backoff is the random delay between attempts to connect: from 0 to a bound that doubles.
type backoff struct {
	random   *rand.Rand
	times    *Times
	attempts uint // since the last good connection
	hopeless bool
	last     *conn // the last connection that had a Welcome, until ended counts its end
}

// delay returns the delay before the next attempt.
func (b *backoff) delay() time.Duration {
	if b.hopeless {
		// The relay's answer will not change by itself soon. So attempts are rare, though they never stop: the delay is
		// at least half of the bound.
		bound := b.bound(time.Second, b.times.BackoffHopeless)
		return bound/2 + time.Duration(b.random.Int63n(int64(bound/2)+1))
	}
	return time.Duration(b.random.Int63n(int64(b.bound(b.times.BackoffMin, b.times.BackoffMax)) + 1))
}

func (b *backoff) bound(first, last time.Duration) time.Duration {
	for i := uint(1); i < b.attempts && first < last; i++ {
		first *= 2
	}
	if first > last {
		return last
	}
	return first
}

// ended checks how long the last connection lasted, if it has ended. After a good connection the backoff starts again.
// One that ended soon counts as a failed attempt.
func (b *backoff) ended() {
	if b.last != nil && b.last.ended != nil {
		if b.last.endedAt.Sub(b.last.began) >= b.times.GoodConnection {
			b.attempts, b.hopeless = 1, false
		}
		b.last = nil
	}
}

// failed counts an attempt that has not led to a good connection, or not yet.
func (b *backoff) failed(hopeless bool) {
	if hopeless != b.hopeless {
		b.attempts = 0
	}
	b.hopeless = hopeless
	b.attempts++
}

// supervise is the goroutine that connects, for as long as the client lives.
func (c *Client) supervise() {
	defer c.running.Done()
	b := backoff{random: newRandom(), times: &c.options.times}
	for c.ctx.Err() == nil {
		if !c.waitForNeed(&b) {
			continue
		}
		k, err := c.connect()
		c.mu.Lock()
		switch {
		case err == nil:
			b.failed(false)
			b.last = k
		case k != nil && k.hopeless:
			b.failed(true)
			if c.conn == nil { // else the relay that is stopping serves
				c.problem = err
				c.tellNoRelay("hopeless", err.Error(), time.Now())
			}
		default:
			b.failed(false)
			if c.conn == nil {
				c.problem = err
				c.tellNoRelay("absent", err.Error(), time.Now())
			}
		}
		c.unlock()
	}
}

// waitForNeed waits until a connection is needed, and then for the backoff's delay. When a relay is stopping, the first
// attempt to connect to the next one is made at once. waitForNeed returns false when it has to be called again.
func (c *Client) waitForNeed(b *backoff) bool {
	c.mu.Lock()
	b.ended()
	needed := !c.closing && c.next == nil && (c.conn == nil || c.conn.stopping)
	if needed && c.conn != nil && !c.conn.sought {
		c.conn.sought = true
		b.attempts, b.hopeless, b.last = 0, false, nil
	}
	c.mu.Unlock()
	if !needed {
		select {
		case <-c.need:
		case <-c.ctx.Done():
		}
		return false
	}
	if b.attempts == 0 {
		return true
	}
	timer := time.NewTimer(b.delay())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// connect makes one attempt, and waits for Welcome. It returns the connection together with the error, if a connection
// was made.
func (c *Client) connect() (*conn, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.options.times.Handshake)
	defer cancel()
	socket, err := c.options.dialer(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		_ = socket.Close()
		return nil, errClosing
	}
	k := newConn(c, socket)
	c.running.Add(2) // one for the reader, one for settleEnd
	c.attempt = k
	before := len(k.out)
	k.out = wire.AppendHello(k.out, c.name)
	k.added(before)
	c.unlock()
	go k.read()
	select {
	case <-k.opened:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.unlock()
	if c.attempt == k {
		k.end(errNoWelcome)
		c.attempt = nil
	}
	if k.welcome == nil {
		return k, fmt.Errorf("%s: %w", c.path, k.ended)
	}
	return k, nil
}
