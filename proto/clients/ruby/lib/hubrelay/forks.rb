# frozen_string_literal: true

module Hubrelay # rubocop:disable Style/Documentation -- hubrelay.rb has it
  # Notifies every client of a fork, so that it starts again in the child (puma with `preload_app!`, Process.fork).
  # @api private
  module Forks
    # Maps each client to itself: in Ruby 3.1 `keys` also has collected keys, unless their values are collected, too.
    CLIENTS = ObjectSpace::WeakMap.new

    # Prepended to Process's singleton class: Kernel#fork and Process.fork both call `_fork`.
    module Hook
      def _fork
        Forks.around { super }
      end
    end

    module_function

    def add(client)
      CLIENTS[client] = client
    end

    # Holds the locks of all clients during the fork, so that the child sees no client in the middle of a change. If a
    # lock cannot be taken, the child notices the fork by its pid, at the first use of the client.
    def around
      held = CLIENTS.keys.select { |client| lock(client.current_reactor) }
      reactors = held.map(&:current_reactor)
      pid = yield
    ensure
      reactors&.each { |reactor| reactor.lock.unlock }
      held.each(&:begin_anew) if pid&.zero?
    end

    # False in a trap handler, where Ruby allows no mutex, and for a thread that already holds the lock.
    def lock(reactor)
      reactor.lock.lock
    rescue ThreadError
      false
    end
  end
  private_constant :Forks

  Process.singleton_class.prepend(Forks::Hook)
end
