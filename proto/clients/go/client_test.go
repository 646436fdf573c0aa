package hubrelay_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hubrelay"
	"hubrelay/hubrelaytest"
)

func TestPublishReachesWhoListensToTheChannelOrToAPattern(t *testing.T) {
	relay := hubrelaytest.New(t)
	alice, bob := relay.Client("alice"), relay.Client("bob")
	room := listen(t, alice, "room.7")
	all, err := bob.ListenPattern(waiting(t), "room.*")
	if err != nil {
		t.Fatal(err)
	}
	if receivers := publish(t, alice, "room.7", "hello"); receivers != 2 {
		t.Errorf("%d receivers, want 2", receivers)
	}
	if got := message(t, room); got != "hello" {
		t.Errorf("message %q", got)
	}
	m := next[*hubrelay.Message](t, all)
	if m.Channel != "room.7" || m.Pattern != "room.*" || string(m.Payload) != "hello" {
		t.Errorf("message %+v", m)
	}
}

func TestSubscriptionsOfOneChannelAreOneForTheRelay(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker")
	first, second := listen(t, c, "room"), listen(t, c, "room", "other")
	if receivers := publish(t, c, "room", "1"); receivers != 1 {
		t.Errorf("the relay sees %d subscriptions, want 1", receivers)
	}
	if a, b := message(t, first), message(t, second); a != "1" || b != "1" {
		t.Errorf("messages %q and %q", a, b)
	}
	first.Close()
	if _, err := first.Next(waiting(t)); !errors.Is(err, hubrelay.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	publish(t, c, "room", "2")
	if got := message(t, second); got != "2" {
		t.Errorf("message %q", got)
	}
	second.Close()
	if receivers := publish(t, c, "room", "3"); receivers != 0 {
		t.Errorf("%d subscriptions are left at the relay", receivers)
	}
}

func TestPlainSubscribeGivesMessagesAmongEvents(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker")
	names := hubrelay.Names{Channels: []string{"room"}, Patterns: []string{"user.*"}}
	if pending, err := c.Subscribe(waiting(t), names); pending || err != nil {
		t.Fatal(pending, err)
	}
	publish(t, c, "user.1", "hi")
	if m := next[*hubrelay.Message](t, c.Events()); m.Channel != "user.1" || m.Pattern != "user.*" {
		t.Errorf("message %+v", m)
	}
	if err := c.Unsubscribe(waiting(t), names); err != nil {
		t.Fatal(err)
	}
	if receivers := publish(t, c, "room", "2"); receivers != 0 {
		t.Errorf("%d subscriptions are left", receivers)
	}
}

func TestALostConnectionIsHealedAndToldAsOneGap(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker")
	s := listen(t, c, "room")
	relay.Cut()
	gap := next[*hubrelay.Gap](t, s)
	if gap.Partial || len(gap.Reasons) != 1 || gap.Reasons[0] != "new connection" {
		t.Errorf("gap %+v", gap)
	}
	up(t, c)
	publish(t, c, "room", "after")
	if got := message(t, s); got != "after" {
		t.Errorf("message %q", got)
	}
}

func TestWithoutARelayPublishFailsAtOnceAndListenIsPending(t *testing.T) {
	relay := hubrelaytest.New(t)
	relay.Leave()
	c := relay.Client("worker")
	if _, err := c.Publish(waiting(t), "room", nil); !errors.Is(err, hubrelay.ErrNotConnected) {
		t.Errorf("publish: %v", err)
	}
	if err := c.Send("room", nil); !errors.Is(err, hubrelay.ErrNotConnected) {
		t.Errorf("send: %v", err)
	}
	s := listen(t, c, "room")
	if !s.Pending() {
		t.Error("not pending")
	}
	relay.Return()
	next[*hubrelay.Gap](t, s) // it is in force now
	publish(t, c, "room", "hello")
	if got := message(t, s); got != "hello" {
		t.Errorf("message %q", got)
	}
	if stats := c.Stats(); stats.NotConnected != 2 || stats.Connections != 1 || stats.Published != 1 {
		t.Errorf("stats %+v", stats)
	}
}

func TestAnOutageOfRedisIsToldAndEndsWithAGap(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker")
	s := listen(t, c, "room")
	relay.Down()
	for status := next[*hubrelay.Status](t, c.Events()); status.State != hubrelay.StateDown; {
		status = next[*hubrelay.Status](t, c.Events())
	}
	if _, err := c.Publish(waiting(t), "room", nil); !errors.Is(err, hubrelay.ErrNotConnected) {
		t.Errorf("publish: %v", err)
	}
	late := listen(t, c, "late")
	if !late.Pending() {
		t.Error("not pending while nothing is received")
	}
	relay.Up()
	next[*hubrelay.Gap](t, s)
	next[*hubrelay.Gap](t, late)
}

func TestRefusedNamesAreToldByNameAndCostNobodyElseAnything(t *testing.T) {
	relay := hubrelaytest.New(t)
	relay.Refuse("secret")
	c := relay.Client("worker")
	good := listen(t, c, "good")
	_, err := c.Listen(waiting(t), "good", "secret")
	var details *hubrelay.Error
	if !errors.Is(err, hubrelay.ErrRefused) || !errors.As(err, &details) || details.Channels[0] != "secret" {
		t.Fatalf("error %#v", err)
	}
	doomed := listen(t, c, "good", "doomed")
	relay.Refuse("doomed")
	if revoked := next[*hubrelay.Revoked](t, doomed); revoked.Channels[0] != "doomed" {
		t.Errorf("revoked %+v", revoked)
	}
	if _, err := doomed.Next(waiting(t)); !errors.Is(err, hubrelay.ErrClosed) {
		t.Errorf("after Revoked: %v", err)
	}
	if revoked := next[*hubrelay.Revoked](t, c.Events()); len(revoked.Channels) != 1 || revoked.Channels[0] != "doomed" {
		t.Errorf("revoked in events: %+v", revoked)
	}
	publish(t, c, "good", "still here")
	if got := message(t, good); got != "still here" {
		t.Errorf("message %q", got)
	}
}

func TestALossOfMessagesIsAGapAtOnce(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker", hubrelay.WithTimes(hubrelay.Times{GapDelay: time.Hour}))
	s := listen(t, c, "room")
	relay.Lose(7)
	if loss := next[*hubrelay.Loss](t, s); loss.Messages != 7 || loss.Local {
		t.Errorf("loss %+v", loss)
	}
	next[*hubrelay.Gap](t, s)
}

func TestASlowSubscriptionLosesItsOwnMessagesAndNobodyElses(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker", hubrelay.WithLimits(hubrelay.Limits{Queue: 4096}))
	slow, fast := listen(t, c, "room"), listen(t, c, "room")
	for i := 0; i < 100; i++ {
		publish(t, c, "room", fmt.Sprint(i, strings.Repeat(".", 200)))
		if got := message(t, fast); !strings.HasPrefix(got, fmt.Sprint(i, ".")) {
			t.Fatalf("message %q, want %d", got, i)
		}
	}
	received := uint64(0)
	for received < 100 {
		event, err := slow.Next(waiting(t))
		if err != nil {
			t.Fatal(err)
		}
		switch e := event.(type) {
		case *hubrelay.Message:
			received++
		case *hubrelay.Loss:
			if !e.Local || e.Messages < 50 {
				t.Errorf("loss %+v", e)
			}
			received += e.Messages
		}
	}
	if c.Stats().LostMessages == 0 {
		t.Errorf("stats %+v", c.Stats())
	}
}

func TestGivingUpSaysThatTheDeliveryIsUnknownAndFreesThePlace(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker", hubrelay.WithLimits(hubrelay.Limits{InFlight: 1}))
	relay.Stall()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		published(t, relay, 1)
		cancel()
	}()
	_, err := c.Publish(ctx, "room", []byte("1"))
	if !errors.Is(err, hubrelay.ErrInterrupted) || !errors.Is(err, context.Canceled) {
		t.Fatalf("given up: %v", err)
	}
	if _, err := c.TryPublish(waiting(t), "room", []byte("2")); !errors.Is(err, hubrelay.ErrCongested) {
		t.Errorf("beyond the bound: %v", err)
	}
	short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := c.Publish(short, "room", []byte("3")); !errors.Is(err, hubrelay.ErrCongested) {
		t.Errorf("waiting for room: %v", err)
	}
	relay.Resume()
	publish(t, c, "room", "4")
	if got := relay.Published(); len(got) != 2 || string(got[1].Payload) != "4" {
		t.Errorf("published %q", got)
	}
}

