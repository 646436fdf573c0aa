# frozen_string_literal: true

module Hubrelay
  MIB = 1 << 20
  private_constant :MIB

  # The settings of a client, all of which are keywords of Client.new. Durations are in seconds, sizes in bytes. The
  # defaults are right for a worker behind a web server.
  #
  # - +events_bytes+: what one subscription, or +events+, keeps for the application
  # - +queued_bytes+: what all of them keep together
  # - +unsent_bytes+: what the relay has not read yet. +post+ is Congested above a sixteenth of it.
  # - +unanswered+: publishes without a Reply
  # - +gap_jitter+: a Gap comes up to this long after receiving again
  # - +partial_gap+: not receiving for this long on a part of the channels: a partial Gap
  # - +backoff_min+, +backoff_max+: first and last bound of the random delay between attempts to connect; it doubles
  # - +backoff_hopeless+: bound after an answer that will not change by itself: VERSION, NOT_ALLOWED
  # - +good_connection+: a connection of this age makes the backoff begin anew
  # - +handshake+: for a relay to say Welcome
  # - +first_use+: what is asked for before the first attempt to connect has ended waits for that so long
  # - +successor+: while a relay is stopping: for the next one to say Welcome; for its fence; for publishes
  # - +drain+: for owed Replies, when a relay is left and when the client is closed
  # - +settle+: after this long the relay is asked what became of posts
  # - +ping_owed+, +ping_idle+: nothing read for this long while something is owed, or at all: a Ping
  # - +ping_timeout+: no byte for this long after the Ping: the connection is given up
  Options = Struct.new(:events_bytes, :queued_bytes, :unsent_bytes, :unanswered, :gap_jitter, :partial_gap,
                       :backoff_min, :backoff_max, :backoff_hopeless, :good_connection, :handshake, :first_use,
                       :successor, :drain, :settle, :ping_owed, :ping_idle, :ping_timeout, keyword_init: true) do
    # @raise [ArgumentError] for an unknown option, or a value that is no number, or below 0
    def initialize(**values)
      super(**self.class::DEFAULTS, **values)
      each_pair do |name, value|
        raise ArgumentError, "#{name} must be a number, not #{value.inspect}" unless value.is_a?(Numeric)
        raise ArgumentError, "#{name} must not be below 0" unless value >= 0 # nor NaN
      end
      freeze
    end
  end

  # The defaults.
  Options::DEFAULTS = {
    events_bytes: 4 * MIB, queued_bytes: 64 * MIB, unsent_bytes: 16 * MIB, unanswered: 10_000,
    gap_jitter: 2.0, partial_gap: 5.0,
    backoff_min: 0.02, backoff_max: 0.5, backoff_hopeless: 30.0, good_connection: 5.0,
    handshake: 5.0, first_use: 1.0, successor: 0.25, drain: 8.0, settle: 1.0,
    ping_owed: 5.0, ping_idle: 15.0, ping_timeout: 5.0
  }.freeze
end
