# frozen_string_literal: true

module Hubrelay # rubocop:disable Style/Documentation -- hubrelay.rb has it
  # Tells every client of a fork, so that a child begins anew (puma with `preload_app!`, Process.fork).
  # @api private
  module Forks
    # Each to itself: in Ruby 3.1 `keys` has keys that are collected already, unless their value is, too.
    CLIENTS = ObjectSpace::WeakMap.new

    # Prepended to Process's singleton class: Kernel#fork and Process.fork come by here.
    module Hook
      def _fork
        Forks.around { super }
      end
    end

    module_function

    def add(client)
      CLIENTS[client] = client
    end

    # With the locks of all clients held, no other thread is in the middle of anything that the child will see. Where
    # a lock cannot be taken, the child finds out by its pid, at the first use of the client.
    def around
      held = CLIENTS.keys.select { |client| lock(client.current_reactor) }
      reactors = held.map(&:current_reactor)
      pid = yield
    ensure
      reactors&.each { |reactor| reactor.lock.unlock }
      held.each(&:begin_anew) if pid&.zero?
    end

    # False in a trap handler, where Ruby allows no mutex, and for a thread that holds it already.
    def lock(reactor)
      reactor.lock.lock
    rescue ThreadError
      false
    end
  end
  private_constant :Forks

  Process.singleton_class.prepend(Forks::Hook)
end
