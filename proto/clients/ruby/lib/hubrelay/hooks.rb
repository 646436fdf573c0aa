# frozen_string_literal: true

module Hubrelay
  # Called around publishes and deliveries, for tracing, in the thread that publishes or takes the message. Override
  # what you need. What a hook raises goes to the logger, and disturbs nobody.
  class Hooks
    # A publish or a post begins. What this returns is handed to +after_publish+.
    def before_publish(channel, payload); end

    # It has ended, with the number of receivers or an error. A post has neither receivers nor a wait.
    def after_publish(context, receivers, error); end

    # The application is given this Message.
    def before_delivery(message); end

    # The application has done with it: it asks for the next event, or closes.
    def after_delivery(message); end
  end
end
