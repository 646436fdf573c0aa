# frozen_string_literal: true

require "active_support/json"
require "active_support/notifications"
require "hubrelay"

module ActionCable
  module SubscriptionAdapter
    class Hubrelay < Base
      # Tells the application, and by its options the clients, what the relay has told: by the log, by
      # ActiveSupport::Notifications, by the broadcasting +events_stream+, and by closing WebSockets.
      #
      # Notifications are +status.hubrelay+, +gap.hubrelay+, +loss.hubrelay+ and +revoked.hubrelay+. The payload's
      # +:event+ is the Status, Gap, Loss or Revoked of the client.
      #
      # @api private
      class Teller
        # Lines of this gem in the server's log. There may be none.
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

        # What is raised in the block is logged: the thread goes on. Without it the process would hear nothing any more,
        # so that goes for an application's NotImplementedError, LoadError or endless recursion, too.
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

        # The client itself has told of a lost connection to the relay. One that stops loses nothing by that.
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

        # Without reasons, which name hosts that are no business of a browser. With a time, since Action Cable's thread
        # pools may swap what comes shortly after something else.
        def text_for_clients(event)
          case event
          when ::Hubrelay::Status then encode(event: "status", state: event.state)
          when ::Hubrelay::Gap then encode(event: "gap", partial: event.partial?)
          end
        end

        def encode(**values)
          ActiveSupport::JSON.encode(at: Time.now.to_f, **values)
        end

        # As the restart of a server does. Action Cable's JavaScript opens each again, and subscribes anew.
        def reconnect_clients
          @server.connections.dup.each do |connection|
            protect { connection.close(reason: "gap", reconnect: true) }
          end
        end
      end
    end
  end
end
