package hubrelay

import (
	"context"
	"time"
)

// turn says which goroutine reads a connection. Mostly it is the connection's own goroutine. But while the application
// makes one publish after the other and nobody listens, the caller that waits for a Reply reads it itself. That saves
// waking another goroutine, on another thread, for each publish. The connection is never unread for long: when nobody
// has had the turn for a moment, or something else is wanted, the connection's goroutine takes the turn back.
type turn int

const (
	turnReader turn = iota // the connection's goroutine reads
	turnFree               // nobody reads; the goroutine stands by, and the next caller may take the turn
	turnCaller             // a caller reads, until its Reply has come
)

// aloneReads is how many consecutive reads have to bring one Reply and nothing else before callers may read.
const aloneReads = 8

// standByTime is how long the turn may be free, and how late a caller that reads may notice that its context has ended.
// Nobody listens then, so only a Status or a Loss can be delayed that long.
const standByTime = 10 * time.Millisecond

// isAlone returns whether the Reply to the next publish is the only frame that anybody could wait for.
func (k *conn) isAlone() bool {
	c := k.client
	return k == c.conn && c.next == nil && c.old == nil && k.ended == nil && !k.stopping && k.direct.raw != nil &&
		!c.closing && !k.owes() && !c.anythingWanted()
}

// countAlone is called after the frames of each read, with the lock.
func (k *conn) countAlone() {
	if len(k.done) == 1 && k.isAlone() {
		k.alone++
	} else {
		k.alone = 0
	}
}

// freeTurn frees the turn of the connection's goroutine, if the last reads were only for callers and the next publish
// has not been made yet.
func (k *conn) freeTurn() bool {
	if k.alone < aloneReads {
		return false
	}
	k.client.mu.Lock()
	defer k.client.mu.Unlock()
	if !k.isAlone() {
		return false
	}
	k.turn = turnFree
	if k.standing == nil {
		k.standing = time.NewTimer(standByTime)
	} else {
		k.standing.Reset(standByTime)
	}
	return true
}

// standBy waits until the connection's goroutine has to read again.
func (k *conn) standBy() {
	defer k.standing.Stop()
	for {
		timeIsUp := false
		select {
		case <-k.standing.C:
			timeIsUp = true
		case <-k.wanted:
		}
		k.client.mu.Lock()
		if k.turn == turnFree && (timeIsUp || !k.isAlone()) {
			k.turn, k.alone = turnReader, 0
			k.client.mu.Unlock()
			return
		}
		if k.turn == turnCaller && k.caller.Err() != nil {
			_ = k.socket.SetReadDeadline(time.Now()) // the caller has given up, but waits in a read
		}
		if timeIsUp {
			k.standing.Reset(standByTime)
			k.postponed = time.Now()
		}
		k.client.mu.Unlock()
	}
}

// postpone makes the connection's goroutine stand by for longer, since the turn was used. A timer that does not expire
// wakes nobody. The timer is not reset for each turn.
func (k *conn) postpone() {
	if k.live.lastRead.Sub(k.postponed) > standByTime/2 {
		k.standing.Reset(standByTime)
		k.postponed = k.live.lastRead
	}
}

// takeTurn gives the turn to a caller that is about to publish, if the turn is free. Called with the lock.
func (k *conn) takeTurn(ctx context.Context) bool {
	if k.turn != turnFree {
		return false
	}
	k.turn, k.caller = turnCaller, ctx
	return true
}

// readForReply reads until a publish has its Reply, and then frees the turn.
func (c *Client) readForReply(ctx context.Context, k *conn, p *publication) (uint64, error) {
	for k.readOnce() && ctx.Err() == nil {
		select {
		case <-p.done:
			k.passTurn()
			return p.result()
		default:
		}
	}
	k.passTurn()
	return c.waitForReply(ctx, p)
}

func (k *conn) passTurn() {
	k.client.mu.Lock()
	k.turn, k.caller = turnFree, nil
	if k.isAlone() {
		k.postpone()
	} else {
		wakeUp(k.wanted)
	}
	k.client.mu.Unlock()
}
