# frozen_string_literal: true

module Hubrelay # rubocop:disable Style/Documentation -- hubrelay.rb has it
  # Tells every client of a fork, so that a child begins anew (puma with `preload_app!`, Process.fork).
  # @api private
  module Forks
    CLIENTS = ObjectSpace::WeakMap.new

    # Prepended to Process's singleton class: Kernel#fork and Process.fork come by here.
    module Hook
      def _fork
        Forks.around { super }
      end
    end

    module_function

    def add(client)
      CLIENTS[client] = true
    end

    # With the locks of all clients held, no other thread is in the middle of anything that the child will see.
    def around
      reactors = CLIENTS.keys.map(&:current_reactor)
      reactors.each { |reactor| reactor.lock.lock }
      pid = yield
    ensure
      reactors.each { |reactor| reactor.lock.unlock }
      CLIENTS.each_key(&:begin_anew) if pid&.zero?
    end
  end
  private_constant :Forks

  Process.singleton_class.prepend(Forks::Hook)
end
