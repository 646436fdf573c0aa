# frozen_string_literal: true

require "action_cable"
require "hubrelay"
require_relative "hubrelay/listener"
require_relative "hubrelay/settings"
require_relative "hubrelay/teller"

module ActionCable
  module SubscriptionAdapter
    # The Action Cable adapter for a hubrelay beside the app server. The relay carries broadcasts between hosts over
    # Redis pub/sub. Set <tt>adapter: hubrelay</tt> in <tt>config/cable.yml</tt>. Settings lists the options, and
    # docs/actioncable.md has the rest.
    #
    # The interface is that of Base, which Action Cable calls from its own threads. Only +broadcast+ waits for the
    # relay. A subscription is confirmed by its callback once Redis has confirmed it; during an outage that is later.
    #
    # See https://guides.rubyonrails.org/action_cable_overview.html#subscription-adapter
    class Hubrelay < Base
      prepend ChannelPrefix

      # @raise [ArgumentError] for an unknown option in cable.yml, or a value that is not allowed; the error is also
      #   logged, since Action Cable makes its adapter in a thread whose errors nobody sees
      def initialize(server)
        super
        @server = server # not every version of Rails keeps it in Base
        @settings = Settings.new(server.config.cable)
        @mutex = Mutex.new
        @listener = new_listener
      rescue ArgumentError => e
        server.config.logger&.error("[Hubrelay] #{e.message}")
        raise
      end

      # Publishes, and waits for Redis's answer.
      #
      # @raise [::Hubrelay::Error] unless Redis has taken the message; the class says whether it may have been delivered
      # @return [Integer] how many subscriptions at Redis received it: each relay counts, not the workers behind it
      def broadcast(channel, payload)
        client.publish(@settings.relay_name(channel), payload.to_s, timeout: @settings.timeout)
      rescue ::Hubrelay::InvalidError => e
        raise ::Hubrelay::InvalidError, "#{e.message} (--max-payload of hubrelay serve): broadcast less, or allow more"
      end

      # Never waits, and never fails.
      def subscribe(channel, callback, success_callback = nil)
        listener.add_subscriber(@settings.relay_name(channel), callback, success_callback)
      end

      # Never waits, and never fails.
      def unsubscribe(channel, callback)
        listener.remove_subscriber(@settings.relay_name(channel), callback)
      end

      # Closes the client; after this no callback is called. Waits for broadcasts that are under way.
      def shutdown
        @mutex.synchronize { @listener }.shutdown
      end

      # The client of this process, for its +status+, +counters+ and +ready+. The adapter already takes its events.
      #
      # @return [::Hubrelay::Client]
      def client
        listener.client
      end

      private

      # The listener of this process. A forked process gets a new one, and so does a caller that uses the adapter after
      # it was shut down.
      def listener
        current = @listener
        return current if current.usable?

        @mutex.synchronize do
          @listener = new_listener unless @listener.usable?
          @listener
        end
      end

      def new_listener
        Listener.new(@settings, executor_of_server) { |deliver| Teller.new(@server, @settings, &deliver) }
      end

      # Where callbacks are called: Rails 8.2 has its own executor for that, and no event loop thread.
      def executor_of_server
        @server.respond_to?(:executor) ? @server.executor : @server.event_loop
      end
    end
  end
end
