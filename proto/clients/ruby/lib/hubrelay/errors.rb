# frozen_string_literal: true

module Hubrelay # rubocop:disable Style/Documentation -- hubrelay.rb has it
  # Every error of this gem that an application may meet.
  class Error < StandardError
    # The verdict of the relay or the client: a Symbol as +:refused+, an Integer if this gem does not know it.
    attr_reader :outcome
    # Refused names, as many as fit a frame: frozen Arrays of Strings, mostly empty.
    attr_reader :channels, :patterns

    # @param detail [String] for people
    def initialize(detail = nil, outcome: self.class.outcome, channels: [], patterns: [])
      super(detail)
      @outcome = outcome
      @channels = channels.dup.freeze
      @patterns = patterns.dup.freeze
    end

    # The outcome of which this class is the error; nil for Error itself.
    def self.outcome
      nil
    end
  end

  # Certainly not delivered: there is no connection to a relay, or the relay has none to Redis.
  class NotConnectedError < Error
    def self.outcome
      :not_connected
    end
  end

  # Delivered or not, nobody knows: the connection or Redis failed before the answer, or the time was up.
  class InterruptedError < Error
    def self.outcome
      :interrupted
    end
  end

  # The time that the caller gave is over, and the request may have had its effect.
  class TimeoutError < InterruptedError
  end

  # Redis answered with an error, which is the message. +channels+ and +patterns+ are what it refused of a subscribe.
  class RefusedError < Error
    def self.outcome
      :refused
    end
  end

  # The request itself is wrong: a name of no or too many bytes, a payload too large, patterns where there are none.
  class InvalidError < Error
    def self.outcome
      :invalid
    end
  end

  # A limit on subscriptions is reached. The request had no effect, and the connection lives on.
  class LimitError < Error
    def self.outcome
      :limit
    end
  end

  # Nothing was sent: too much waits for the relay already, or for its Replies.
  class CongestedError < Error
    def self.outcome
      :congested
    end
  end

  # The client, or the subscription, is closed. Nothing was sent.
  class ClosedError < Error
    def self.outcome
      :closed
    end
  end

  # The relay answered with an outcome that this gem does not know: a failure. +outcome+ has its number.
  class UnknownError < Error
    def self.outcome
      :unknown
    end
  end

  # The errors of Replies, by outcome.
  REPLY_ERRORS = [NotConnectedError, InterruptedError, RefusedError, InvalidError, LimitError]
                 .to_h { |error| [error.outcome, error] }.freeze
  private_constant :REPLY_ERRORS

  # The error for a Reply that is not OK.
  # @api private
  def self.error_of(reply)
    detail = reply.detail.empty? ? reply.outcome.to_s : reply.detail
    REPLY_ERRORS.fetch(reply.outcome, UnknownError)
                .new(detail, outcome: reply.outcome, channels: reply.channels, patterns: reply.patterns)
  end
end
