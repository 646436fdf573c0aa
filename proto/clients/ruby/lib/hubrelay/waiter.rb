# frozen_string_literal: true

module Hubrelay
  # The result that a caller waits for. Call it with the client's lock held, except `value`.
  # @api private
  class Waiter
    # This is signalled when the waiter is done: a ConditionVariable, or a WakeUp; nil while no thread sleeps.
    attr_accessor :gate

    # The Link to which the waiter's publish was written; nil for any other request.
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

    # Ends the wait with an error, unless it has ended already.
    def reject(error)
      return if @done

      @error = error
      @done = true
      @gate&.signal
    end

    # The value that it was resolved with. Raises the error that it was rejected with.
    def value
      raise @error if @error

      @value
    end
  end
  private_constant :Waiter
end
