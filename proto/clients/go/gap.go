package hubrelay

import "time"

// The reasons for a Gap.
const (
	reasonGaps       = "gaps"               // the relay's count of gaps has grown
	reasonConnection = "new connection"     // messages between two connections may be missed
	reasonPending    = "subscription begun" // a subscription that was pending is in force
	reasonLoss       = "loss"               // messages were dropped
	reasonMove       = "next relay"         // a move between two relays without a complete fence
)

// gapTracker decides when to report to the application that messages may have been missed. It uses no clock and no
// connection: times and events go in, Gaps come out.
//
// A reason is reported when three conditions are met, one after the other: the relay is receiving, the Subscribes sent
// before that have their Replies, and a random delay has passed. A break meanwhile starts this again. While some
// channels stay away (receiving stays false), a partial Gap comes first.
type gapTracker struct {
	delay     time.Duration
	partial   time.Duration
	random    func() float64 // 0 to 1
	reasons   []string
	receiving bool
	barrier   int       // unanswered Subscribes that were sent before receiving became true
	due       time.Time // when the Gap is reported; zero while it cannot be
	degraded  bool      // only some channels are away
	grown     time.Time // the last break that no Gap, whole or partial, has reported; zero: there is none
}

// note adds a reason for a Gap.
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

// begin sets a new state of receiving. A Gap waits for the Replies to as many Subscribes as barrier says.
func (g *gapTracker) begin(receiving bool, barrier int, now time.Time) {
	if receiving && g.receiving && barrier == 0 {
		return
	}
	g.receiving, g.barrier, g.due = receiving, barrier, time.Time{}
	g.arm(now)
}

// answered notes the Reply to one of the barrier's Subscribes.
func (g *gapTracker) answered(now time.Time) {
	if g.barrier > 0 {
		g.barrier--
		g.arm(now)
	}
}

// grew notes a break. A partial Gap reports it, unless receiving becomes true before that.
func (g *gapTracker) grew(now time.Time) { g.grown = now }

// partialDue is when a partial Gap is due. It is zero while all channels are away, or none is.
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

// next is when fire has something to do, or zero for never.
func (g *gapTracker) next() time.Time { return earlier(g.due, g.partialDue()) }

// fire returns the Gap that is due, or nil.
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

// forget drops what is not reported yet, because nothing is subscribed any more.
func (g *gapTracker) forget() { g.reasons, g.due, g.grown = nil, time.Time{}, time.Time{} }

// earlier returns the earlier of two times. Zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