func TestCloseWaitsForWhatIsOwedAndEndsEverything(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker", hubrelay.WithTimes(hubrelay.Times{Drain: patience}))
	s := listen(t, c, "room")
	relay.Stall()
	result := make(chan error)
	go func() {
		_, err := c.Publish(context.Background(), "elsewhere", []byte("owed"))
		result <- err
	}()
	published(t, relay, 1)
	closed := make(chan error)
	go func() { closed <- c.Close(context.Background()) }()
	for c.Ready(waiting(t)) == nil { // until Close has begun
	}
	relay.Resume()
	if err := <-result; err != nil {
		t.Errorf("the publish that was owed: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := s.Next(waiting(t)); !errors.Is(err, hubrelay.ErrClosed) {
		t.Errorf("the Subscription: %v", err)
	}
	if _, err := c.Publish(waiting(t), "room", nil); !errors.Is(err, hubrelay.ErrClosed) {
		t.Errorf("publish: %v", err)
	}
	if _, err := c.Listen(waiting(t), "room"); !errors.Is(err, hubrelay.ErrClosed) {
		t.Errorf("listen: %v", err)
	}
}

func TestWhatIsWrongIsFoundBeforeItIsSent(t *testing.T) {
	relay := hubrelaytest.New(t)
	c := relay.Client("worker")
	for _, name := range []string{"", strings.Repeat("n", 513), "\xff"} {
		if _, err := c.Publish(waiting(t), name, nil); !errors.Is(err, hubrelay.ErrInvalid) {
			t.Errorf("publish to %.20q: %v", name, err)
		}
		if _, err := c.Listen(waiting(t), name); !errors.Is(err, hubrelay.ErrInvalid) {
			t.Errorf("listen to %.20q: %v", name, err)
		}
	}
	if _, err := c.Publish(waiting(t), "room", make([]byte, 1<<20+1)); !errors.Is(err, hubrelay.ErrInvalid) {
		t.Errorf("a large payload: %v", err)
	}
	publish(t, c, "room", strings.Repeat(".", 1<<20))
	if stats := c.Stats(); stats.Connections != 1 || stats.Invalid != 4 {
		t.Errorf("stats %+v", stats)
	}
	for _, wrong := range [][2]string{{"/tmp/x", strings.Repeat("n", 65)}, {"/tmp/x", "\xff"}, {"", "x"},
		{strings.Repeat("p", 108), "x"}} {
		if _, err := hubrelay.New(wrong[0], wrong[1]); !errors.Is(err, hubrelay.ErrInvalid) {
			t.Errorf("New(%.20q, %.20q): %v", wrong[0], wrong[1], err)
		}
	}
}

func TestReadySaysWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nobody.sock")
	c, err := hubrelay.New(path, "worker")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if status := next[*hubrelay.Status](t, c.Events()); status.Connected || status.Cause != hubrelay.CauseNoRelay {
		t.Errorf("status %+v", status)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err = c.Ready(ctx)
	if !errors.Is(err, hubrelay.ErrNotConnected) || !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), syscall.ENOENT.Error()) {
		t.Errorf("ready: %v", err)
	}
}

