# frozen_string_literal: true

module Hubrelay
  MIB = 1 << 20
  private_constant :MIB

  # The settings of a client. All of them are keywords of Client.new. Durations are in seconds, sizes in bytes. The
  # defaults are right for a worker behind a web server.
  #
  # - +events_bytes+: how much one subscription, or +events+, keeps until the application takes it
  # - +queued_bytes+: how much all of these queues keep together
  # - +unsent_bytes+: how much may wait until the relay reads it. +post+ raises CongestedError above a sixteenth of it.
  # - +unanswered+: how many publishes may wait for their Reply
  # - +gap_jitter+: a Gap comes after a random delay of at most this, once the client receives again
  # - +partial_gap+: a partial Gap comes when a part of the channels has not received for this long
  # - +backoff_min+, +backoff_max+: the first and the last upper bound of the random delay between attempts to connect;
  #   the bound doubles
  # - +backoff_hopeless+: the last bound after an answer that will not change by itself: VERSION, NOT_ALLOWED
  # - +good_connection+: after a connection that lasted this long, the backoff begins at +backoff_min+ again
  # - +handshake+: how long a relay may take to send its Welcome
  # - +first_use+: how long requests wait that are made before the first attempt to connect has ended
  # - +successor+: while a relay is stopping: how long the client waits for the Welcome of the next one, how long for
  #   the fence, and how long it holds publishes back
  # - +drain+: how long to wait for owed Replies, when the client leaves a relay and when it is closed
  # - +settle+: after this long the client asks the relay for the outcome of posts
  # - +ping_owed+, +ping_idle+: after this long without a byte from the relay the client sends a Ping: while an answer
  #   is owed, or at any time
  # - +ping_timeout+: after this long without a byte since the Ping, the connection is given up
  Options = Struct.new(:events_bytes, :queued_bytes, :unsent_bytes, :unanswered, :gap_jitter, :partial_gap,
                       :backoff_min, :backoff_max, :backoff_hopeless, :good_connection, :handshake, :first_use,
                       :successor, :drain, :settle, :ping_owed, :ping_idle, :ping_timeout, keyword_init: true) do
    # @raise [ArgumentError] for an unknown option, or a value that is not a number, or below 0
    def initialize(**values)
      super(**self.class::DEFAULTS, **values)
      each_pair do |name, value|
        raise ArgumentError, "#{name} must be a number, not #{value.inspect}" unless value.is_a?(Numeric)
        raise ArgumentError, "#{name} must not be below 0" unless value >= 0 # this refuses NaN, too
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
