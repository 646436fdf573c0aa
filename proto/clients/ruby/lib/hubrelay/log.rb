# frozen_string_literal: true

module Hubrelay
  # Writes lines to the application's logger. There may be no logger, and the logger may fail.
  # @api private
  class Log
    def initialize(logger)
      @logger = logger
    end

    # Logs a change. Does nothing without a logger.
    def add(severity, text)
      @logger&.public_send(severity, text)
    rescue StandardError => e # the client goes on without this line
      warn "hubrelay: the logger has failed: #{e.message}"
    end

    # Logs what should not have happened. Without a logger it goes to stderr.
    def failure(text)
      @logger ? add(:error, text) : warn("hubrelay: #{text}")
    end
  end
  private_constant :Log
end