func TestHooksAreCalledAroundPublishesAndDeliveries(t *testing.T) {
	var mu sync.Mutex
	var calls []string
	call := func(text string) {
		mu.Lock()
		calls = append(calls, text)
		mu.Unlock()
	}
	type key struct{}
	relay := hubrelaytest.New(t)
	c := relay.Client("worker", hubrelay.WithHooks(hubrelay.Hooks{
		BeforePublish: func(ctx context.Context, channel string, payload []byte) context.Context {
			call("before " + channel)
			return context.WithValue(ctx, key{}, "span")
		},
		AfterPublish: func(ctx context.Context, channel string, receivers uint64, err error) {
			call(fmt.Sprint("after ", channel, " ", ctx.Value(key{}), " ", receivers, " ", err))
		},
		BeforeDelivery: func(m *hubrelay.Message) { call("deliver " + string(m.Payload)) },
		AfterDelivery:  func(m *hubrelay.Message) { call("delivered " + string(m.Payload)) },
	}))
	s := listen(t, c, "room")
	publish(t, c, "room", "1")
	if err := c.Send("room", []byte("2")); err != nil {
		t.Fatal(err)
	}
	message(t, s)
	message(t, s)
	s.Close()
	want := "before room, after room span 1 <nil>, before room, after room span 0 <nil>, " +
		"deliver 1, delivered 1, deliver 2, delivered 2"
	if got := strings.Join(calls, ", "); got != want {
		t.Errorf("calls %s\nwant  %s", got, want)
	}
}

// silent is a relay that accepts and says nothing.
func silent(context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		buffer := make([]byte, 100)
		for {
			if _, err := server.Read(buffer); err != nil {
				return
			}
		}
	}()
	return client, nil
}

func TestARelayThatSaysNothingIsGivenUpAndCloseDoesNotWait(t *testing.T) {
	c, err := hubrelay.New("silent", "worker", hubrelay.WithDialer(silent),
		hubrelay.WithTimes(hubrelay.Times{Handshake: 10 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	if status := next[*hubrelay.Status](t, c.Events()); !strings.Contains(status.Reason, "no Welcome") {
		t.Errorf("status %+v", status)
	}
	if err := c.Close(waiting(t)); err != nil {
		t.Error(err)
	}
}
