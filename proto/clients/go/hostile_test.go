package hubrelay

import (
	"context"
	"fmt"
	"math/rand"
	"net"
	"sync"
	"testing"
	"time"

	"hubrelay/internal/wire"
)

// hostile answers with well-formed frames that no relay would write: Replies out of order, twice, with any outcome, in
// among Statuses, Losses and Revoked of anything.
func hostile(random *rand.Rand, socket net.Conn) {
	defer socket.Close()
	write := func(frame wire.Frame) { _, _ = socket.Write(wire.AppendRelay(nil, &frame)) }
	name := func() string { return fmt.Sprint("room.", random.Intn(3)) }
	status := func() wire.Status {
		return wire.Status{State: int32(random.Intn(6)), Publishing: random.Intn(2) == 0, Receiving: random.Intn(2) == 0,
			Gaps: uint64(random.Intn(3))}
	}
	welcome := wire.Welcome{Version: 1, RelayID: fmt.Sprint(random.Intn(3)), MaxFrameBytes: 5000, MaxPayloadBytes: 900,
		Status: status(), Features: []string{"patterns", "settled", "fence"}[:random.Intn(4)]}
	write(wire.Frame{Kind: wire.KindWelcome, Welcome: welcome})
	var ids []uint64
	var channels []string
	buffer := make([]byte, 0, 1<<16)
	for step := 0; step < 400; step++ {
		n, err := socket.Read(buffer[len(buffer):cap(buffer)])
		if err != nil {
			return
		}
		buffer = buffer[:len(buffer)+n]
		rest := buffer
		for {
			var body []byte
			if body, rest, err = wire.Split(rest, 1<<20); body == nil || err != nil {
				break
			}
			frame, _ := wire.DecodeClient(body)
			ids = append(ids, frame.ID)
			channels = append(append(channels, frame.Channels...), frame.Channel)
		}
		buffer = buffer[:copy(buffer, rest)]
		for n := random.Intn(8); n > 0 && len(ids) > 0; n-- {
			channel := channels[random.Intn(len(channels))] // also a fence's, before its time
			switch random.Intn(12) {
			case 0:
				write(wire.Frame{Kind: wire.KindStatus, Status: status()})
			case 1:
				write(wire.Frame{Kind: wire.KindLoss, Loss: wire.Loss{Publishes: 1 << 60, Messages: 1 << 60}})
			case 2:
				write(wire.Frame{Kind: wire.KindRevoked, Revoked: wire.Revoked{Channels: []string{name(), channel}}})
			case 3:
				write(wire.Frame{Kind: wire.KindWelcome, Welcome: welcome})
			case 4, 5:
				write(wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Channel: []byte(channel),
					Payload: make([]byte, 100)}})
			default:
				write(wire.Frame{Kind: wire.KindReply, Reply: wire.Reply{ID: ids[random.Intn(len(ids))],
					Outcome: int32(random.Intn(9)), Channels: []string{name()}}})
			}
		}
	}
}

func TestWhateverARelayAnswersTheClientLivesAndCloses(t *testing.T) {
	for seed := int64(0); seed < 20; seed++ {
		dial := func(context.Context) (net.Conn, error) {
			client, server := net.Pipe()
			go hostile(rand.New(rand.NewSource(seed)), server)
			return client, nil
		}
		c, err := New("hostile", "worker", WithDialer(dial), WithLimits(Limits{Queue: 4096, InFlight: 10}),
			WithTimes(Times{GapDelay: 1, BackoffMin: 1, BackoffMax: time.Millisecond, Drain: time.Millisecond,
				Successor: time.Millisecond, Settle: time.Millisecond, PartialGap: time.Millisecond}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		var running sync.WaitGroup
		for worker := 0; worker < 4; worker++ {
			running.Add(1)
			go func(random *rand.Rand) {
				defer running.Done()
				for ctx.Err() == nil {
					name := fmt.Sprint("room.", random.Intn(3))
					switch random.Intn(5) {
					case 0:
						_, _ = c.Publish(ctx, name, nil)
					case 1:
						_ = c.Send(name, nil)
					case 2:
						_, _ = c.Subscribe(ctx, Names{Channels: []string{name, "room.0"}})
					case 3:
						_ = c.Unsubscribe(ctx, Names{Channels: []string{name}})
					case 4:
						if s, err := c.Listen(ctx, name, "room.1"); err == nil {
							_, _ = s.Next(ctx)
							s.Close()
						}
					}
				}
			}(rand.New(rand.NewSource(seed*10 + int64(worker))))
		}
		running.Wait()
		cancel()
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if len(c.subs) > 0 || c.conn.owes() {
			t.Errorf("seed %d: something is left after Close", seed)
		}
	}
}

func TestALengthThatIsNotAllowedEndsTheConnectionByItselfAlone(t *testing.T) {
	ended := make(chan struct{}, 100)
	dial := func(context.Context) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			buffer := make([]byte, 100)
			_, _ = server.Read(buffer)
			welcome := wire.Frame{Kind: wire.KindWelcome, Welcome: wire.Welcome{Version: 1, MaxFrameBytes: 5000}}
			_, _ = server.Write(wire.AppendRelay(nil, &welcome))
			_, _ = server.Write([]byte{0xff, 0xff, 0xff, 0xff})
			_, _ = server.Read(buffer) // the end
			select {
			case ended <- struct{}{}:
			default:
			}
		}()
		return client, nil
	}
	c, err := New("long", "worker", WithDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 2; i++ { // and the client comes again
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			t.Fatal("the connection goes on")
		}
	}
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
