# frozen_string_literal: true

require "action_cable"
require "hubrelay"
require_relative "hubrelay/listener"
require_relative "hubrelay/settings"
require_relative "hubrelay/teller"

module ActionCable
  module SubscriptionAdapter
    # Action Cable on a hubrelay beside the app server, which carries broadcasts between hosts by Redis pub/sub.
    # <tt>config/cable.yml</tt> says <tt>adapter: hubrelay</tt>; Settings has the options, docs/actioncable.md the rest.
    #
    # The interface is that of Base, which Action Cable calls from threads of its own. Of the relay only +broadcast+
    # waits; a subscription is confirmed by its callback once Redis has confirmed it, which is later during an outage.
    #
    # See https://guides.rubyonrails.org/action_cable_overview.html#subscription-adapter
    class Hubrelay < Base
      prepend ChannelPrefix

      # @raise [ArgumentError] for an unknown option in cable.yml, or an impossible value; it is logged, too, since
      #   Action Cable makes its adapter in a thread whose errors nobody sees
      def initialize(server)
        super
        @server = server # which Base does not keep in every version of Rails
        @settings = Settings.new(server.config.cable)
        @mutex = Mutex.new
        @listener = new_listener
      rescue ArgumentError => e
        server.config.logger&.error("[Hubrelay] #{e.message}")
        raise
      end

      # Publishes, and waits for Redis's answer.
      #
      # @raise [::Hubrelay::Error] unless Redis has taken it; the class says whether it may be delivered
      # @return [Integer] how many subscriptions at Redis received it: relays, not the workers behind them
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

      # After this no callback is called. Waits for broadcasts that are under way.
      def shutdown
        @mutex.synchronize { @listener }.shutdown
      end

      # The client of this process, for its +status+, +counters+ and +ready+. Its events are taken already.
      #
      # @return [::Hubrelay::Client]
      def client
        listener.client
      end

      private

      # That of this process: a forked one begins anew, and so does whoever uses an adapter that was shut down.
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

      # Where callbacks are called: Rails 8.2 has an executor of its own for that, and no thread of the event loop.
      def executor_of_server
        @server.respond_to?(:executor) ? @server.executor : @server.event_loop
      end
    end
  end
end
