// Package hubrelay is the client of hubrelay, a Redis pub/sub backplane that runs as a small process beside each app
// server.
//
// A Client is one connection to the relay, which reconnects by itself. Listen begins a Subscription: a bounded queue of
// messages for one reader, for example for one socket of a hub server. Publish waits for Redis's answer, Send does not
// ask for one.
//
//	client, err := hubrelay.New("/run/hubrelay/hubrelay.sock", "worker-1")
//	...
//	room, err := client.Listen(ctx, "room.7")
//	...
//	receivers, err := client.Publish(ctx, "room.7", []byte("hello"))
//
// # What can be missed, and how that is reported
//
// Redis pub/sub keeps nothing. When messages may have been missed, a Subscription yields a Gap (the relay or Redis was
// away) or a Loss (somebody did not read fast enough). Then read again, from where it is stored, everything that must
// not be missed. A Gap comes when messages arrive again, after a random delay, so that not all workers read at once. A
// graceful restart of the relay causes no Gap: the client moves to the next relay without missing a message.
//
// # Errors
//
// Each outcome has its own error, for errors.Is: ErrNotConnected (certainly not delivered), ErrInterrupted (unknown
// whether delivered), ErrRefused, ErrInvalid, ErrCongested (nothing was sent), ErrLimit, ErrClosed and ErrUnknown.
// Nothing is kept for later, and nothing is ever sent twice.
//
// # Bounds
//
// Everything is bounded, in bytes: see Limits. A slow reader loses only its own messages, gets their number in a Loss,
// and delays nobody else.
//
// # Goroutines
//
// All types are safe for use by many goroutines. A client has three goroutines of its own: one connects, one keeps
// deadlines, one reads. There is one more for a logger, one while the relay reads more slowly than the client writes,
// and one for each further relay during a move. The goroutine that publishes also writes. What is published during a
// write goes with the next write.
package hubrelay
