# frozen_string_literal: true

module Hubrelay # rubocop:disable Style/Documentation -- hubrelay.rb has it
  # The base class of all errors of this gem that an application may meet.
  class Error < StandardError
    # The outcome, by the relay or the client: a Symbol such as +:refused+, or an Integer if this gem does not know it.
    attr_reader :outcome
    # The refused names, as many as fit into a frame: frozen Arrays of Strings, mostly empty.
    attr_reader :channels, :patterns

    # @param detail [String] a text for people
    def initialize(detail = nil, outcome: self.class.outcome, channels: [], patterns: [])
      super(detail)
      @outcome = outcome
      @channels = channels.dup.freeze
      @patterns = patterns.dup.freeze
    end

    # The outcome that this class stands for; nil for Error itself.
    def self.outcome
      nil
    end
  end

  # The message was certainly not delivered: there is no connection to a relay, or the relay has no connection to Redis.
  class NotConnectedError < Error
    def self.outcome
      :not_connected
    end
  end

  # It is unknown whether the message was delivered: the connection or Redis failed before the answer, or the time was
  # up.
  class InterruptedError < Error
    def self.outcome
      :interrupted
    end
  end

  # The caller's timeout has passed, and the request may have had its effect.
  class TimeoutError < InterruptedError
  end

  # Redis answered with an error; its text is the message. After a subscribe, +channels+ and +patterns+ are the names
  # that Redis refused.
  class RefusedError < Error
    def self.outcome
      :refused
    end
  end

  # The request itself is wrong: a name that is empty or has too many bytes, a payload that is too large, or a pattern
  # for a relay without patterns.
  class InvalidError < Error
    def self.outcome
      :invalid
    end
  end

  # A limit on subscriptions is reached. The request had no effect, and the connection stays open.
  class LimitError < Error
    def self.outcome
      :limit
    end
  end

  # Nothing was sent: too many bytes wait for the relay already, or too many publishes wait for its Replies.
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

  # The relay answered with an outcome that this gem does not know. It counts as a failure. +outcome+ has its number.
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
