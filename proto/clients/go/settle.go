package hubrelay

import "time"

// settler counts one connection's publishes without Reply. When the connection ends, exactly those are reported as
// unknown that may have been lost without a Loss. The relay may hold back a Loss. Only the Reply to a Ping with
// `settled` says that each earlier publish was taken or is in a Loss.
type settler struct {
	every   time.Duration
	asks    bool      // the relay answers Pings with settled
	sent    uint64    // publishes without Reply
	settled uint64    // how many of those sent, from the first on, are settled
	lost    uint64    // how many of the others are in a Loss
	since   time.Time // the time since which something is unsettled; zero: all is settled
	asked   []uint64  // unanswered Pings with settled: the value of sent when each was sent
}

// send counts one more publish without Reply. It returns true if nothing was unsettled before: the caller then sets
// since.
func (s *settler) send() bool {
	s.sent++
	return s.since.IsZero()
}

// loss counts the publishes in a Loss, certainly lost or unknown.
func (s *settler) loss(publishes uint64) { s.lost += publishes }

// due is when to send a Ping. It is zero if nothing is unsettled, a Ping is on its way, or the relay does not answer
// such Pings.
func (s *settler) due() time.Time {
	if !s.asks || s.since.IsZero() || len(s.asked) > 0 {
		return time.Time{}
	}
	return s.since.Add(s.every)
}

// ask notes that a Ping with settled is being sent.
func (s *settler) ask() { s.asked = append(s.asked, s.sent) }

// answered notes the Reply to the oldest of these Pings. Publishes in a Loss that came before it were sent before the
// Ping. A Reply that is not OK settles nothing.
func (s *settler) answered(ok bool, now time.Time) {
	if ok {
		s.settled, s.lost = s.asked[0], 0
	}
	s.asked, s.since = s.asked[1:], time.Time{}
	if s.sent > s.settled {
		s.since = now
	}
}

// unasked returns whether another Ping would settle something.
func (s *settler) unasked() bool {
	if n := len(s.asked); n > 0 {
		return s.sent > s.asked[n-1]
	}
	return s.sent > s.settled
}

// unknown is how many written publishes are unknown at the end of the connection. unwritten is how many of the last
// ones were not written.
func (s *settler) unknown(unwritten uint64) uint64 {
	known := s.settled + s.lost + unwritten
	if s.sent <= known {
		return 0
	}
	return s.sent - known
}
