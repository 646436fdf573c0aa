// The benchmark of go-redis.
package main

import (
	"context"
	"measure"

	"github.com/redis/go-redis/v9"
)

var library = "go-redis " + measure.Version("github.com/redis/go-redis/v9")

func main() {
	options, err := redis.ParseURL(measure.Address)
	measure.Check(err)
	options.PoolSize = measure.UnderWay()
	client := redis.NewClient(options)
	ctx := context.Background()
	if measure.Workload == "delivery" {
		deliver(ctx, client)
	} else if measure.Pipelined {
		measure.PublishPipelines(library, func() error { return publishPipeline(ctx, client) })
	} else {
		measure.Publish(library, func() (int64, error) {
			return client.Publish(ctx, measure.Channel, measure.Payload).Result()
		})
	}
}

func publishPipeline(ctx context.Context, client *redis.Client) error {
	pipeline := client.Pipeline()
	for i := 0; i < measure.UnderWay(); i++ {
		pipeline.Publish(ctx, measure.Channel, measure.Payload)
	}
	answers, err := pipeline.Exec(ctx)
	for _, answer := range answers {
		if err == nil {
			err = measure.CheckReceivers(answer.(*redis.IntCmd).Val())
		}
	}
	return err
}

func deliver(ctx context.Context, client *redis.Client) {
	subscription := client.Subscribe(ctx, measure.Channel)
	_, err := subscription.Receive(ctx)
	measure.Check(err)
	messages := subscription.Channel()
	delivery := measure.StartDelivery(library)
	for message := range messages {
		if delivery.Take([]byte(message.Payload[:8])) {
			return
		}
	}
}
