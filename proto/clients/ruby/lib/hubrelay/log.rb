# frozen_string_literal: true

module Hubrelay
  # Lines for the application's logger, which may be missing, and may fail.
  # @api private
  class Log
    def initialize(logger)
      @logger = logger
    end

    # A change. Nothing without a logger.
    def add(severity, text)
      @logger&.public_send(severity, text)
    rescue StandardError => e # the client goes on without
      warn "hubrelay: the logger has failed: #{e.message}"
    end

    # What should not have happened: on stderr without a logger.
    def failure(text)
      @logger ? add(:error, text) : warn("hubrelay: #{text}")
    end
  end
  private_constant :Log
end
