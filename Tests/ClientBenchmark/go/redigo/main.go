// The benchmark of redigo.
package main

import (
	"fmt"
	"measure"
	"strings"

	"github.com/gomodule/redigo/redis"
)

var library = "redigo " + measure.Version("github.com/gomodule/redigo")

func dial() (redis.Conn, error) {
	if strings.HasPrefix(measure.Address, "unix://") {
		return redis.Dial("unix", strings.TrimPrefix(measure.Address, "unix://"))
	}
	return redis.DialURL(measure.Address)
}

func main() {
	if measure.Workload == "delivery" {
		deliver()
		return
	}
	pool := redis.Pool{Dial: dial, MaxIdle: measure.UnderWay()}
	measure.Publish(library, func() (int64, error) {
		connection := pool.Get()
		receivers, err := redis.Int64(connection.Do("PUBLISH", measure.Channel, measure.Payload))
		connection.Close()
		return receivers, err
	})
}

func deliver() {
	connection, err := dial()
	measure.Check(err)
	subscription := redis.PubSubConn{Conn: connection}
	measure.Check(subscription.Subscribe(measure.Channel))
	var delivery *measure.Delivery
	for {
		switch event := subscription.Receive().(type) {
		case redis.Subscription:
			delivery = measure.StartDelivery(library)
		case redis.Message:
			if delivery.Take(event.Data) {
				return
			}
		default:
			measure.Check(fmt.Errorf("instead of a message: %v", event))
		}
	}
}
