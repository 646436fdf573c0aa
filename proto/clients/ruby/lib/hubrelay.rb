# frozen_string_literal: true

# The backplane of real-time servers, from Ruby.
#
#   client = Hubrelay::Client.new(name: "worker-1")
#   client.listen("room.7") { |room| room.each { |event| p event } }
#   client.publish("room.7", "hello")
module Hubrelay
end

require_relative "hubrelay/version"
require_relative "hubrelay/errors"
require_relative "hubrelay/events"
require_relative "hubrelay/client"
