package hubrelay

import "time"

// settler keeps count of one connection's publishes without Reply, so that at its end exactly those are told as
// unknown that may have been lost untold. A Loss may be held back by the relay; only the Reply to a Ping with
// `settled` says that all before it are taken or in a Loss.
type settler struct {
	every   time.Duration
	asks    bool      // the relay answers Pings with settled
	sent    uint64    // publishes without Reply
	settled uint64    // of these, the first so many are settled
	lost    uint64    // of the others, so many are in a Loss
	since   time.Time // since when something is unsettled; zero: all is settled
	asked   []uint64  // Pings with settled that are on their way, as what sent was then
}

// send is one more publish without Reply. It returns true when nothing was unsettled: since is to be set then.
func (s *settler) send() bool {
	s.sent++
	return s.since.IsZero()
}

// loss is a Loss of publishes, known and unknown.
func (s *settler) loss(publishes uint64) { s.lost += publishes }

// due is when a Ping is to be sent, or zero: nothing is unsettled, or the relay cannot say what is.
func (s *settler) due() time.Time {
	if !s.asks || s.since.IsZero() || len(s.asked) > 0 {
		return time.Time{}
	}
	return s.since.Add(s.every)
}

// ask is that a Ping with settled is being sent.
func (s *settler) ask() { s.asked = append(s.asked, s.sent) }

// answered is the Reply to the oldest of them. What was in a Loss until now was sent before the Ping.
// One that is not OK settles nothing.
func (s *settler) answered(ok bool, now time.Time) {
	if ok {
		s.settled, s.lost = s.asked[0], 0
	}
	s.asked, s.since = s.asked[1:], time.Time{}
	if s.sent > s.settled {
		s.since = now
	}
}

// unasked tells whether another Ping would settle something.
func (s *settler) unasked() bool {
	if n := len(s.asked); n > 0 {
		return s.sent > s.asked[n-1]
	}
	return s.sent > s.settled
}

// unknown is how many of those that were written are unknown at the end, when the last unwritten ones were not.
func (s *settler) unknown(unwritten uint64) uint64 {
	known := s.settled + s.lost + unwritten
	if s.sent <= known {
		return 0
	}
	return s.sent - known
}
