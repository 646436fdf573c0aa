package hubrelay

import (
	"testing"
	"time"

	"hubrelay/internal/wire"
)

var begin = time.Unix(1000, 0)

func at(seconds float64) time.Time { return begin.Add(time.Duration(seconds * float64(time.Second))) }

func tracker(random float64) *gapTracker {
	return &gapTracker{delay: 2 * time.Second, partial: 5 * time.Second, random: func() float64 { return random }}
}

func TestAGapWaitsForReceivingThenForTheRepliesThenForItsDelay(t *testing.T) {
	g := tracker(0.5)
	g.note("gaps", at(0))
	if !g.next().IsZero() {
		t.Fatal("due before receiving")
	}
	g.begin(true, 2, at(1))
	g.answered(at(2))
	if !g.next().IsZero() {
		t.Fatal("due before the last Reply")
	}
	g.answered(at(3))
	if g.next() != at(4) {
		t.Fatalf("due at %v, want %v", g.next(), at(4))
	}
	if g.fire(at(3.9)) != nil {
		t.Fatal("told too soon")
	}
	gap := g.fire(at(4))
	if gap == nil || gap.Partial || len(gap.Reasons) != 1 || gap.Reasons[0] != "gaps" {
		t.Fatalf("gap %+v", gap)
	}
	if !g.next().IsZero() || g.fire(at(9)) != nil {
		t.Fatal("told twice")
	}
}

func TestSeveralReasonsWithinTheDelayAreOneGapAndABreakWaitsAnew(t *testing.T) {
	g := tracker(1)
	g.begin(true, 0, at(0))
	g.note("gaps", at(0))
	g.note("subscription begun", at(1))
	g.note("gaps", at(1))
	g.begin(false, 0, at(1.5))
	if !g.next().IsZero() {
		t.Fatal("due while not receiving")
	}
	g.begin(true, 0, at(3))
	if gap := g.fire(at(5)); gap == nil || len(gap.Reasons) != 2 {
		t.Fatalf("gap %+v", gap)
	}
}

func TestASteadyFlowOfSubscribesDoesNotStarveAGap(t *testing.T) {
	g := tracker(0)
	g.note("gaps", at(0))
	g.begin(true, 1, at(1))
	g.answered(at(2)) // others were sent since, and are not waited for
	if g.fire(at(2)) == nil {
		t.Fatal("not told")
	}
}

func TestAPartialGapIsToldOnceForEachGrowthAndAWholeOneFollows(t *testing.T) {
	g := tracker(0)
	g.begin(false, 0, at(0))
	g.note("gaps", at(0))
	g.degraded = true
	g.grew(at(0))
	g.grew(at(3))
	if g.fire(at(7.9)) != nil {
		t.Fatal("told too soon")
	}
	if gap := g.fire(at(8)); gap == nil || !gap.Partial {
		t.Fatalf("gap %+v", gap)
	}
	if g.fire(at(20)) != nil {
		t.Fatal("a partial Gap without another growth")
	}
	g.begin(true, 0, at(21))
	if gap := g.fire(at(21)); gap == nil || gap.Partial {
		t.Fatalf("gap %+v", gap)
	}
}

func TestNoPartialGapOnceReceivingOrDown(t *testing.T) {
	for name, end := range map[string]func(*gapTracker){
		"receiving": func(g *gapTracker) { g.begin(true, 1, at(1)) },
		"down":      func(g *gapTracker) { g.degraded = false },
	} {
		g := tracker(0)
		g.note("gaps", at(0))
		g.degraded = true
		g.grew(at(0))
		end(g)
		if g.fire(at(10)) != nil {
			t.Errorf("%s: told", name)
		}
	}
}

func TestWhatGrewWhileAllWasAwayIsAPartialGapOnceAPartIsBack(t *testing.T) {
	relay := &scripted{features: allFeatures}
	c := relay.client(t, WithTimes(Times{PartialGap: time.Millisecond, GapDelay: 1}))
	s, err := c.Listen(soon(t), "room")
	if err != nil {
		t.Fatal(err)
	}
	sayStatus(relay.newest(), wire.Status{State: 3, Gaps: 1})
	sayStatus(relay.newest(), wire.Status{State: 2, Gaps: 1})
	if gap := nextOf[*Gap](t, s); !gap.Partial {
		t.Errorf("gap %+v", gap)
	}
}
