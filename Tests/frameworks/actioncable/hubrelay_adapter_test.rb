# frozen_string_literal: true

require "test_helper"
require "redis"
require "subscription_adapter/common"
require "subscription_adapter/channel_prefix"

# Rails's own tests of subscription adapters, with this one. Rails's folder actioncable/test is on the load path, RELAY
# is the socket of a relay, REDIS that of its Redis.
class HubrelayAdapterTest < ActionCable::TestCase
  include CommonSubscriptionAdapterTest
  include ChannelPrefixTest

  def cable_config
    { adapter: "hubrelay", socket: ENV.fetch("RELAY") }
  end

  # As test_reconnections of the Redis adapter from Rails 7.0.5 on. Before, it did not reconnect.
  def test_reconnections
    subscribe_as_queue("channel") do |queue|
      subscribe_as_queue("other channel") do |other_queue|
        broadcast_and_expect("channel" => queue)
        drop_pubsub_connections
        broadcast_and_expect("channel" => queue)
        drop_pubsub_connections
        broadcast_and_expect("channel" => queue, "other channel" => other_queue)
      end
    end
  end

  private

  def broadcast_and_expect(queues)
    queues.each do |channel, queue|
      @tx_adapter.broadcast(channel, "hello on #{channel}")
      assert_equal "hello on #{channel}", queue.pop
    end
  end

  # The relay's client for subscriptions has another id when it is back, and all channels are subscribed to again.
  def drop_pubsub_connections
    redis = Redis.new(path: ENV.fetch("REDIS"))
    assert_operator redis.client("kill", "type", "pubsub"), :>, 0
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 30
    until up?(redis)
      flunk "the relay does not come back" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      Thread.pass
    end
  ensure
    redis&.close
  end

  def up?(redis)
    counts = redis.pubsub("numsub", "channel", "other channel")
    counts.each_slice(2).all? { |_, count| count.positive? } && @tx_adapter.client.status.publishing?
  end
end
