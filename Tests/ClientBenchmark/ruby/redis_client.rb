# frozen_string_literal: true

# redis-rb, by its parser in Ruby, or by hiredis where the environment has REDIS_DRIVER=hiredis.
require "redis"
require_relative "measure"

DRIVER = ENV.fetch("REDIS_DRIVER", "ruby").to_sym
require "hiredis" if DRIVER == :hiredis
LIBRARY = "redis-rb #{Redis::VERSION}#{", hiredis #{Hiredis::VERSION}" if DRIVER == :hiredis}"

# A connection for each caller, as a pool would have.
def connection
  address = Measure::ADDRESS
  where = address.start_with?("unix://") ? { path: address.delete_prefix("unix://") } : { url: address }
  Redis.new(**where, driver: DRIVER)
end

def caller_of(redis)
  -> { Measure.check_receivers(redis.publish(Measure::CHANNEL, Measure::PAYLOAD)) }
end

def publish_by_pipelines(redis, count)
  (count / Measure::UNDER_WAY).times do
    answers = redis.pipelined do |pipeline|
      Measure::UNDER_WAY.times { pipeline.publish(Measure::CHANNEL, Measure::PAYLOAD) }
    end
    answers.each { |receivers| Measure.check_receivers(receivers) }
  end
end

def pipelines
  redis = connection
  publish_by_pipelines(redis, Measure::WARMUP)
  clock = Measure::Clock.new
  publish_by_pipelines(redis, Measure::COUNT)
  clock.report(LIBRARY)
end

def deliver
  redis = connection
  delivery = nil
  redis.subscribe(Measure::CHANNEL) do |on|
    on.subscribe { delivery = Measure::Delivery.new }
    on.message { |_, payload| redis.unsubscribe if delivery.take(payload, LIBRARY) }
  end
end

if Measure::WORKLOAD == "delivery"
  deliver
elsif Measure::PIPELINED
  pipelines
else
  Measure.publish(Array.new(Measure::UNDER_WAY) { caller_of(connection) }, LIBRARY)
end
