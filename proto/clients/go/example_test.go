package hubrelay_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"

	"hubrelay"
	"hubrelay/hubrelaytest"
)

// A hub server: one Subscription for each of its sockets, and what to do when messages may have been missed.
func ExampleClient_Listen() {
	ctx := context.Background()
	client, err := hubrelay.New("/run/hubrelay/hubrelay.sock", "worker-1")
	if err != nil {
		log.Fatal(err)
	}
	serve := func(send func([]byte), resync func()) error {
		room, err := client.Listen(ctx, "room.7")
		if err != nil {
			return err
		}
		defer room.Close()
		for {
			event, err := room.Next(ctx)
			if err != nil {
				return err
			}
			switch event := event.(type) {
			case *hubrelay.Message:
				send(event.Payload)
			case *hubrelay.Gap, *hubrelay.Loss:
				resync()
			case *hubrelay.Revoked:
				return errors.New(event.Detail)
			}
		}
	}
	_ = serve
}

// What became of a publish.
func ExampleClient_Publish() {
	client, err := hubrelay.New("/run/hubrelay/hubrelay.sock", "worker-1")
	if err != nil {
		log.Fatal(err)
	}
	switch _, err := client.Publish(context.Background(), "room.7", []byte("hello")); {
	case err == nil: // Redis took it
	case errors.Is(err, hubrelay.ErrInterrupted): // delivered or not: nobody knows
	case errors.Is(err, hubrelay.ErrNotConnected), errors.Is(err, hubrelay.ErrCongested): // certainly not delivered
	default: // refused or wrong: not delivered, and of no use again
	}
}

// The in-memory relay makes happen in a test what happens in production.
func Example_test() {
	_ = func(t *testing.T) {
		relay := hubrelaytest.New(t)
		client := relay.Client("worker-1")
		room, err := client.Listen(context.Background(), "room.7")
		if err != nil {
			t.Fatal(err)
		}
		relay.Publish("room.7", []byte("from another host"))
		relay.Cut() // the relay was killed: a Gap follows the message
		for i := 0; i < 2; i++ {
			event, err := room.Next(context.Background())
			fmt.Printf("%T %v\n", event, err)
		}
	}
}
