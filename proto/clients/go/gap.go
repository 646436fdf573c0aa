package hubrelay

import "time"

// Why a Gap is told.
const (
	reasonGaps       = "gaps"               // the relay's count has grown
	reasonConnection = "new connection"     // messages of the time between two connections
	reasonPending    = "subscription begun" // one that was pending is in force
	reasonLoss       = "loss"               // messages were dropped
	reasonMove       = "next relay"         // a move between two relays without a fence
)

// gapTracker decides when the application is told that messages may have been missed. It knows no clock and no
// connection: times and events go in, Gaps come out.
//
// A reason is told once receiving, when the Subscribes that were sent before that have their Replies, and after a
// random delay; a break in that time starts all of it anew. While receiving stays false in a part of the channels, a
// partial Gap comes first.
type gapTracker struct {
	delay     time.Duration
	partial   time.Duration
	random    func() float64 // 0 to 1
	reasons   []string
	receiving bool
	barrier   int       // Subscribes without Reply that were sent before receiving
	due       time.Time // when the Gap is told; zero while it cannot be
	degraded  bool      // only a part of the channels is away
	grown     time.Time // the last break that no Gap, whole or partial, has told; zero: there is none
}

// note adds a reason.
func (g *gapTracker) note(reason string, now time.Time) {
	for _, r := range g.reasons {
		if r == reason {
			g.arm(now)
			return
		}
	}
	g.reasons = append(g.reasons, reason)
	g.arm(now)
}

// begin is a new state of receiving: barrier Subscribes are on their way, which a Gap waits for.
func (g *gapTracker) begin(receiving bool, barrier int, now time.Time) {
	if receiving && g.receiving && barrier == 0 {
		return
	}
	g.receiving, g.barrier, g.due = receiving, barrier, time.Time{}
	g.arm(now)
}

// answered is the Reply to one of the barrier's Subscribes.
func (g *gapTracker) answered(now time.Time) {
	if g.barrier > 0 {
		g.barrier--
		g.arm(now)
	}
}

// grew is a break. A partial Gap tells it unless receiving becomes true before.
func (g *gapTracker) grew(now time.Time) { g.grown = now }

// partialDue is when a partial Gap is told, or zero: there is none while everything is away, or nothing.
func (g *gapTracker) partialDue() time.Time {
	if !g.degraded || g.receiving || g.grown.IsZero() {
		return time.Time{}
	}
	return g.grown.Add(g.partial)
}

func (g *gapTracker) arm(now time.Time) {
	if len(g.reasons) > 0 && g.receiving && g.barrier == 0 && g.due.IsZero() {
		g.due = now.Add(time.Duration(g.random() * float64(g.delay)))
	}
}

// next is when fire has something to do, or zero.
func (g *gapTracker) next() time.Time { return earlier(g.due, g.partialDue()) }

// fire gives the Gap that is due, or nil.
func (g *gapTracker) fire(now time.Time) *Gap {
	if !g.due.IsZero() && !now.Before(g.due) {
		gap := &Gap{Reasons: g.reasons}
		g.reasons, g.due, g.grown = nil, time.Time{}, time.Time{}
		return gap
	}
	if due := g.partialDue(); !due.IsZero() && !now.Before(due) {
		g.grown = time.Time{}
		if len(g.reasons) > 0 {
			return &Gap{Reasons: append([]string(nil), g.reasons...), Partial: true}
		}
	}
	return nil
}

// forget drops what is not told yet: nothing is subscribed any more.
func (g *gapTracker) forget() { g.reasons, g.due, g.grown = nil, time.Time{}, time.Time{} }

// earlier is the earlier of two times of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
