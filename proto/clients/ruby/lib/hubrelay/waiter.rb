# frozen_string_literal: true

module Hubrelay
  # What a caller waits for. With the client's lock held, but for `value`.
  # @api private
  class Waiter
    # What is signalled when it is done: a ConditionVariable, or a WakeUp; nil while nobody sleeps.
    attr_accessor :gate

    # The Link to which its publish was written; nil for anything else.
    attr_accessor :link

    def initialize
      @done = false
      @gate = @value = @error = @link = nil
    end

    def done?
      @done
    end

    # Ends the wait, unless it has ended already.
    def resolve(value = nil)
      return if @done

      @value = value
      @done = true
      @gate&.signal
    end

    # Ends the wait by an error, unless it has ended already.
    def reject(error)
      return if @done

      @error = error
      @done = true
      @gate&.signal
    end

    # What it was resolved with. Raises what it was rejected with.
    def value
      raise @error if @error

      @value
    end
  end
  private_constant :Waiter
end
