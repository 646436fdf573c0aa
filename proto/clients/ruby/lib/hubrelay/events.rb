# frozen_string_literal: true

module Hubrelay
  # A message: one of the events that an application receives. All events are frozen Structs, so +case+ and pattern
  # matching work on them, and several listeners may share one event.
  #
  # +channel+ is UTF-8, +payload+ are the bytes that were published (encoding BINARY), +pattern+ is the pattern that
  # matched, or nil. To get text: <tt>payload.dup.force_encoding(Encoding::UTF_8)</tt>.
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

        # A copy in which these values are replaced.
        def with(**values)
          self.class.new(**to_h, **values)
        end
      end
    end
  end
  private_constant :Defaults

  # The state of the whole path, through Redis and back.
  #
  # - +state+: +:up+, +:degraded+, +:down+, +:stopping+. A state that this gem does not know is an Integer, and does not
  #   count as up.
  # - +reason+: a text for people.
  # - +since_unix_ms+: when the present state began, in milliseconds since 1970.
  # - +outages+: how many times the state has left up since the relay started. +down_ms+: in the Status that says up
  #   again, for how many milliseconds the state was not up.
  # - +publishing+: what is published now reaches Redis. +receiving+: messages of all subscriptions arrive.
  # - +gaps+: interruptions of receiving since the relay started.
  # - +cause+: why the state is not up: +:closed+, +:timeout+, +:unreachable+, ...; an Integer if this gem does not know
  #   it.
  # - +connected+: false while there is no connection to a relay; then +cause+ is +:no_relay+.
  class Status < Defaults.struct(state: :unspecified, reason: "", since_unix_ms: 0, outages: 0, down_ms: 0,
                                 publishing: false, receiving: false, gaps: 0, cause: :unspecified, connected: true)
    alias publishing? publishing
    alias receiving? receiving
    alias connected? connected

    def up?
      state == :up
    end
  end

  # Exactly what was lost at this place in the order of events.
  #
  # - +publishes+: posts that were certainly not delivered. +publishes_unknown+: posts that may have been delivered.
  # - +messages+: messages for this client that were dropped.
  # - +reason+: a text for people. +cause+: a Symbol, or an Integer if this gem does not know it.
  # - +local+: true if this client has counted the loss, false if the relay has.
  class Loss < Defaults.struct(publishes: 0, messages: 0, reason: "", publishes_unknown: 0, cause: :unspecified,
                               local: false)
    alias local? local
  end

  # Subscriptions that have ended because Redis has refused them, or because the relay has no room for them. +channels+
  # and +patterns+ are Arrays of Strings, +detail+ is a text for people. The client does not ask for them again.
  class Revoked < Defaults.struct(channels: [].freeze, patterns: [].freeze, detail: "")
  end

  # Messages may have been missed before this event: the application should read again what it must not miss. The client
  # itself makes this event.
  #
  # - +reasons+: an Array of Strings for people.
  # - +partial+: no messages have come on a part of the channels for some time. Another Gap follows when all channels
  #   work again.
  class Gap < Defaults.struct(reasons: [].freeze, partial: false)
    alias partial? partial
  end
end
