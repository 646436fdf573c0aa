# frozen_string_literal: true

require "active_support/json"
require "active_support/notifications"
require "hubrelay"

module ActionCable
  module SubscriptionAdapter
    class Hubrelay < Base
      # Reports the relay's events to the application, and to its clients if the options say so. It uses the log,
      # ActiveSupport::Notifications, the broadcasting +events_stream+, and closes WebSockets.
      #
      # The notifications are +status.hubrelay+, +gap.hubrelay+, +loss.hubrelay+ and +revoked.hubrelay+. Their +:event+
      # is the Status, Gap, Loss or Revoked of the client.
      #
      # @api private
      class Teller
        # Writes lines to the server's log. There may be no log.
        Log = Struct.new(:logger) do
          %i[info warn error].each do |severity|
            define_method(severity) { |text| logger&.public_send(severity, "[Hubrelay] #{text}") }
          end
        end

        NAMES = { ::Hubrelay::Status => "status", ::Hubrelay::Gap => "gap", ::Hubrelay::Loss => "loss",
                  ::Hubrelay::Revoked => "revoked" }.freeze
        private_constant :NAMES

        attr_reader :log

        # The block takes a name and a payload, and delivers to the clients of this process.
        def initialize(server, settings, &deliver)
          @server = server
          @settings = settings
          @deliver = deliver
          @log = Log.new(server.config.logger)
          @is_up = true
        end

        # @param event [::Hubrelay::Status, ::Hubrelay::Gap, ::Hubrelay::Loss, ::Hubrelay::Revoked]
        def tell(event)
          protect { write_line(event) }
          protect { tell_clients(event) }
          protect { ActiveSupport::Notifications.instrument("#{NAMES.fetch(event.class)}.hubrelay", event:) }
        end

        # Logs an exception from the block, so that the thread goes on. Without the thread the process would hear
        # nothing. So this also rescues an application's NotImplementedError, LoadError or endless recursion.
        def protect
          yield
        rescue StandardError, ScriptError, SystemStackError => e
          @log.error("#{e.class}: #{e.message}\n#{e.backtrace&.join("\n")}")
        end

        private

        def write_line(event)
          case event
          when ::Hubrelay::Status then write_state(event)
          when ::Hubrelay::Gap then @log.warn("messages may have been missed: #{event.reasons.join('; ')}")
          when ::Hubrelay::Loss then @log.warn("#{event.messages} messages were lost: #{event.reason}")
          when ::Hubrelay::Revoked then @log.error("nothing comes on #{event.channels.join(', ')}: #{event.detail}")
          end
        end

        # The client itself has logged the loss of a connection to the relay. A relay that is stopping loses nothing by
        # that.
        def write_state(status)
          return if status.state == :stopping

          if status.up?
            @log.info("up: broadcasts are delivered again") unless @is_up
          elsif status.connected?
            @log.warn("#{status.state}: broadcasts fail or are missed: #{status.reason}")
          end
          @is_up = status.up?
        end

        def tell_clients(event)
          stream = @settings.events_stream
          text = stream && text_for_clients(event)
          @deliver.call(stream, text) if text
          reconnect_clients if event.is_a?(::Hubrelay::Gap) && @settings.reconnect_on_gap?
        end

        # The text has no reasons, since they name hosts that a browser should not learn. It has a time, since Action
        # Cable's thread pools may swap two texts that come shortly after each other.
        def text_for_clients(event)
          case event
          when ::Hubrelay::Status then encode(event: "status", state: event.state)
          when ::Hubrelay::Gap then encode(event: "gap", partial: event.partial?)
          end
        end

        def encode(**values)
          ActiveSupport::JSON.encode(at: Time.now.to_f, **values)
        end

        # Closes all WebSockets, as the restart of a server does. Action Cable's JavaScript opens each one again, and
        # subscribes again.
        def reconnect_clients
          @server.connections.dup.each do |connection|
            protect { connection.close(reason: "gap", reconnect: true) }
          end
        end
      end
    end
  end
end
