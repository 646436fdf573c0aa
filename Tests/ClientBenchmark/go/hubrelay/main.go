// The benchmark of hubrelay's Go client.
package main

import (
	"context"
	"fmt"
	"time"

	"hubrelay"
	"measure"
)

const library = "hubrelay"

func main() {
	client, err := hubrelay.New(measure.Address, "bench")
	measure.Check(err)
	ready, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	measure.Check(client.Ready(ready))
	cancel()
	ctx := context.Background()
	if measure.Workload == "delivery" {
		deliver(ctx, client)
	} else {
		measure.Publish(library, func() (int64, error) {
			receivers, err := client.Publish(ctx, measure.Channel, measure.Payload)
			return int64(receivers), err
		})
	}
}

func deliver(ctx context.Context, client *hubrelay.Client) {
	subscription, err := client.Listen(ctx, measure.Channel)
	measure.Check(err)
	delivery := measure.StartDelivery(library)
	for {
		event, err := subscription.Next(ctx)
		measure.Check(err)
		message, ok := event.(*hubrelay.Message)
		if !ok {
			measure.Check(fmt.Errorf("instead of a message: %#v", event))
		}
		if delivery.Take(message.Payload) {
			return
		}
	}
}
