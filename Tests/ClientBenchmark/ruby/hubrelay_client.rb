# frozen_string_literal: true

# hubrelay's client.
require "hubrelay"
require_relative "measure"

LIBRARY = "hubrelay #{Hubrelay::VERSION}"

def deliver(client)
  client.listen(Measure::CHANNEL) do |subscription|
    delivery = Measure::Delivery.new
    subscription.each do |event|
      raise "instead of a message: #{event}" unless event.is_a?(Hubrelay::Message)
      return if delivery.take(event.payload, LIBRARY)
    end
  end
end

Hubrelay::Client.open(Measure::ADDRESS, name: "bench") do |client|
  client.ready(timeout: 10)
  if Measure::WORKLOAD == "delivery"
    deliver(client)
  else
    publish = -> { Measure.check_receivers(client.publish(Measure::CHANNEL, Measure::PAYLOAD)) }
    Measure.publish([publish] * Measure::UNDER_WAY, LIBRARY)
  end
end
