# frozen_string_literal: true

module Hubrelay
  # What an application is told. All events are frozen Structs, so +case+ and pattern matching work on them, and all who
  # listen may share them.
  #
  # +channel+ is UTF-8, +payload+ are the bytes that were published (encoding BINARY), +pattern+ is the pattern that
  # matched, or nil. For text: <tt>payload.dup.force_encoding(Encoding::UTF_8)</tt>.
  Message = Struct.new(:channel, :payload, :pattern)

  # A Struct whose members have defaults, and whose instances are frozen.
  module Defaults
    # @api private
    def self.struct(**defaults)
      Struct.new(*defaults.keys, keyword_init: true) do
        define_method(:initialize) do |**values|
          super(**defaults, **values)
          freeze
        end

        # A copy with other values.
        def with(**values)
          self.class.new(**to_h, **values)
        end
      end
    end
  end
  private_constant :Defaults

  # The state of the whole path, through Redis and back.
  #
  # - +state+: +:up+, +:degraded+, +:down+, +:stopping+. One that this gem does not know is an Integer, and not up.
  # - +reason+: for people.
  # - +since_unix_ms+: since when, in milliseconds since 1970.
  # - +outages+: departures from up since the relay started. +down_ms+: on the way to up, for how long it was not.
  # - +publishing+: what is published now reaches Redis. +receiving+: all that is subscribed to is heard.
  # - +gaps+: breaks in receiving since the relay started.
  # - +cause+: why it is not up: +:closed+, +:timeout+, +:unreachable+, ...; an Integer if this gem does not know it.
  # - +connected+: false while there is no connection to a relay; +cause+ is +:no_relay+ then.
  class Status < Defaults.struct(state: :unspecified, reason: "", since_unix_ms: 0, outages: 0, down_ms: 0,
                                 publishing: false, receiving: false, gaps: 0, cause: :unspecified, connected: true)
    alias publishing? publishing
    alias receiving? receiving
    alias connected? connected

    def up?
      state == :up
    end
  end

  # What was lost, exactly, at this place in the order of events.
  #
  # - +publishes+: posts that were certainly not delivered. +publishes_unknown+: posts that may have been.
  # - +messages+: messages for this client that were dropped.
  # - +reason+: for people. +cause+: a Symbol, or an Integer if this gem does not know it.
  # - +local+: true if this client has counted it, false if the relay has.
  class Loss < Defaults.struct(publishes: 0, messages: 0, reason: "", publishes_unknown: 0, cause: :unspecified,
                               local: false)
    alias local? local
  end

  # Subscriptions that Redis has refused, or that the relay has no room for: +channels+ and +patterns+ are Arrays of
  # Strings, +detail+ is for people. They are not asked for again.
  class Revoked < Defaults.struct(channels: [].freeze, patterns: [].freeze, detail: "")
  end

  # Messages may have been missed before this event: read again what must not be missed. The client's own event.
  #
  # - +reasons+: for people, an Array of Strings.
  # - +partial+: a part of the channels has been away for some time. Another Gap comes when all are heard again.
  class Gap < Defaults.struct(reasons: [].freeze, partial: false)
    alias partial? partial
  end
end
