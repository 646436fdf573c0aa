// Package hubrelay is the client of hubrelay, a Redis pub/sub backplane that runs as a small process beside each app
// server.
//
// A Client is one connection to the relay that heals itself. Listen begins a Subscription, a bounded queue of messages
// of its own: what one socket of a hub server reads from. Publish waits for Redis's answer, Send does not ask for one.
//
//	client, err := hubrelay.New("/run/hubrelay/hubrelay.sock", "worker-1")
//	...
//	room, err := client.Listen(ctx, "room.7")
//	...
//	receivers, err := client.Publish(ctx, "room.7", []byte("hello"))
//
// # What can be missed, and how that is told
//
// Redis pub/sub keeps nothing. When messages may have been missed, a Subscription yields a Gap (the relay or Redis was
// away) or a Loss (somebody did not read fast enough): then read again, from where it is stored, what must not be
// missed. A Gap comes when messages arrive again, after a random delay that spreads the reading of all workers. A
// graceful restart of the relay is none: the client moves to the next one without missing a message.
//
// # Errors
//
// Each outcome has its own error, for errors.Is: ErrNotConnected (certainly not delivered), ErrInterrupted (unknown),
// ErrRefused, ErrInvalid, ErrCongested (nothing was sent), ErrLimit, ErrClosed and ErrUnknown. Nothing is kept for later,
// and nothing is ever sent twice.
//
// # Bounds
//
// Everything is bounded, in bytes: see Limits. A reader that is slow loses messages of its own, is told how many, and
// holds up nobody else.
//
// # Goroutines
//
// All types are safe for use by many goroutines. A client has three goroutines of its own: one connects,
// one keeps deadlines, one reads. There is one more for a logger, one while a relay does not read as fast as is written, and
// one for each further relay during a move. Who publishes writes by itself, and what is published while a write is under
// way goes with the next one.
package hubrelay
